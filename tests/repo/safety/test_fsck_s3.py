"""`ovt fsck --remote` on an object store: told apart by ETag, read in pieces, healed both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox import commit_all

from ovt.errors import MissingError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.objects import object_path
from ovt.versions.history import resolve
from ovt.versions.needs import output_objects
from ovt.versions.safety.fsck import Checked, Options, fsck
from ovt.versions.safety.gc import Rules, plan
from ovt.workflows.sharing.share import push, remote_add

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the S3 libraries about each other


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": "hunter2hunter2",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    found = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=found).create_bucket(Bucket="ovt")
    yield found
    server.stop()


def check(project: Project, **options: bool) -> Checked:
    return fsck(project, Silent(), Options(remote=True, **options))  # type: ignore[arg-type]


def test_an_object_store(recorded: Project, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    remote_add(recorded, "s3://ovt/store", options={"endpointurl": address})
    commit_all(recorded, "remote")
    push(recorded, Silent())
    first = check(recorded)
    assert (first.faults, first.only_here, first.remote) == ((), 0, "s3://ovt/store/files/md5")
    assert first.read > 0
    assert check(recorded).read == 0
    tags = output_objects(recorded, resolve(recorded, "HEAD"))["build/tags.parquet"]
    place = {"Bucket": "ovt", "Key": f"store/files/md5/{tags[:2]}/{tags[2:]}"}
    client = boto3.client("s3", endpoint_url=address)
    client.put_object(**place, Body=b"rot")
    assert [fault.kind for fault in check(recorded).faults] == ["remote-corrupt"]
    assert check(recorded, heal=True).clean
    assert client.get_object(**place)["Body"].read() == object_path(recorded, tags).read_bytes()
    here = object_path(recorded, tags)
    here.chmod(0o644)
    here.write_bytes(b"rot")
    (recorded.build / "tags.parquet").unlink()
    assert check(recorded, heal=True).clean
    assert plan(recorded, Silent(), Rules(keep_days=0)).objects == ()
    monkeypatch.setattr("ovt.storage.remotes.retrying.WAITS", ())
    client.delete_object(**place)
    here.unlink()
    assert [fault.kind for fault in check(recorded).faults] == ["missing"]
    (recorded.root / ".dvc/config.local").write_text("['remote \"storage\"']\n    endpointurl = http://127.0.0.1:9\n")
    with pytest.raises(MissingError):
        check(recorded)
