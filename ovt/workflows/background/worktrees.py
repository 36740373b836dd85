"""Detached worktrees: a commit checked out beside the user's working tree, sharing its caches, gone afterwards.

Each has a name and a lock of its own, so that any number of them may be open
at once, of one commit too. What a killed process left behind is swept by the
next one: the kernel has dropped its lock.
"""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ovt.project import Project
from ovt.stages.pipeline import pretrained
from ovt.storage.fingerprint import tracked_hash
from ovt.storage.git import Git, git_of
from ovt.storage.lock import file_lock, holder, try_lock
from ovt.storage.objects import complete, default_remote, share_cache
from ovt.versions.key import BULK
from ovt.versions.queue import shared_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.progress import Progress

FOLDER = "worktrees"
LOCK_SUFFIX = ".lock"
_NUMBERS = itertools.count(1)


@contextmanager
def detached_worktree(project: Project, commit: str) -> Iterator[Project]:
    """The project at a commit, in a worktree of its own that shares the caches; removed at the end.

    Args:
        project: any working tree of the repository; its DVC cache and vote cache are used.
        commit: full or abbreviated id.

    Raises:
        GitError: no such commit, or the disk is full.
    """
    git = git_of(project.root)
    folder = shared_root(project) / ".ovt" / FOLDER
    sweep(git, folder)
    top = folder / f"{commit[:12]}-{os.getpid()}-{next(_NUMBERS)}"
    lock = folder / f"{top.name}{LOCK_SUFFIX}"
    with file_lock(lock, f"working on {commit[:12]}"):
        try:
            # The user's post-checkout hook is for the user's checkouts.
            git.run("-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", "--force", "--quiet",
                    str(top), commit)
            there = Project(top / git.layout.prefix, shared_cache=project.cache)
            share_cache(project, there)
            yield there
        finally:
            _remove(git, top)
            lock.unlink(missing_ok=True)


def sweep(git: Git, folder: Path) -> int:
    """Remove worktrees below `folder` that no living process works in; how many there were."""
    count = 0
    for top in _standing(folder):
        lock = folder / f"{top.name}{LOCK_SUFFIX}"
        release = try_lock(lock, "sweeping")
        if release is None:
            continue
        try:
            _remove(git, top)
            lock.unlink(missing_ok=True)
            count += 1
        finally:
            release()
    return count


def abandoned(folder: Path) -> list[Path]:
    """Worktrees below `folder` whose process is dead, as far as their locks say."""
    return [top for top in _standing(folder) if holder(folder / f"{top.name}{LOCK_SUFFIX}") is None]


def _standing(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _remove(git: Git, top: Path) -> None:
    git.attempt("worktree", "remove", "--force", "--force", str(top))
    shutil.rmtree(top, ignore_errors=True)
    git.attempt("worktree", "prune")


def bring_data(project: Project, there: Project, progress: Progress) -> None:
    """Put data, labels and tags that `there` names into it, from the cache or the remote of `project`.

    Raises:
        MissingError: an object is in neither.
    """
    from ovt.storage import dvc

    pointers = [f"{name}.dvc" for name in (*BULK, *pretrained(there)) if (there.root / f"{name}.dvc").is_file()]
    if not pointers:
        return
    hashes = [tracked_hash(there.root / pointer) for pointer in pointers]
    absent = [digest for digest in hashes if digest and not complete(there, digest)]
    if absent and default_remote(project) is not None:
        # By the project's own configuration: a remote's relative path leads elsewhere from `there`.
        dvc.pull_objects(project, absent, progress)
    dvc.checkout(there, pointers)
