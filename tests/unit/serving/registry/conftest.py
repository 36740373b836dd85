"""A bundle-like folder, and the places it can be published to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ovt.storage.buckets.addresses import bucket_at
from ovt.storage.buckets.interface import Bucket


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Three files, one in a folder, one empty."""
    folder = tmp_path / "bundle"
    (folder / "vocabulary").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights" * 1000)
    (folder / "vocabulary/words.json").write_bytes(b'["a", "b"]')
    (folder / "empty").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bucket:
    """A prefix of one's own in a bucket on S3."""
    import boto3

    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "hunter2"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3", endpoint_url=s3_server).create_bucket(Bucket="models")
    return bucket_at(f"s3://models/{abs(hash(request.node.nodeid))}", s3_server)


@pytest.fixture(params=["folder", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    """An empty place of either kind."""
    if request.param == "folder":
        return bucket_at(str(tmp_path / "published"))
    found: Bucket = request.getfixturevalue("s3_bucket")
    return found
