"""`ovt clone`: repository, runs, data and model in one command, and nothing of it executed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, record

from ovt.errors import MissingError, UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.fingerprint import fingerprint
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folder
from ovt.versions.artifacts import read_report
from ovt.versions.history import history, resolve
from ovt.versions.runs import publish
from ovt.workflows.sharing.cloning import clone
from ovt.workflows.sharing.merging import configured
from ovt.workflows.sharing.share import pull, push, remote_add


@pytest.fixture
def origin(recorded: Project, tmp_path: Path) -> Project:
    """A project with a model whose data and results are pushed; the bare repository is `origin.git`."""
    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(recorded.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(recorded.root, "push", "-q", "-u", "origin", "main")
    push(recorded, Silent())
    return recorded


def test_one_command_brings_it_all(origin: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.move(tmp_path / "origin.git", tmp_path / "intent.git")
    done = clone("intent.git", None, Silent())
    assert done.folder == tmp_path / "intent"
    (found,) = done.projects
    assert (found.model, found.problem) == (True, None)
    assert found.objects > 10
    assert resolve(found.project, "workspace").report == "workspace"
    for name in ("data", "model", "build/store"):
        assert fingerprint(found.project, done.folder / name) == fingerprint(origin, origin.root / name)
    assert configured(found.project)
    assert git(done.folder, "status", "--porcelain") == ""
    assert not [path for path in (done.folder / ".git" / "hooks").iterdir() if path.suffix != ".sample"]


def test_without_data_versions_can_be_read(origin: Project, tmp_path: Path) -> None:
    (origin.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(origin, "two")
    there = Project(tmp_path / "there")
    shutil.copytree(origin.root, there.root, symlinks=True)
    record(there)
    publish(git_of(origin.root), there, resolve(origin, "HEAD").key, "")
    git(origin.root, "push", "-q", "origin", "main", "refs/ovt/runs/*:refs/ovt/runs/*")
    done = clone(str(tmp_path / "origin.git"), tmp_path / "clone", Silent(), data=False)
    project = done.projects[0].project
    assert (done.runs, done.projects[0].objects) == (1, 0)
    assert not (cache_folder(project) / "files").exists()
    assert [version.report for version in history(project)] == ["run", "tree", "tree", None]
    for version in history(project)[:3]:
        assert read_report(project, version, "quality.json") is not None


def test_a_data_remote_that_is_gone_leaves_a_repository_that_can_be_read(origin: Project, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "store")
    done = clone(str(tmp_path / "origin.git"), tmp_path / "clone", Silent())
    (found,) = done.projects
    assert isinstance(found.problem, MissingError)
    assert resolve(found.project, "HEAD").report == "tree"


def test_all_projects_of_a_repository(plain: Project, tmp_path: Path) -> None:
    top = tmp_path / "mono"
    (top / "models").mkdir(parents=True)
    shutil.rmtree(plain.root / ".git")
    shutil.copytree(plain.root, top / "models" / "a")
    shutil.copytree(plain.root, top / "b")
    git(top, "init", "-q", "-b", "main")
    for folder in ("models/a", "b"):
        project = Project(top / folder)
        if folder == "b":
            remote_add(project, str(tmp_path / "store"))
        commit_all(project, folder)
    push(Project(top / "b"), Silent())
    done = clone(str(top), tmp_path / "clone", Silent())
    assert [found.project.root for found in done.projects] == [done.folder / "b", done.folder / "models" / "a"]
    assert [found.problem is None for found in done.projects] == [True, False]
    assert all(configured(found.project) for found in done.projects)


def test_a_configuration_that_could_start_a_program_is_not_used(origin: Project, tmp_path: Path) -> None:
    with (origin.root / ".dvc" / "config").open("a") as file:
        file.write("    configpath = ../evil\n")
    commit_all(origin, "evil")
    git(origin.root, "push", "-q")
    (found,) = clone(str(tmp_path / "origin.git"), tmp_path / "clone", Silent()).projects
    assert found.problem is not None
    assert "`configpath`" in str(found.problem)
    assert not (found.project.root / "data").exists()


def test_what_cannot_be_cloned(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="is there already"):
        clone(str(tmp_path), tmp_path / "full", Silent())
    with pytest.raises(MissingError, match="cannot be cloned") as caught:
        clone("http://me:hunter22@127.0.0.1:9/x.git", tmp_path / "new", Silent())
    assert "hunter22" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_repository_without_a_project(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "other")
    (tmp_path / "other" / "README").touch()
    git(tmp_path / "other", "add", "-A")
    git(tmp_path / "other", "commit", "-q", "-m", "x")
    assert clone(str(tmp_path / "other"), tmp_path / "clone", Silent()).projects == ()


def test_a_pull_after_a_colleagues_push_brings_data_forward(origin: Project, tmp_path: Path) -> None:
    """Both did nothing but the usual: `git push` and `ovt push` here, `git pull` and `ovt pull` there."""
    from ovt.storage import dvc
    from ovt.workflows.run import track_bulk
    from ovt.workflows.sharing.catching_up import catch_up

    project = clone(str(tmp_path / "origin.git"), tmp_path / "clone", Silent()).projects[0].project
    (origin.root / "data" / "c.jsonl").write_text('{"payloads": {"query": "new"}}\n')
    dvc.add(origin, "data")
    record(origin)
    commit_all(origin, "more data")
    push(origin, Silent())
    git(origin.root, "push", "-q")
    git(project.root, "pull", "-q")
    with pytest.raises(MissingError, match="lies at an earlier version"):
        catch_up(project, Silent())
    listener = Silent()
    pull(project, listener)
    assert listener.notes == []
    assert (project.root / "data" / "c.jsonl").is_file()
    assert catch_up(project, Silent()) == track_bulk(project) == ()
    assert git(project.root, "status", "--porcelain") == ""
