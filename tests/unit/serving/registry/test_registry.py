"""Publishing: whole or invisible, resumable, checked on arrival, an alias that only moves on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ovt.errors import MissingError, UsageError
from ovt.progress import Silent
from ovt.serving.registry.fetch import fetch, read_alias
from ovt.serving.registry.manifests import Manifest, Pointer, bundle_name, digest_of, object_name, read_manifest
from ovt.serving.registry.publish import manifest_of, point, publish
from ovt.storage.buckets.interface import Bucket

pytestmark = pytest.mark.filterwarnings("ignore")  # of the S3 libraries about each other
COMMIT = "c" * 40


class CutError(Exception):
    """The process died here."""


class Dying:
    """A bucket whose user is killed at the n-th write."""

    def __init__(self, inner: Bucket, writes: int) -> None:
        self.inner, self.left, self.url = inner, writes, inner.url

    def __getattr__(self, name: str):
        return getattr(self.inner, name)

    def _write(self, name: str, *arguments):
        if not self.left:
            raise CutError
        self.left -= 1
        return getattr(self.inner, name)(*arguments)

    def put(self, *arguments):
        return self._write("put", *arguments)

    def write(self, *arguments):
        return self._write("write", *arguments)

    def replace(self, *arguments):
        return self._write("replace", *arguments)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pointer(bundle: str, serial: int, commit: str = COMMIT) -> Pointer:
    return Pointer(bundle, serial, f"ovt/production/{serial}", commit)


def test_what_is_published_arrives(bucket: Bucket, bundle: Path, tmp_path: Path) -> None:
    sent = publish(bucket, bundle, "KEY", Silent())
    assert (sent.sent, sent.total) == (3, 3)
    point(bucket, "production", pointer(sent.digest, 1))
    there = fetch(bucket, "production", tmp_path / "cache")
    assert contents(there) == contents(bundle)
    assert there == tmp_path / "cache" / sent.digest
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [sent.digest]
    assert publish(bucket, bundle, "KEY", Silent()).sent == 0


def test_killed_at_every_write_nothing_half_is_visible_and_the_same_command_goes_on(
    bucket: Bucket, bundle: Path, tmp_path: Path,
) -> None:
    digest = digest_of(manifest_of(bundle, "KEY").encoded())
    for writes in range(4):
        with pytest.raises(CutError):
            publish(Dying(bucket, 1 if writes else 0), bundle, "KEY", Silent())
        assert len(list(bucket.names("objects/"))) == writes
        assert not list(bucket.names("bundles/"))
        with pytest.raises(MissingError, match="is not there"):
            fetch(bucket, digest, tmp_path / "cache")
        if writes == 3:
            break
    sent = publish(bucket, bundle, "KEY", Silent())
    assert sent.sent == 0
    assert contents(fetch(bucket, sent.digest, tmp_path / "cache")) == contents(bundle)


def test_a_damaged_object_is_named_and_nothing_stays_in_the_cache(bucket: Bucket, bundle: Path, tmp_path: Path) -> None:
    sent = publish(bucket, bundle, "KEY", Silent())
    file = next(file for file in manifest_of(bundle, "KEY").files if file.path == "model.onnx")
    bucket.write(object_name(file.sha256), b"x" * file.size)
    with pytest.raises(MissingError, match=r"model\.onnx.*damaged"):
        fetch(bucket, sent.digest, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    assert publish(bucket, bundle, "KEY", Silent(), again=True).sent == 3
    assert fetch(bucket, sent.digest, tmp_path / "cache").is_dir()


def test_a_damaged_manifest_is_refused(bucket: Bucket, bundle: Path, tmp_path: Path) -> None:
    sent = publish(bucket, bundle, "KEY", Silent())
    bucket.write(bundle_name(sent.digest), b"{}")
    with pytest.raises(MissingError, match="damaged"):
        fetch(bucket, sent.digest, tmp_path / "cache")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", ""])
def test_a_manifest_cannot_write_elsewhere(path: str) -> None:
    content = b'{"key":"k","files":[{"path":"%s","sha256":"%s","size":1}]}' % (path.encode(), b"a" * 64)
    with pytest.raises(MissingError, match="names"):
        read_manifest(content, digest_of(content), "here")


def test_the_same_bundle_has_the_same_digest(bundle: Path) -> None:
    first = manifest_of(bundle, "KEY")
    assert first.encoded() == manifest_of(bundle, "KEY").encoded()
    assert read_manifest(first.encoded(), digest_of(first.encoded()), "here") == first
    assert isinstance(first, Manifest)


def test_an_alias_only_moves_on(bucket: Bucket) -> None:
    one, two = "1" * 64, "2" * 64
    assert point(bucket, "production", pointer(one, 1)).bundle == one
    assert point(bucket, "production", pointer(two, 3, "d" * 40)).bundle == two
    assert point(bucket, "production", pointer(one, 2)).bundle == two  # someone is late
    found = read_alias(bucket, "production")
    before = found.of(COMMIT)
    assert before is not None
    assert (found.bundle, found.serial, before.bundle) == (two, 3, one)
    assert found.of("e" * 40) is None


def test_variants_move_together(bucket: Bucket, bundle: Path, tmp_path: Path) -> None:
    sent = publish(bucket, bundle, "KEY", Silent())
    (bundle / "model.onnx").write_bytes(b"small")
    small = publish(bucket, bundle, "KEY", Silent())
    assert small.sent == 1  # the other files are the same
    point(bucket, "production", Pointer(sent.digest, 1, "t", COMMIT, {"small": small.digest}))
    point(bucket, "production", pointer(sent.digest, 2, "d" * 40))
    before = read_alias(bucket, "production").of(COMMIT)
    assert before is not None
    assert before.variants == {"small": small.digest}
    with pytest.raises(MissingError, match=r"no variant `small`"):
        fetch(bucket, "production", tmp_path / "cache", "small")
    point(bucket, "production", Pointer(sent.digest, 3, "t", COMMIT, before.variants))
    assert (fetch(bucket, "production", tmp_path / "cache", "small") / "model.onnx").read_bytes() == b"small"


def test_many_who_move_an_alias_at_once(bucket: Bucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda serial: point(bucket, "production", pointer(f"{serial:064x}", serial)), range(1, 13)))
    assert read_alias(bucket, "production").serial == 12


def test_an_alias_that_is_not_there(bucket: Bucket) -> None:
    point(bucket, "staging", pointer("1" * 64, 1))
    with pytest.raises(MissingError, match=r"nothing is promoted to `production`[\s\S]*staging"):
        read_alias(bucket, "production")
    with pytest.raises(UsageError, match="no name for an alias"):
        read_alias(bucket, "../secrets")


def test_errors_of_s3_in_ones_own_words(s3_bucket: Bucket, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ovt.storage.buckets.addresses import bucket_at

    with pytest.raises(MissingError, match="there is no bucket `nowhere`"):
        bucket_at("s3://nowhere/x", s3_server).write("a", b"b")
    monkeypatch.setattr("ovt.storage.buckets.s3.ATTEMPTS", 1)
    with pytest.raises(MissingError, match="cannot be reached") as caught:
        bucket_at("s3://models/x", "http://127.0.0.1:1").read("a")
    assert "hunter2" not in str(caught.value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(MissingError, match="no credentials"):
        bucket_at("s3://models/x", s3_server).read("a")
    with pytest.raises(UsageError, match="names no bucket"):
        bucket_at("s3:///x")
    with pytest.raises(UsageError, match="cannot publish to"):
        bucket_at("ftp://somewhere")


def test_a_folder_that_cannot_be_written(tmp_path: Path, bundle: Path) -> None:
    from ovt.storage.buckets.addresses import bucket_at

    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot be written"):
        publish(bucket_at(str(tmp_path / "file")), bundle, "KEY", Silent())
