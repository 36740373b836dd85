"""`ovt run --rev REV`: train any commit beside the working tree, wherever the repository and the remote are.

It works in the foreground, in a worktree of its own: several may run at once,
and of two for the same inputs the second waits and finds the first one's
result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.storage.git import git_of
from ovt.storage.lock import file_lock
from ovt.storage.objects import complete, default_remote
from ovt.versions.history import history, resolve
from ovt.versions.needs import model_objects, parent_objects
from ovt.versions.queue import shared_root
from ovt.versions.runs import publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.versions.history import Version
    from ovt.workflows.run import RunResult

LIMIT = 10_000
"""Versions of a range."""


@dataclass(frozen=True)
class RevisionRun:
    """What training a revision came to."""

    version: Version
    """As it is now, with its report."""
    result: RunResult | None
    """None: it had a model already."""


class Logged:
    """Passes everything on, and keeps the notes: the log of a run."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self.lines: list[str] = []

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on."""
        self._inner.update(stage, message, done, total)

    def note(self, text: str) -> None:
        """Pass it on, and keep it."""
        self.lines.append(text)
        self._inner.note(text)


def expand(project: Project, revisions: Sequence[str]) -> tuple[Version, ...]:
    """The versions that revisions and ranges (`A..B`, `A...B`) name, each once.

    Raises:
        UsageError: no such revision.
    """
    found: dict[str, Version] = {}
    for spec in revisions:
        named = history(project, [spec], limit=LIMIT) if ".." in spec else [resolve(project, spec)]
        for version in named:
            found.setdefault(version.commit or "", version)
    return tuple(found.values())


def run_revision(project: Project, revision: str, progress: Progress, *, publishing: bool = False) -> RevisionRun:
    """Train a commit and keep the result as the run of its inputs.

    Args:
        project: any working tree of the repository, a shallow clone too.
        revision: what to train.
        progress: hears what happens.
        publishing: whether the result is to be pushed: without a remote nothing is trained in vain.

    Raises:
        UsageError: no such revision, or the workspace.
        ProjectError: there is no project in it, or an input is wrong.
        MissingError: its data are neither here nor on the remote.
    """
    version = resolve(project, revision)
    if version.commit is None:
        raise UsageError("the workspace is no commit", fix="commit it, or run it where it is", command="ovt run")
    if not version.key:
        raise ProjectError(f"`{revision}` holds no project that can be understood", at=revision,
                           command="ovt log")
    if publishing and default_remote(project) is None:
        raise MissingError("no remote is set", at=".dvc/config", why="the result could not be pushed",
                           fix="name a folder, s3://…, gs://… or ssh://…", command="ovt remote add URL")
    if version.state == "ready":
        return RevisionRun(version, None)
    lock = shared_root(project) / ".ovt" / "runs" / f"{version.key}.lock"
    with file_lock(lock, f"ovt run --rev {revision}", progress.note):
        now = resolve(project, revision)
        if now.state == "ready":
            return RevisionRun(now, None)
        result = _train(project, version, Logged(progress))
    return RevisionRun(resolve(project, revision), result)


def _train(project: Project, version: Version, progress: Logged) -> RunResult:
    from ovt.workflows.background.worktrees import bring_data, detached_worktree
    from ovt.workflows.run import run_all

    with detached_worktree(project, version.commit or "") as there:
        bring_data(project, there, progress)
        _bring_models(project, version, progress)
        result = run_all(there, progress)
        publish(git_of(project.root), there, version.key, "".join(f"{line}\n" for line in progress.lines))
    return result


def _bring_models(project: Project, version: Version, progress: Progress) -> None:
    """Earlier models whose predictions are a source, or that training starts from."""
    wanted = {*model_objects(project, version).values(), *parent_objects(project, version).values()}
    absent = sorted(digest for digest in wanted if not complete(project, digest))
    if absent and default_remote(project) is not None:
        from ovt.storage import dvc

        dvc.pull_objects(project, absent, progress)
