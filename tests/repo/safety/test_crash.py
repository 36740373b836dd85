"""`ovt commit` and `ovt push`, killed anywhere: nothing is lost, and typed again they do what an undisturbed one does."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sandbox import commit_all, git

from ovt.project import Project
from ovt.storage.git import git_of
from ovt.workflows.sharing.share import remote_add

from .conftest import EDITED, Typist, edited_copy, fingerprint_of

pytestmark = pytest.mark.timeout(3600)  # a hundred kills on a busy machine
COMMIT = ("commit", "-m", "another")


@dataclass(frozen=True)
class Undisturbed:
    """What a command does that nobody kills."""

    events: list[str]
    tree: str
    files: dict[str, bytes]
    remote: dict[str, bytes]


def look(root: Path, events: list[str]) -> Undisturbed:
    store = root.parent / "store"
    remote = {path.relative_to(store).as_posix(): path.read_bytes() for path in sorted(store.rglob("*"))
              if path.is_file() and not path.name.endswith(".tmp")}
    return Undisturbed(events, git(root, "rev-parse", "HEAD^{tree}"), fingerprint_of(root), remote)


def nothing_is_lost(typist: Typist, root: Path) -> None:
    """Right after the kill, before anyone repairs anything."""
    assert (root / "labelers" / "height.yaml").read_text() == EDITED
    assert (root / "data" / "a.jsonl").read_text() == '{"payloads": {"query": "how tall"}}\n'
    assert (root / "data" / "b.jsonl").read_text() == '{"payloads": {"query": "who"}}\n'
    assert subprocess.run(["git", "fsck", "--strict"], cwd=root, capture_output=True, check=False).returncode == 0
    typist.works(root, "fsck")


def survives(typist: Typist, root: Path, wanted: Undisturbed, *words: str, **kill: Any) -> None:
    answer = typist(root, *words, **kill)
    assert answer["code"] in ({-9} if "kill_at" in kill else {-9, 0}), answer
    nothing_is_lost(typist, root)
    again = typist.works(root, *words)
    assert "delete" not in again["err"]
    nothing_is_lost(typist, root)
    now = look(root, [])
    assert now.files == wanted.files
    assert now.tree == wanted.tree
    assert now.remote == wanted.remote
    assert git(root, "status", "--porcelain") == ""
    assert list((root / ".ovt" / "journal").iterdir()) == []


@pytest.fixture(scope="session")
def committed(restorable_template: Path, typist: Typist, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    project = edited_copy(restorable_template, tmp_path_factory.mktemp("undisturbed") / "repo")
    answer = typist.works(project.root, *COMMIT, names=True)
    return look(project.root, answer["names"])


def some(events: list[str], count: int, wanted: Callable[[str], bool]) -> list[int]:
    """Numbers (from 1) of events, spread evenly."""
    numbers = [number for number, name in enumerate(events, 1) if wanted(name)]
    return numbers[:: max(1, len(numbers) // count)][:count]


def test_a_commit_killed_at_some_changes_of_files(
    restorable_template: Path, committed: Undisturbed, typist: Typist, tmp_path: Path,
) -> None:
    """The places where something went wrong once, and a few others."""
    removals = some(committed.events, 1, lambda name: name.startswith("os.remove") and "build/labels/." in name)
    reports = some(committed.events, 1, lambda name: name.startswith("os.rename") and "/reports/." in name)
    locks = some(committed.events, 1, lambda name: name.startswith("open") and name.endswith("dvc.lock"))
    assert removals
    assert reports
    for number in sorted({*removals, *reports, *locks}):
        root = edited_copy(restorable_template, tmp_path / "repo").root
        survives(typist, root, committed, *COMMIT, kill_at=number)


@pytest.mark.slow
def test_a_commit_killed_at_every_rename_and_every_fourth_change(
    restorable_template: Path, committed: Undisturbed, typist: Typist, tmp_path: Path,
) -> None:
    renames = some(committed.events, 10_000, lambda name: name.startswith("os.rename"))
    for number in sorted({*renames, *range(1, len(committed.events) + 1, 4)}):
        root = edited_copy(restorable_template, tmp_path / "repo").root
        survives(typist, root, committed, *COMMIT, kill_at=number)


@pytest.mark.parametrize("count", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_a_commit_killed_with_all_its_children_at_random_moments(
    restorable_template: Path, committed: Undisturbed, typist: Typist, tmp_path: Path, count: int,
) -> None:
    """`git commit` itself among them: its locks are cleared by ovt, not by the person."""
    dice = random.Random(11)
    for _ in range(count):
        root = edited_copy(restorable_template, tmp_path / "repo").root
        survives(typist, root, committed, *COMMIT, kill_after=0.05 + 1.6 * dice.random())


@pytest.fixture(scope="session")
def pushable(restorable_template: Path, typist: Typist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The edited version committed, and a remote that has nothing."""
    base = tmp_path_factory.mktemp("pushable")
    project = edited_copy(restorable_template, base / "repo")
    remote_add(project, "../store")
    commit_all(project, "a remote")
    typist.works(project.root, *COMMIT)
    return base / "repo"


def pushing_copy(template: Path, root: Path) -> Project:
    for folder in (root, root.parent / "store"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)
    return Project(root)


@pytest.mark.parametrize("count", [2, pytest.param(120, marks=pytest.mark.slow)])
def test_a_killed_push_can_be_typed_again(pushable: Path, typist: Typist, tmp_path: Path, count: int) -> None:
    root = pushing_copy(pushable, tmp_path / "repo").root
    # The remote lies beside the project: count what changes there, too.
    everything = {"env": {"ZYGOTE_TOP": str(tmp_path)}}
    answer = typist.works(root, "push", names=True, **everything)
    wanted = look(root, answer["names"])
    assert wanted.remote
    for number in some(wanted.events, count, lambda name: True):
        root = pushing_copy(pushable, tmp_path / "repo").root
        survives(typist, root, wanted, "push", kill_at=number, **everything)
    typist.works(root, "fsck", "--remote")


def test_a_lock_that_a_killed_git_left_is_cleared(restorable: Project, committed: Undisturbed, typist: Typist) -> None:
    """Killed inside `git commit`: the note says that ovt was writing, and Git's lock is there."""
    from ovt.storage.git_locks import NOTE, noted

    with pytest.raises(KeyboardInterrupt), noted(restorable, git_of(restorable.root).layout):
        raise KeyboardInterrupt  # leaves the note, as a kill does
    note = restorable.private / NOTE
    note.write_text(note.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999'))
    for name in ("index.lock", "refs/heads/main.lock"):
        (restorable.root / ".git" / name).write_text("")
    answer = typist.works(restorable.root, *COMMIT)
    assert "index.lock: left by a git that was killed" in answer["err"]
    assert look(restorable.root, []).tree == committed.tree
    assert not note.exists()
