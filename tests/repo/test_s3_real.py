"""Pushing to and pulling from a real S3 server, one that checks secrets: Ceph's RADOS Gateway."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ceph
import pytest
from sandbox import commit_all, git

from ovt.errors import MissingError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.fingerprint import fingerprint
from ovt.storage.objects import cache_folder
from ovt.storage.remotes import retrying
from ovt.workflows.sharing.cloning import clone
from ovt.workflows.sharing.share import pull, push, remote_add

pytestmark = [pytest.mark.s3_real, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="session")
def gateway() -> Iterator[str]:
    """The address of a gateway with a bucket `ovt`."""
    import boto3

    try:
        root = ceph.unpacked(ceph.cache_folder())
    except ceph.Unavailable as reason:
        pytest.skip(f"no Ceph: {reason}")
    with tempfile.TemporaryDirectory(prefix="ovt-ceph-", dir="/tmp") as base:  # sockets want a short path
        cluster = ceph.Ceph(root, Path(base))
        try:
            address = cluster.start()
            boto3.client("s3", endpoint_url=address, aws_access_key_id=ceph.ACCESS, aws_secret_access_key=ceph.SECRET,
                         region_name="us-east-1").create_bucket(Bucket="ovt")
            yield address
        finally:
            cluster.stop()


@pytest.fixture
def remote(recorded: Project, gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ceph.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ceph.SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(retrying, "WAITS", (0.1,))
    remote_add(recorded, f"s3://ovt/{tmp_path.name}", options={"endpointurl": gateway})
    commit_all(recorded, "remote")
    return recorded


def test_there_and_back_byte_for_byte(remote: Project, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(remote.root), "origin.git")
    git(remote.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    sent = push(remote, Silent()).objects
    assert sent > 10
    assert push(remote, Silent()).objects == 0
    (found,) = clone(str(tmp_path / "origin.git"), tmp_path / "clone", Silent()).projects
    assert (found.objects, found.model, found.problem) == (sent, True, None)
    for name in ("data", "model", "build/store", "build/labels", "build/predictions.parquet"):
        assert fingerprint(found.project, found.project.root / name) == fingerprint(remote, remote.root / name)
    assert ceph.SECRET not in (remote.root / ".dvc" / "config").read_text()


def test_a_large_object_goes_in_parts(remote: Project) -> None:
    content = bytes(range(256)) * (20 * 2**12)  # 20 MiB: several parts of a multipart upload
    (remote.root / "data" / "large.bin").write_bytes(content)
    from ovt.storage import dvc

    dvc.add(remote, "data")
    commit_all(remote, "large")
    push(remote, Silent())
    shutil.rmtree(cache_folder(remote) / "files")
    shutil.rmtree(remote.root / "data")
    pull(remote, Silent())
    assert (remote.root / "data" / "large.bin").read_bytes() == content


@pytest.mark.parametrize("wrong", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_a_wrong_secret(wrong: str, remote: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wrong, "not-what-it-should-be")
    listener = Silent()
    with pytest.raises(MissingError, match="refuses access") as caught:
        push(remote, listener)
    assert listener.notes == []
    assert "not-what-it-should-be" not in str(caught.value)


def test_a_bucket_that_is_not_there(remote: Project, gateway: str) -> None:
    remote_add(remote, "s3://nowhere/x", name="other", options={"endpointurl": gateway})
    with pytest.raises(MissingError) as caught:
        push(remote, Silent())
    assert "nowhere" in str(caught.value)


def test_a_server_that_is_gone(remote: Project) -> None:
    remote_add(remote, "s3://ovt/x", name="gone", options={"endpointurl": f"http://127.0.0.1:{ceph.free_port()}"})
    with pytest.raises(MissingError, match="cannot be reached"):
        push(remote, Silent())
