"""Remotes that go wrong: errors that say what to do, no secret told, and nothing sent twice."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_s3 import FaultyS3
from sandbox import commit_all, git, make_outputs

from ovt.errors import MissingError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.fingerprint import pointer_hash
from ovt.storage.objects import cache_folder
from ovt.storage.remotes import retrying
from ovt.workflows.sharing.share import pull, push, remote_add

pytestmark = pytest.mark.filterwarnings("ignore")  # of the S3 libraries about each other
SECRET = "hunter2hunter2"
OBJECTS = "/files/md5/"


@pytest.fixture(scope="module")
def proxy() -> Iterator[tuple[FaultyS3, str]]:
    import boto3
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": SECRET,
                            "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}.items():
            patch.setenv(name, value)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        found = FaultyS3(server.get_host_and_port())
        address = found.start()
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="ovt")
        yield found, address
        found.stop()
        server.stop()


NUMBERS = itertools.count()


@pytest.fixture
def remote(recorded: Project, proxy: tuple[FaultyS3, str], monkeypatch: pytest.MonkeyPatch) -> FaultyS3:
    """The server, with the project's remote in it, empty."""
    monkeypatch.setattr(retrying, "WAITS", (0.0, 0.0))
    found, address = proxy
    found.reset()
    remote_add(recorded, f"s3://ovt/{next(NUMBERS)}", options={"endpointurl": address})
    commit_all(recorded, "remote")
    return found


def nth_uploads(*numbers: int, wrong: int | str = 500):  # type: ignore[no-untyped-def]
    """A fault of the n-th uploads of objects, counted from 0."""
    count = itertools.count()
    return lambda method, path: wrong if method == "PUT" and OBJECTS in path and next(count) in numbers else None


def test_a_busy_server_is_asked_again_for_what_is_left(recorded: Project, remote: FaultyS3) -> None:
    remote.fault = nth_uploads(1, 3, 4, wrong=503)
    listener = Silent()
    sent = push(recorded, listener).objects
    assert len(remote.stored()) == len(set(remote.stored())) == sent
    assert sum(answer == 503 for _, _, answer in remote.seen) == 3
    assert listener.notes == ["pushing: OSError; again in 0 s"]
    assert push(recorded, Silent()).objects == 0


def test_a_push_that_broke_off_goes_on_where_it_was(recorded: Project, remote: FaultyS3) -> None:
    count = itertools.count()
    remote.fault = lambda method, path: 500 if method == "PUT" and next(count) >= 5 else None
    with pytest.raises(MissingError, match="could not be pushed") as caught:
        push(recorded, Silent())
    assert caught.value.command == "ovt push"
    before = set(remote.stored())
    assert len(before) == 5
    remote.reset()
    sent = push(recorded, Silent()).objects
    assert len(remote.stored()) == sent
    assert before.isdisjoint(remote.stored())
    assert push(recorded, Silent()).objects == 0


def test_a_listing_is_there_only_when_its_files_are(recorded: Project, remote: FaultyS3) -> None:
    """Whoever sees a folder's listing on the remote may count on its files: a push that fails leaves none."""
    remote.fault = nth_uploads(0, *range(1, 50), wrong=500)
    with pytest.raises(MissingError):
        push(recorded, Silent())
    assert not [path for path in remote.stored() if path.endswith(".dir")]


def test_a_wrong_secret_is_told_at_once_and_never_shown(recorded: Project, remote: FaultyS3) -> None:
    remote.fault = lambda method, path: 403
    listener = Silent()
    with pytest.raises(MissingError, match="refuses access") as caught:
        push(recorded, listener)
    assert "credentials" in (caught.value.fix or "")
    assert listener.notes == []
    assert SECRET not in str(caught.value)
    remote.reset()
    remote.fault = nth_uploads(*range(100), wrong=403)  # may be listed, not written
    with pytest.raises(MissingError, match="refuses access") as caught:
        push(recorded, listener)
    assert listener.notes == []
    assert "AKIA" not in str(caught.value)


def test_a_server_that_is_down(recorded: Project, remote: FaultyS3) -> None:
    remote.fault = lambda method, path: 500
    listener = Silent()
    with pytest.raises(MissingError, match="cannot be reached"):
        push(recorded, listener)
    assert len(listener.notes) == 2


@pytest.mark.slow
def test_a_connection_that_is_lost(recorded: Project, remote: FaultyS3) -> None:
    remote.fault = nth_uploads(*range(3, 10), wrong="drop")
    sent = push(recorded, Silent()).objects
    assert len(set(remote.stored())) == sent


@pytest.mark.slow
def test_a_server_that_never_answers(recorded: Project, remote: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "WAITS", ())
    with (recorded.root / ".dvc" / "config.local").open("a") as file:
        file.write("['remote \"storage\"']\n    read_timeout = 1\n    connect_timeout = 1\n")
    remote.fault = lambda method, path: "hang"
    with pytest.raises(MissingError, match="cannot be reached"):
        push(recorded, Silent())


def test_a_fetch_that_breaks_off_goes_on(recorded: Project, remote: FaultyS3) -> None:
    sent = push(recorded, Silent()).objects
    shutil.rmtree(cache_folder(recorded) / "files")
    remote.reset()
    count = itertools.count()
    remote.fault = lambda method, path: 503 if method == "GET" and OBJECTS in path and next(count) in {2, 7} else None
    listener = Silent()
    assert pull(recorded, listener).objects == sent
    assert listener.notes
    # DVC reads a folder's listing twice, and no file.
    got = [path for method, path, answer in remote.seen if method == "GET" and OBJECTS in path
           and not path.endswith(".dir") and answer in {200, 206}]
    assert len(got) == len(set(got)) > 10


def test_what_was_changed_on_the_way_is_refused(recorded: Project, remote: FaultyS3, proxy: tuple[FaultyS3, str]) -> None:
    import boto3

    push(recorded, Silent())
    path = next(path for path in remote.stored() if not path.split("?")[0].endswith(".dir"))
    key = path.split("?")[0].removeprefix("/ovt/")
    boto3.client("s3", endpoint_url=proxy[1]).put_object(Bucket="ovt", Key=key, Body=b"another")
    shutil.rmtree(cache_folder(recorded) / "files")
    with pytest.raises(MissingError, match="1 objects on the remote are damaged") as caught:
        pull(recorded, Silent())
    assert caught.value.command == "ovt fsck --remote"
    digest = "".join(key.split("/")[-2:])
    assert not (cache_folder(recorded) / "files" / "md5" / digest[:2] / digest[2:]).exists()


def test_several_versions_and_a_range_are_sent_once(recorded: Project, tmp_path: Path) -> None:
    remote_add(recorded, str(tmp_path / "store"))
    start = commit_all(recorded, "remote")
    for number in range(2):
        (recorded.root / "data" / f"more-{number}.jsonl").write_text(f'{{"payloads": {{"query": "{number}"}}}}\n')
        dvc.add(recorded, "data")
        for stage in ("compile", "label"):
            make_outputs(recorded, (stage,))
            dvc.record_stage(recorded, stage)
        commit_all(recorded, f"more {number}")
    data = [tracked_hash_at(recorded, revision) for revision in ("HEAD", "HEAD~1", start)]
    assert push(recorded, Silent()).objects > 0
    store = tmp_path / "store" / "files" / "md5"
    assert [(store / digest[:2] / digest[2:]).is_file() for digest in data] == [True, False, False]
    assert push(recorded, Silent(), [f"{start}..HEAD", "HEAD~1"]).objects > 0
    assert [(store / digest[:2] / digest[2:]).is_file() for digest in data] == [True, True, False]
    assert push(recorded, Silent(), ["HEAD", "HEAD~1"]).objects == 0
    shutil.rmtree(cache_folder(recorded) / "files")
    fetched = pull(recorded, Silent(), [f"{start}..HEAD"]).objects
    assert fetched == sum(path.is_file() for path in store.rglob("*"))


def tracked_hash_at(project: Project, revision: str) -> str:
    return str(pointer_hash(git(project.root, "show", f"{revision}:data.dvc").encode(), "data.dvc"))
