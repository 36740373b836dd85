"""`ovt checkout`: inputs, data, model and report of a version together, and nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, record

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folder
from ovt.versions.history import resolve
from ovt.versions.runs import publish
from ovt.workflows.sharing.checkout import checkout
from ovt.workflows.sharing.share import push, remote_add


def contents(project: Project) -> dict[str, bytes]:
    names = ("build", "model", "reports", "data", "labelers", "dvc.lock")
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for name in names for path in [project.root / name, *sorted((project.root / name).rglob("*"))]
        if path.is_file()
    }


@pytest.fixture
def two(recorded: Project) -> tuple[Project, dict[str, bytes], dict[str, bytes]]:
    """Two versions with models and different data: the project at the second, and what each has."""
    first = contents(recorded)
    git(recorded.root, "tag", "v1")
    (recorded.root / "data" / "c.jsonl").write_text('{"payloads": {"query": "new"}}\n')
    (recorded.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    dvc.add(recorded, "data")
    record(recorded)
    commit_all(recorded, "second")
    return recorded, first, contents(recorded)


def test_there_and_back_again(two: tuple[Project, dict[str, bytes], dict[str, bytes]]) -> None:
    project, first, second = two
    assert first != second
    result = checkout(project, "v1", Silent())
    assert (result.model, result.restored) == (True, ())
    assert contents(project) == first
    assert git(project.root, "status", "--porcelain") == ""
    checkout(project, "main", Silent())
    assert contents(project) == second
    assert git(project.root, "symbolic-ref", "--short", "HEAD") == "main"


def test_head_brings_back_what_was_deleted(two: tuple[Project, dict[str, bytes], dict[str, bytes]]) -> None:
    project, _, second = two
    for name in ("build", "model", "data"):
        shutil.rmtree(project.root / name)
    checkout(project, "HEAD", Silent())
    assert contents(project) == second
    assert git(project.root, "symbolic-ref", "--short", "HEAD") == "main"


@pytest.mark.parametrize("what", ["labelers/height.yaml", "schema.json", "data/a.jsonl", "staged"])
def test_unsaved_changes_are_not_lost(
    what: str, two: tuple[Project, dict[str, bytes], dict[str, bytes]],
) -> None:
    project, _, _ = two
    path = project.root / ("labelers/height.yaml" if what == "staged" else what)
    path.write_text(path.read_text() + " \n")
    if what == "staged":
        git(project.root, "add", "labelers")
    before = contents(project)
    with pytest.raises(ProjectError, match="would be lost") as caught:
        checkout(project, "v1", Silent())
    assert caught.value.at is not None
    assert caught.value.at.rstrip("/") in what or what == "staged"
    assert contents(project) == before
    assert git(project.root, "symbolic-ref", "--short", "HEAD") == "main"


def test_data_that_was_never_added_is_not_lost(plain: Project) -> None:
    (plain.root / "supervision").mkdir()
    (plain.root / "supervision" / "mine.jsonl").write_text("{}\n")
    with pytest.raises(ProjectError, match="would be lost"):
        checkout(plain, "HEAD", Silent())


def test_results_that_are_not_committed_may_go(two: tuple[Project, dict[str, bytes], dict[str, bytes]]) -> None:
    project, first, second = two
    (project.reports / "quality.json").write_text("{}\n")
    (project.root / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    git(project.root, "add", "dvc.lock")
    checkout(project, "v1", Silent())
    assert contents(project) == first
    checkout(project, "main", Silent())
    assert contents(project) == second


def test_a_run_comes_with_its_lock_and_reports(plain: Project, tmp_path: Path) -> None:
    git(plain.root, "tag", "v1")
    there = Project(tmp_path / "there")
    shutil.copytree(plain.root, there.root, symlinks=True)
    record(there)
    shutil.copytree(cache_folder(there), cache_folder(plain), dirs_exist_ok=True)
    publish(git_of(plain.root), there, resolve(plain, "v1").key, "log")
    (plain.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(plain, "second")
    result = checkout(plain, "v1", Silent())
    assert result.model
    assert set(result.restored) == {"dvc.lock", "reports/metrics.json", "reports/quality.json", "reports/sources.json"}
    assert contents(plain) == contents(there)
    assert resolve(plain, "workspace").report == "workspace"
    assert checkout(plain, "v1", Silent()).model  # the restored files are no obstacle
    result = checkout(plain, "main", Silent())
    assert not result.model
    assert not (plain.root / "dvc.lock").exists()
    assert git(plain.root, "status", "--porcelain") == ""


def test_what_is_missing_stops_before_anything_is_touched(
    two: tuple[Project, dict[str, bytes], dict[str, bytes]],
) -> None:
    project, _, second = two
    shutil.rmtree(cache_folder(project) / "files")
    with pytest.raises(MissingError) as caught:
        checkout(project, "v1", Silent())
    assert caught.value.command == "ovt remote add URL"
    assert contents(project) == second
    assert git(project.root, "symbolic-ref", "--short", "HEAD") == "main"


def test_what_is_missing_is_fetched(two: tuple[Project, dict[str, bytes], dict[str, bytes]], tmp_path: Path) -> None:
    project, first, _ = two
    remote_add(project, str(tmp_path / "store"))
    commit_all(project, "remote")
    push(project, Silent(), ["v1"])
    shutil.rmtree(cache_folder(project) / "files")
    checkout(project, "v1", Silent())
    assert contents(project) == first


def test_what_is_no_revision(recorded: Project) -> None:
    with pytest.raises(UsageError, match="no revision"):
        checkout(recorded, "nope", Silent())
    assert checkout(recorded, "workspace", Silent()).model
