"""Data and model follow a checkout: what is clean, from the cache, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox import commit_all, git, make_outputs, record, write_project

from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.fingerprint import fingerprint, tracked_hash
from ovt.storage.lock import project_lock
from ovt.storage.objects import object_path
from ovt.workflows.committing.staged import check_staged
from ovt.workflows.hooks import linking
from ovt.workflows.hooks.events import hook_impl
from ovt.workflows.hooks.install import install
from ovt.workflows.hooks.linking import INDEX, Followed, follow, told


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`old` and `new`: other data (one file changed, one gone, two new) and another model, all in DVC's cache."""
    root = tmp_path_factory.mktemp("two") / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "old")
    project = write_project(root)
    for name in ("kept", "gone"):
        (root / "data" / f"{name}.jsonl").write_text(f'{{"payloads": {{"query": "{name}"}}}}\n')
    dvc.add(project, "data")
    record(project)
    commit_all(project, "old")
    git(root, "checkout", "-q", "-b", "new")
    data = root / "data"
    for name in ("a", "gone"):
        (data / f"{name}.jsonl").unlink()
    (data / "a.jsonl").write_text('{"payloads": {"query": "changed"}}\n')
    (data / "deep" / "er").mkdir(parents=True)
    (data / "deep" / "er" / "c.jsonl").write_text('{"payloads": {"query": "new"}}\n')
    (data / "empty.jsonl").write_text("")
    dvc.add(project, "data")
    make_outputs(project)
    record(project)
    commit_all(project, "new")
    git(root, "checkout", "-q", "old")
    dvc.checkout(project, ["data"])
    dvc.checkout(project, ["build/store", "build/labels", "model", "build/predictions.parquet"])
    return root


@pytest.fixture
def project(two_versions: Path, tmp_path: Path) -> Project:
    shutil.copytree(two_versions, tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo")


def go(project: Project, revision: str = "new") -> Followed:
    """Git's own part of a checkout, then ovt's."""
    old = git(project.root, "rev-parse", "HEAD")
    git(project.root, "checkout", "-q", "-f", revision)
    return follow(project, old, revision)


def matches(project: Project, name: str = "data") -> bool:
    return fingerprint(project, project.root / name) == tracked_hash(project.root / f"{name}.dvc")


def cache_type(project: Project, kind: str) -> None:
    config = project.root / ".dvc" / "config.local"
    config.write_text(f"[cache]\n    type = {kind}\n")


@pytest.mark.parametrize("kind", ["reflink,copy", "hardlink", "symlink"])
def test_what_is_clean_follows_there_and_back(kind: str, project: Project) -> None:
    cache_type(project, kind)
    done = go(project)
    assert (done.kept, done.absent, done.large, done.busy) == ([], [], [], False)
    assert done.linked > 4
    assert matches(project)
    assert not (project.root / "data" / "gone.jsonl").exists()
    assert (project.root / "data" / "a.jsonl").is_symlink() is (kind == "symlink")
    shared = (project.root / "data" / "deep" / "er" / "c.jsonl").stat().st_nlink
    assert shared == (2 if kind == "hardlink" else 1)
    assert json.loads((project.root / "model" / "config.json").read_text())["made_by"] == "train"
    assert kind == "symlink" or dvc_has_nothing_to_do(project)
    go(project, "old")
    assert matches(project)
    assert not (project.root / "data" / "deep").exists()
    assert (project.root / "data" / "gone.jsonl").is_file()


def dvc_has_nothing_to_do(project: Project) -> bool:
    """What the real DVC says."""
    done = subprocess.run([sys.executable, "-m", "dvc", "data", "status", "--json"], cwd=project.root, check=True,
                          capture_output=True, text=True)
    return not {*json.loads(done.stdout)} & {"uncommitted", "not_in_cache"}


def test_what_was_changed_here_stays(project: Project) -> None:
    data = project.root / "data"
    for name in ("a", "b"):
        (data / f"{name}.jsonl").unlink()
        (data / f"{name}.jsonl").write_text(f"mine {name}\n")
    (data / "deep").mkdir()
    (data / "deep" / "mine.jsonl").write_text("mine, too\n")
    (data / "empty.jsonl").write_text("in the way\n")
    done = go(project)
    assert done.kept == ["data/a.jsonl", "data/empty.jsonl"]
    assert [line for line in told(done) if "left as they are: data/a.jsonl, data/empty.jsonl" in line]
    assert (data / "a.jsonl").read_text() == "mine a\n"
    assert (data / "b.jsonl").read_text() == "mine b\n"
    assert (data / "deep" / "mine.jsonl").read_text() == "mine, too\n"
    assert (data / "empty.jsonl").read_text() == "in the way\n"
    assert (data / "deep" / "er" / "c.jsonl").is_file()


def test_what_was_deleted_here_stays_deleted(project: Project) -> None:
    (project.root / "data" / "a.jsonl").unlink()
    assert go(project).kept == ["data/a.jsonl"]
    assert not (project.root / "data" / "a.jsonl").exists()


def test_a_folder_that_is_not_here_comes_whole(project: Project) -> None:
    shutil.rmtree(project.root / "data")
    assert go(project).kept == []
    assert matches(project)


def test_nothing_is_fetched_and_nothing_half_done(project: Project) -> None:
    git(project.root, "checkout", "-q", "new")
    lost = object_path(project, json.loads(object_path(project, tracked_hash(project.root / "data.dvc") or "").read_bytes())[-1]["md5"])
    git(project.root, "checkout", "-q", "old")
    lost.unlink()
    before = sorted(path.name for path in (project.root / "data").rglob("*"))
    done = go(project)
    assert done.absent == ["data"]
    assert "ovt: not on this machine: data · ovt pull" in told(done)
    assert sorted(path.name for path in (project.root / "data").rglob("*")) == before


def test_the_only_copy_is_never_replaced(project: Project) -> None:
    mine = project.root / "data" / "a.jsonl"
    for path in (project.root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file() and path.read_bytes() == mine.read_bytes():
            path.unlink()
    assert go(project).kept == ["data/a.jsonl"]
    assert "how tall" in mine.read_text()


def test_a_listing_that_is_lost_is_told_from_what_lies_there(project: Project) -> None:
    listing = object_path(project, tracked_hash(project.root / "data.dvc") or "")
    listing.unlink()
    assert go(project).kept == []
    assert matches(project)


def test_nobody_can_tell_what_was_changed(project: Project) -> None:
    object_path(project, tracked_hash(project.root / "data.dvc") or "").unlink()
    (project.root / "data" / "mine.jsonl").write_text("mine\n")
    assert go(project).kept == ["data"]
    assert not matches(project)


def test_a_stranger_cannot_name_another_place(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    for name in ("link", "build/link"):
        (project.root / name).symlink_to(tmp_path / "outside")
    lock = project.root / "dvc.lock"
    git(project.root, "checkout", "-q", "new")
    text = lock.read_text()
    outs = ("build/store", "build/votes", "build/slices", "build/labels", "model", "build/gold/dev", "build/gold/test")
    for out, place in zip(outs, ("../outside", str(tmp_path / "outside"), ".git/hooks", "labelers", "data/../../outside",
                                 "link/x", "build/link/x"), strict=True):
        assert f"- path: {out}\n" in text
        text = text.replace(f"- path: {out}\n", f"- path: {place}\n")
    lock.write_text(text)
    commit_all(project, "strange")
    git(project.root, "branch", "-f", "strange")
    git(project.root, "checkout", "-q", "old")
    before = sorted((project.root / ".git" / "hooks").iterdir()) if (project.root / ".git" / "hooks").exists() else []
    go(project, "strange")
    assert list((tmp_path / "outside").iterdir()) == []
    assert sorted(path.name for path in (project.root / "labelers").iterdir()) == ["height.yaml"]
    if before:
        assert sorted((project.root / ".git" / "hooks").iterdir()) == before


def test_links_out_of_the_project_are_not_followed(project: Project, tmp_path: Path) -> None:
    shutil.move(str(project.root / "data"), tmp_path / "big")
    (project.root / "data").symlink_to(tmp_path / "big")
    before = {path.name: path.read_bytes() for path in (tmp_path / "big").iterdir()}
    go(project)
    assert {path.name: path.read_bytes() for path in (tmp_path / "big").iterdir()} == before


def test_nobody_waits_for_a_large_copy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "MOST_COPIED", 10)
    cache_type(project, "copy")
    assert "data" in go(project).large
    assert not matches(project)
    cache_type(project, "hardlink")
    git(project.root, "checkout", "-q", "old")
    assert go(project).large == []
    assert matches(project)


def test_another_command_is_left_in_peace(project: Project) -> None:
    with project_lock(project, "the test"):
        done = go(project)
    assert done.busy
    assert "another ovt command" in next(told(done))


def test_the_same_data_costs_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project.root, "branch", "same")
    monkeypatch.setattr(linking, "try_lock", lambda *_: pytest.fail("nothing to do, and the lock is taken"))
    assert go(project, "same") == Followed()


@pytest.fixture
def hooked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    install(project)
    commit_all(project, "attributes")
    monkeypatch.chdir(project.root)

    def call(event: str, *arguments: str) -> list[str]:
        return list(hook_impl(event, arguments, Silent()).lines)

    return call


def test_through_git_itself_without_dvc(project: Project, hooked: Callable[..., list[str]], tmp_path: Path) -> None:
    """A checkout, and a new worktree; the process imports neither DVC nor torch nor pandas."""
    done = subprocess.run(["git", "checkout", "-q", "new"], cwd=project.root, check=True, capture_output=True, text=True)
    assert done.stderr.startswith("ovt: build, data, model follow · ")
    assert matches(project)
    git(project.root, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "old")
    linked = Project(tmp_path / "linked")
    assert matches(linked)
    assert (linked.root / "model" / "config.json").is_file()
    code = ("import sys, runpy; from ovt.cli.main import main; main(['hook-impl', 'post-checkout', *sys.argv[1:], '1']); "
            "print(sorted({'dvc', 'torch', 'pandas', 'pyarrow'} & {*sys.modules}))")
    revisions = [git(project.root, "rev-parse", name) for name in ("new", "old")]
    done = subprocess.run([sys.executable, "-c", code, *revisions], cwd=project.root, check=True, capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]")


def test_after_a_merge_a_squash_and_a_rebase(project: Project, hooked: Callable[..., list[str]]) -> None:
    start = git(project.root, "rev-parse", "HEAD")
    git(project.root, "merge", "-q", "--no-edit", "new")
    assert matches(project)
    git(project.root, "reset", "-q", "--hard", start)  # no hook hears of a reset
    assert not matches(project)
    follow(project, "new", start)
    git(project.root, "merge", "-q", "--squash", "new")
    assert matches(project)
    assert check_staged(project) == []
    git(project.root, "reset", "-q", "--hard", start)
    follow(project, "new", start)
    git(project.root, "rebase", "-q", "new")
    assert matches(project)


def test_a_pointer_that_came_by_a_merge_is_no_change_of_mine(project: Project) -> None:
    """The data is still HEAD's: to add it again would undo what was merged."""
    git(project.root, "merge", "-q", "--squash", "new", OVT_SKIP="1")
    assert not matches(project)
    assert check_staged(project) == []
    (project.root / "data" / "mine.jsonl").write_text("mine\n")
    assert "does not match" in check_staged(project)[0].what


def test_never_in_the_middle_of_something(project: Project, hooked: Callable[..., list[str]]) -> None:
    old, new = git(project.root, "rev-parse", "HEAD"), git(project.root, "rev-parse", "new")
    git(project.root, "checkout", "-q", "new", OVT_SKIP="1")
    for name in ("BISECT_LOG", "rebase-merge", "MERGE_HEAD", "CHERRY_PICK_HEAD"):
        (project.root / ".git" / name).write_text("")
        assert hooked("post-checkout", old, new, "1") == []
        (project.root / ".git" / name).unlink()
    assert hooked("post-checkout", old, new, "0") == []
    assert hooked("post-checkout", new, new, "1") == []
    assert not matches(project)
    assert hooked("post-checkout", old, new, "1")[0].startswith("ovt: build, data, model follow · ")
    assert matches(project)


def test_pre_commits_variables_stand_for_arguments(
    project: Project, hooked: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = git(project.root, "rev-parse", "HEAD"), git(project.root, "rev-parse", "new")
    git(project.root, "checkout", "-q", "new", OVT_SKIP="1")
    for name, value in {"": "1", "_FROM_REF": old, "_TO_REF": new, "_CHECKOUT_TYPE": "1"}.items():
        monkeypatch.setenv(f"PRE_COMMIT{name}", value)
    shutil.rmtree(project.root / ".git" / "ovt")  # the framework alone was installed
    assert hooked("post-checkout")[0].startswith("ovt: build, data, model follow · ")
    assert matches(project)


def test_the_index_can_be_the_revision(project: Project) -> None:
    git(project.root, "checkout", "-q", "new", "--", ".")
    assert follow(project, "HEAD", INDEX).linked > 0
    assert matches(project)


def test_a_killed_process_leaves_a_whole_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    before = (project.root / "data" / "a.jsonl").read_bytes()
    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(KeyboardInterrupt):
        go(project)
    assert (project.root / "data" / "a.jsonl").read_bytes() == before
    assert not [path for path in (project.root / "data").iterdir() if ".ovt-" in path.name]
    monkeypatch.undo()
    follow(project, "old", "new")
    assert matches(project)
