"""Pushing and pulling between clones: through a folder, and through S3."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, make_outputs, record

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folder
from ovt.versions.artifacts import output_path, read_report
from ovt.versions.history import resolve
from ovt.versions.runs import RUNS, publish
from ovt.workflows.sharing.share import fetch_runs, main_remote, pull, push, remote_add

TREES = ("build", "model", "reports", "data")


def contents(project: Project) -> dict[str, bytes]:
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for name in TREES for path in sorted((project.root / name).rglob("*")) if path.is_file()
    }


def with_origin(project: Project, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(project.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(project.root, "push", "-q", "-u", "origin", "main")


def clone(tmp_path: Path, name: str = "clone") -> Project:
    git(tmp_path, "clone", "-q", str(tmp_path / "origin.git"), name)
    return Project(tmp_path / name)


@pytest.fixture
def shared(recorded: Project, tmp_path: Path) -> Project:
    """A project with a model, a Git remote and a data remote in a folder."""
    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    with_origin(recorded, tmp_path)
    return recorded


def make_run(project: Project, tmp_path: Path, name: str = "elsewhere") -> str:
    there = Project(tmp_path / name)
    shutil.copytree(project.root, there.root, symlinks=True)
    record(there)
    shutil.copytree(cache_folder(there), cache_folder(project), dirs_exist_ok=True)
    key = resolve(project, "HEAD").key
    publish(git_of(project.root), there, key, name)
    return key


def test_a_clone_elsewhere_gets_the_same_bytes(shared: Project, tmp_path: Path) -> None:
    first = push(shared, Silent())
    assert first.objects > 10
    assert push(shared, Silent()).objects == 0
    there = clone(tmp_path)
    result = pull(there, Silent())
    assert result.objects == first.objects
    assert contents(there) == contents(shared)
    assert git(there.root, "status", "--porcelain") == ""
    again = pull(there, Silent())
    assert (again.objects, again.runs, again.restored) == (0, 0, ())


def test_a_run_made_in_the_background_travels_too(shared: Project, tmp_path: Path) -> None:
    (shared.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(shared, "two")
    git(shared.root, "push", "-q")
    key = make_run(shared, tmp_path)
    assert push(shared, Silent()).runs == 1
    assert push(shared, Silent()).runs == 0
    there = clone(tmp_path)
    result = pull(there, Silent())
    assert (result.runs, result.versions[0].report) == (1, "run")
    assert set(result.restored) == {"dvc.lock", "reports/metrics.json", "reports/quality.json", "reports/sources.json"}
    assert resolve(there, "workspace").report == "workspace"
    assert contents(there) == contents(Project(tmp_path / "elsewhere"))
    assert output_path(there, resolve(there, "HEAD"), "build/predictions.parquet").is_file()
    assert key in git(there.root, "for-each-ref", RUNS)


def test_the_first_pushed_run_wins(shared: Project, tmp_path: Path) -> None:
    (shared.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(shared, "two")
    git(shared.root, "push", "-q")
    other = clone(tmp_path, "other")
    shutil.copytree(cache_folder(shared), cache_folder(other), dirs_exist_ok=True)
    dvc.checkout(other, ["data.dvc"])
    key = make_run(shared, tmp_path, "a")
    make_run(other, tmp_path, "b")
    ref = f"{RUNS}{key}"
    push(shared, Silent())
    winner = git(shared.root, "rev-parse", ref)
    assert git(other.root, "rev-parse", ref) != winner
    listener = Silent()
    assert push(other, listener).runs == 0
    assert git(other.root, "rev-parse", ref) == winner
    assert any("someone else first" in note for note in listener.notes)
    assert git(tmp_path / "origin.git", "rev-parse", ref) == winner


def test_only_what_a_version_needs_is_fetched(shared: Project, tmp_path: Path) -> None:
    (shared.root / "data" / "c.jsonl").write_text('{"payloads": {"query": "new"}}\n')
    dvc.add(shared, "data")
    record(shared)
    commit_all(shared, "more data")
    git(shared.root, "push", "-q")
    everything = push(shared, Silent(), ["HEAD", "HEAD~1"]).objects
    there = clone(tmp_path)
    old = pull(there, Silent(), ["HEAD~1"])
    assert 0 < old.objects < everything
    assert not (there.root / "data").exists()  # another version than the one that is checked out
    assert read_report(there, old.versions[0], "quality.json") is not None
    assert pull(there, Silent()).objects == everything - old.objects
    assert (there.root / "data" / "c.jsonl").is_file()


def test_unsaved_data_is_left_alone(shared: Project, tmp_path: Path) -> None:
    push(shared, Silent())
    there = clone(tmp_path)
    pull(there, Silent())
    (there.root / "data" / "a.jsonl").write_text("mine\n")
    listener = Silent()
    pull(there, listener)
    assert (there.root / "data" / "a.jsonl").read_text() == "mine\n"
    assert any("left as they are" in note for note in listener.notes)


def test_what_is_missing_is_told_with_a_way_out(recorded: Project, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no remote is set"):
        push(recorded, Silent())
    shutil.rmtree(cache_folder(recorded) / "files")
    with pytest.raises(MissingError) as caught:
        pull(recorded, Silent())
    assert caught.value.command == "ovt remote add URL"
    remote_add(recorded, str(tmp_path / "empty"))
    with pytest.raises(MissingError, match="neither here nor on the remote"):
        pull(recorded, Silent())
    with pytest.raises(UsageError):
        push(recorded, Silent(), ["nope"])


def test_a_git_remote_that_is_gone(shared: Project, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "origin.git")
    with pytest.raises(MissingError, match="the Git remote `origin` cannot be reached"):
        fetch_runs(shared)


def test_which_git_remote(plain: Project, tmp_path: Path) -> None:
    git_ = git_of(plain.root)
    assert main_remote(git_) is None
    assert fetch_runs(plain) == 0
    git(plain.root, "remote", "add", "upstream", "/x")
    assert main_remote(git_) == "upstream"
    git(plain.root, "remote", "add", "other", "/y")
    assert main_remote(git_) is None
    git(plain.root, "remote", "add", "origin", "/z")
    assert main_remote(git_) == "origin"
    git(plain.root, "config", "branch.main.remote", "other")
    assert main_remote(git_) == "other"


# -- S3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server with a bucket `ovt`."""
    import boto3
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="ovt")
    yield address
    server.stop()


@pytest.mark.filterwarnings("ignore")  # of the S3 libraries about each other
def test_through_s3(recorded: Project, tmp_path: Path, s3: str) -> None:
    remote_add(recorded, "s3://ovt/intent", options={"endpointurl": s3})
    commit_all(recorded, "remote")
    with_origin(recorded, tmp_path)
    sent = push(recorded, Silent()).objects
    assert sent > 10
    assert push(recorded, Silent()).objects == 0
    there = clone(tmp_path)
    assert pull(there, Silent()).objects == sent
    assert contents(there) == contents(recorded)
    assert "test" not in (recorded.root / ".dvc" / "config").read_text().split()


@pytest.mark.filterwarnings("ignore")
def test_a_bucket_that_is_not_there(recorded: Project, s3: str) -> None:
    remote_add(recorded, "s3://nowhere/intent", options={"endpointurl": s3})
    with pytest.raises((MissingError, ProjectError)) as caught:
        push(recorded, Silent())
    assert "s3://nowhere" in str(caught.value) or "nowhere" in str(caught.value)


def test_the_dvc_program_understands_the_remote(shared: Project, tmp_path: Path) -> None:
    import sys

    push(shared, Silent())
    there = clone(tmp_path)
    done = subprocess.run([sys.executable, "-m", "dvc", "pull", "-q"], cwd=there.root, check=False, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    assert contents(there) == contents(shared)
    make_outputs(there)
