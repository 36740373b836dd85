"""`ovt land`: the results of a run, committed onto the branch whose inputs they belong to.

The commit is made beside the index and the working tree: what else is staged
stays staged, what else is changed stays changed, and no commit is amended.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError
from ovt.stages.pipeline import TUNING_LOCK
from ovt.storage.files import scratch_folder, write_bytes
from ovt.storage.git import blob_id, git_of
from ovt.storage.lock import project_lock
from ovt.versions.history import resolve
from ovt.versions.runs import ENVIRONMENT_FILE, LOG_FILE, run_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.storage.git import Git
    from ovt.versions.history import Version

HEADS = "refs/heads/"
IN_PROGRESS = ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD")


@dataclass(frozen=True)
class Landed:
    """What `ovt land` did."""

    version: Version
    """The version whose results they are."""
    branch: str | None
    """None: HEAD is at no branch."""
    commit: str | None
    """The new commit; None where the branch has the results already."""
    files: tuple[str, ...]
    """What it contains."""


def land(project: Project, progress: Progress, branch: str | None = None) -> Landed:
    """Commit lock and reports of the run of a branch's inputs onto it.

    Args:
        project: any working tree of the repository.
        progress: hears when another command is waited for.
        branch: a local branch; None: the one that is checked out, or HEAD.

    Raises:
        UsageError: no such branch, it is checked out elsewhere, or a merge or rebase is not finished.
        MissingError: nothing was trained for its inputs, or it is not here.
    """
    git = git_of(project.root)
    current = git.attempt("symbolic-ref", "--quiet", "HEAD").stdout.decode().strip()
    ref = f"{HEADS}{branch}" if branch else current or "HEAD"
    here = ref in {current, "HEAD"}
    _refuse_busy(git, ref, here=here)
    with project_lock(project, "ovt land", progress.note):
        version = resolve(project, ref)
        name = branch or current.removeprefix(HEADS) or None
        if version.report == "tree":
            return Landed(version, name, None, ())
        if version.report != "run":
            raise _no_run(version, name or "HEAD")
        files = _wanted(git, project, version)
        commit = _commit(git, project, version, files)
        if here:
            _take_over(git, project, version, files)
        git.run("update-ref", "-m", f"ovt land: run {version.key[:12]}", ref, commit, version.commit or "")
    return Landed(version, name, commit, tuple(files))


def _refuse_busy(git: Git, ref: str, *, here: bool) -> None:
    if git.resolve(ref) is None:
        raise UsageError(f"no branch `{ref.removeprefix(HEADS)}`", why="Git does not know it", command="git branch")
    if here:
        busy = next((name for name in IN_PROGRESS if (git.layout.git_dir / name).exists()), None)
        if busy is not None:
            raise UsageError("a merge or rebase is not finished", at=busy, fix="finish it first", command="git status")
        return
    place = None
    for line in git.text("worktree", "list", "--porcelain").splitlines():
        place = line.removeprefix("worktree ") if line.startswith("worktree ") else place
        if line == f"branch {ref}":
            raise UsageError(f"`{ref.removeprefix(HEADS)}` is checked out elsewhere", at=place,
                             why="its files would no longer match it", fix="land it there",
                             command=f"ovt land -C {place}")


def _no_run(version: Version, name: str) -> MissingError:
    if version.state == "pending":
        return MissingError(f"`{name}` is still being trained", at=name, fix="wait for it, then land it",
                            command="ovt jobs wait && ovt land")
    return MissingError(f"`{name}` has no run to land", at=name,
                        why="nothing was trained for its inputs, or it was not fetched", fix="fetch it, or train it",
                        command=f"ovt pull {name}   (or: ovt run --rev {name})")


def _wanted(git: Git, project: Project, version: Version) -> dict[str, bytes]:
    """The run's files that the branch does not have like that; a lock of the search only where there was none."""
    prefix = git.layout.prefix
    found = {}
    for path, content in run_files(git, version.key).items():
        there = git.read(f"{version.commit}:{prefix}{path}")
        settled = path == TUNING_LOCK and there is not None
        if path not in {LOG_FILE, ENVIRONMENT_FILE} and there != content and not settled:
            found[path] = content
    del project
    return found


def _commit(git: Git, project: Project, version: Version, files: Mapping[str, bytes]) -> str:
    with scratch_folder(project.private / "scratch", "land") as folder:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        git.run("read-tree", version.commit or "", environment=index)
        git.run("update-index", "-z", "--index-info", content=_entries(git, files), environment=index)
        tree = git.run("write-tree", environment=index).decode().strip()
    message = f"Results of run {version.key[:12]}\n\nTrained for: {version.subject}\n"
    if git.text("config", "--type=bool", "--default=false", "commit.gpgSign") == "true":
        signed = git.run("commit-tree", "-S", "-p", version.commit or "", tree, content=message.encode())
        return signed.decode().strip()
    return git.write_commit(tree, message, [version.commit or ""])


def _entries(git: Git, files: Mapping[str, bytes]) -> bytes:
    prefix = git.layout.prefix
    lines = (f"100644 {git.write_blob(content)}\t{prefix}{path}" for path, content in files.items())
    return b"".join(os.fsencode(line) + b"\0" for line in lines)


def _take_over(git: Git, project: Project, version: Version, files: Mapping[str, bytes]) -> None:
    """Bring index and working tree along, file by file, where they are as the branch had them."""
    staged = {entry.path: entry.oid for entry in git.index(*files)}
    for path, content in files.items():
        before = git.object_id(f"{version.commit}:{git.layout.prefix}{path}")
        if staged.get(path) == before:
            git.run("update-index", "-z", "--index-info", content=_entries(git, {path: content}))
        target = project.root / path
        lies = blob_id(target.read_bytes()) if target.is_file() else None
        if lies == before:
            write_bytes(target, content)
