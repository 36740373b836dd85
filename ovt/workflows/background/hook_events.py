"""What the hooks do: the index is checked before a commit, training is queued after it, objects go before a push.

Nothing here runs code of the repository, asks a question, or changes a commit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.storage.objects import default_remote
from ovt.versions.history import Version, resolve
from ovt.versions.needs import needed_objects
from ovt.workflows.background.hooks import refresh_inputs, registered
from ovt.workflows.committing.staged import check_staged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.progress import Progress
    from ovt.storage.git import Git

READS_STDIN = frozenset({"pre-push", "post-rewrite"})
RUNS_PREFIX = "refs/ovt/"


@dataclass(frozen=True)
class HookResult:
    """What a hook says, and whether Git may go on."""

    lines: tuple[str, ...] = ()
    code: int = 0


def hook_impl(event: str, arguments: Sequence[str], progress: Progress, *, content: str = "") -> HookResult:
    """Do what an event asks for, for each project of the repository that uses the hooks.

    Args:
        event: Git's name of the hook.
        arguments: what Git gave to it.
        progress: hears about uploads before a push.
        content: what Git wrote to its stdin (`READS_STDIN`).
    """
    index_file = os.environ.get("GIT_INDEX_FILE")  # relative to the working tree's root, where hooks run
    git = git_of(Path.cwd())
    refresh_inputs(git)
    handler = HANDLERS.get(event)
    if handler is None or _skipped():
        return HookResult()
    context = Event(git, tuple(arguments), content, str(Path(index_file).resolve()) if index_file else None, progress)
    lines: list[str] = []
    code = 0
    for prefix in registered(git):
        project = Project(git.layout.top / prefix)
        if not project.root.is_dir():
            continue
        try:
            result = handler(project, context)
        except OvtError as error:
            result = HookResult((f"error: {error}",), error.exit_code if event in GUARDS else 0)
        lines += result.lines
        code = code or result.code
    return HookResult(tuple(lines), code)


@dataclass(frozen=True)
class Event:
    """What Git told a hook."""

    git: Git
    arguments: tuple[str, ...]
    content: str
    index_file: str | None
    progress: Progress


def _skipped() -> bool:
    return os.environ.get("OVT_SKIP", "0") not in {"", "0"} or os.environ.get("CI", "0") not in {"", "0", "false"}


def _pre_commit(project: Project, event: Event) -> HookResult:
    errors = check_staged(project, event.index_file)
    if not errors:
        return HookResult()
    lines = [f"error: {error}" for error in errors]
    return HookResult((*lines, "nothing was committed; OVT_SKIP=1 git commit … goes past this check"),
                      errors[0].exit_code)


def _post_commit(project: Project, event: Event) -> HookResult:
    del event
    return _queue(project)


def _post_merge(project: Project, event: Event) -> HookResult:
    squashed = event.arguments[:1] == ("1",)
    if squashed:
        return HookResult()
    if not _is_mine(event.git):
        return _told_only(project)
    return _queue(project)


def _post_rewrite(project: Project, event: Event) -> HookResult:
    return _queue(project) if event.arguments[:1] == ("rebase",) else HookResult()


def _pre_push(project: Project, event: Event) -> HookResult:
    tips = [fields[1] for fields in (line.split() for line in event.content.splitlines())
            if len(fields) == 4 and fields[1].strip("0") and not fields[0].startswith(RUNS_PREFIX)]
    versions = [resolve(project, tip) for tip in dict.fromkeys(tips)]
    if not any(needed_objects(project, version) for version in versions):
        return HookResult()
    if default_remote(project) is None:
        return HookResult(("ovt: no remote for data and models, others get the code alone · ovt remote add URL",))
    from ovt.workflows.sharing.share import push

    result = push(project, event.progress, tips, git_remote=event.arguments[0] if event.arguments else None)
    if not result.objects and not result.runs:
        return HookResult()
    return HookResult((f"ovt: pushed {result.objects} objects and {result.runs} runs",))


def _queue(project: Project) -> HookResult:
    version = resolve(project, "HEAD")
    if project.settings.hooks.train == "off" or not version.key or not _inputs_changed(project, version):
        return HookResult()
    if version.state == "ready":
        return HookResult((f"ovt: these inputs have a model already · ovt show {version.spec}",))
    from ovt.workflows.background.jobs import queue_job

    stages = ("compile",) if project.settings.hooks.train == "compile" else ()
    job = queue_job(project, "HEAD", stages=stages)
    what = "compiling" if stages else "training"
    return HookResult((f"ovt: {what} queued · ovt status",) if job else ())


def _told_only(project: Project) -> HookResult:
    """Someone else's commit: its code is not run unasked."""
    version = resolve(project, "HEAD")
    if not version.key or version.state != "none":
        return HookResult()
    return HookResult(("ovt: no model here for what was merged · ovt pull, or ovt run",))


def _inputs_changed(project: Project, version: Version) -> bool:
    """Whether HEAD has other inputs than its first parent, or the parent has no model either."""
    git = git_of(project.root)
    if git.resolve("HEAD~1") is None:
        return True
    parent = resolve(project, "HEAD~1")
    return parent.key != version.key or parent.state == "none"


def _is_mine(git: Git) -> bool:
    """Whether the person at this machine made the commit at HEAD."""
    committer = git.text("log", "-1", "--format=%ce", "HEAD")
    me = git.attempt("var", "GIT_COMMITTER_IDENT").stdout.decode(errors="replace")
    return f"<{committer}>" in me


HANDLERS: dict[str, Callable[[Project, Event], HookResult]] = {
    "pre-commit": _pre_commit, "post-commit": _post_commit, "post-merge": _post_merge,
    "post-rewrite": _post_rewrite, "pre-push": _pre_push,
}
GUARDS = frozenset({"pre-commit", "pre-push"})
"""Hooks whose failure stops Git; the others come too late for that."""
