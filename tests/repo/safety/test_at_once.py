"""Eight processes in one repository and its worktrees: each succeeds or waits, and none tells anyone to delete a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from person import FOOD, Person, write_inputs
from sandbox import LABELER, commit_all, git

from ovt.project import Project
from ovt.storage.git import git_of
from ovt.versions.history import resolve
from ovt.workflows.background.worktrees import FOLDER, abandoned, detached_worktree, sweep
from ovt.workflows.sharing.share import remote_add

from .conftest import EDITED

FORBIDDEN = ("delete", "remove the file", "rm -f", "Traceback", "index.lock", "a bug in ovt")


def types(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("ovt")), *words], cwd=folder, capture_output=True, text=True,
        check=False, env={**os.environ, "OVT_SKIP": "1"}, timeout=250,
    )


def at_once(commands: list[tuple[Path, tuple[str, ...]]]) -> list[subprocess.CompletedProcess[str]]:
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda command: types(command[0], *command[1]), commands))


def test_eight_processes_commit_read_and_push(restorable: Project, tmp_path: Path) -> None:
    root = restorable.root
    (root / "labelers" / "height.yaml").write_text(LABELER)
    remote_add(restorable, str(tmp_path / "store"))
    commit_all(restorable, "a remote")
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "-b", "side", str(linked))
    shutil.copytree(root / "data", linked / "data", dirs_exist_ok=True)
    for folder in (root, linked):
        (folder / "labelers" / "height.yaml").write_text(EDITED)
    subprocess.run(["git", "config", "core.hooksPath", os.devnull], cwd=root, check=True)
    done = at_once([
        (root, ("commit", "-m", "here")), (linked, ("commit", "-m", "there", "--train", "never")), (root, ("status",)),
        (linked, ("log",)), (root, ("push",)), (root, ("doctor", "--offline")), (root, ("commit", "-m", "again")),
        (root, ("fsck",)),
    ])
    for found in done:
        assert not any(word in found.stderr for word in FORBIDDEN), found.stderr
    assert [found.returncode for found in done[:5]] == [0] * 5, [found.stderr for found in done]
    assert done[6].returncode == 0, done[6].stderr
    assert done[7].returncode == 0, done[7].stdout
    subjects = git(root, "log", "--format=%s", "main").splitlines()
    assert len({"here", "again"} & set(subjects)) == 1  # the second found nothing left to record
    assert git(linked, "log", "-1", "--format=%s") == "there"
    assert git(root, "status", "--porcelain") == ""
    assert resolve(restorable, "HEAD").state == "ready"
    assert types(root, "fsck").returncode == 0


def test_worktrees_of_one_commit_at_once(recorded: Project) -> None:
    with detached_worktree(recorded, "HEAD") as one, detached_worktree(recorded, "HEAD") as two:
        assert one.root != two.root
        assert (one.root / "schema.json").is_file()
        assert (two.root / "schema.json").is_file()
        folder = recorded.root / ".ovt" / FOLDER
        assert abandoned(folder) == []
        assert sweep(git_of(recorded.root), folder) == 0  # both are at work
    assert list(folder.iterdir()) == []
    assert git(recorded.root, "worktree", "list").count("\n") == 0


def test_many_threads_open_worktrees(recorded: Project) -> None:
    seen: set[Path] = set()
    gate = threading.Barrier(3)

    def work(_: int) -> None:
        with detached_worktree(recorded, "HEAD") as there:
            gate.wait(60)
            seen.add(there.root)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert len(seen) == 3


@pytest.mark.slow
def test_eight_processes_in_a_project_that_really_trains(tmp_path: Path) -> None:
    person = Person(tmp_path / "project")
    person.folder.mkdir()
    write_inputs(person.folder)
    person.types("ovt", "init", "--no-hooks")
    person.types("ovt", "remote", "add", str(tmp_path / "store"))
    person.types("ovt", "commit", "-m", "first")
    linked = tmp_path / "linked"
    person.types("git", "worktree", "add", "-q", "-b", "side", str(linked))
    for folder in (person.folder, linked):
        Person(folder).write("labelers/food.yaml", FOOD)
    done = at_once([
        (person.folder, ("commit", "-m", "one")), (person.folder, ("commit", "-m", "two")), (person.folder, ("push",)),
        (person.folder, ("diff", "HEAD~0", "HEAD")), (person.folder, ("status",)), (linked, ("commit", "-m", "three")),
        (linked, ("status",)), (linked, ("diff", "main", "HEAD")),
    ])
    for found in done:
        assert not any(word in found.stderr for word in FORBIDDEN), found.stderr
    # A worktree without its data says so; everything else succeeds.
    assert [found.returncode for found in done[:5]] == [0] * 5, [found.stderr for found in done]
    assert all(found.returncode in {0, 4} for found in done[5:]), [found.stderr for found in done]
    assert types(person.folder, "fsck").returncode == 0


@pytest.mark.slow
def test_eight_commits_at_once(restorable: Project) -> None:
    done = at_once([(restorable.root, ("commit", "-m", f"number {number}")) for number in range(8)])
    assert [found.returncode for found in done] == [0] * 8, [found.stderr for found in done]
    assert not any(word in found.stderr for word in FORBIDDEN for found in done)
    assert int(git(restorable.root, "rev-list", "--count", "HEAD")) == 3
