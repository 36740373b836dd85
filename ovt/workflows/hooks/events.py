"""What the hooks do: the index is checked before a commit, training is queued after it, objects go before a push.

After a checkout, a merge or a rebase data and model follow (`linking`).
Nothing here runs code of the repository, asks a question, or changes a commit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.project import Project
from ovt.settings import SETTINGS_FILE
from ovt.storage.git import git_of
from ovt.storage.objects import default_remote
from ovt.versions.history import Version, resolve
from ovt.versions.needs import needed_objects
from ovt.workflows.committing.staged import check_staged
from ovt.workflows.hooks.given import Event, from_framework, skipped
from ovt.workflows.hooks.linking import INDEX, follow, told
from ovt.workflows.hooks.managers import READS_STDIN
from ovt.workflows.hooks.registry import refresh_inputs, registered
from ovt.workflows.sharing.catching_up import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.progress import Progress
    from ovt.storage.git import Git

__all__ = ["READS_STDIN", "HookResult", "hook_impl"]
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
    if handler is None or skipped(git, event):
        return HookResult()
    given, content = from_framework(event, arguments, content, os.environ)
    context = Event(git, given, content, str(Path(index_file).resolve()) if index_file else None, progress)
    lines: list[str] = []
    code = 0
    for prefix in _projects(git):
        project = Project(git.layout.top / prefix)
        if not project.root.is_dir():
            continue
        try:
            result = handler(project, context)
        except OvtError as error:
            result = HookResult((f"error: {error}",), error.exit_code if event in GUARDS else 0)
        lines += result.lines
        code = code or result.code
    return HookResult(tuple(dict.fromkeys(lines)), code)


def _projects(git: Git) -> list[str]:
    """Those that use the hooks; where the pre-commit framework alone was installed, all that Git tracks."""
    found = registered(git)
    if found or os.environ.get("PRE_COMMIT") != "1":
        return found
    paths = git.run("ls-files", "-z", "--full-name", "--", f":(top,glob)**/{SETTINGS_FILE}").split(b"\0")
    return [os.fsdecode(path).removesuffix(SETTINGS_FILE) for path in paths if path]


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
    if squashed:  # the commit is yet to be made
        return _followed(project, "HEAD", INDEX)
    lines = _followed(project, "ORIG_HEAD", "HEAD").lines
    found = _queue(project) if _is_mine(event.git) else _told_only(project)
    return HookResult((*lines, *found.lines))


def _post_rewrite(project: Project, event: Event) -> HookResult:
    if event.arguments[:1] != ("rebase",):
        return HookResult()
    return HookResult((*_followed(project, "ORIG_HEAD", "HEAD").lines, *_queue(project).lines))


def _post_checkout(project: Project, event: Event) -> HookResult:
    if len(event.arguments) < 3 or event.arguments[2] != "1" or event.arguments[0] == event.arguments[1]:
        return HookResult()
    old, new, _ = event.arguments
    return _followed(project, old if old.strip("0") else None, new)


def _followed(project: Project, old: str | None, new: str) -> HookResult:
    done = follow(project, old, new)
    remember(project)  # what is in step now: `ovt run` must not take a newer version for a change made here
    return HookResult(tuple(told(done)))


def _pre_push(project: Project, event: Event) -> HookResult:
    tips = [fields[1] for fields in (line.split() for line in event.content.splitlines())
            if len(fields) == 4 and fields[1].strip("0") and not fields[0].startswith(RUNS_PREFIX)]
    tips = [tip for tip in dict.fromkeys(tips) if event.git.resolve(tip)]  # a ref may name something else than a commit
    versions = [resolve(project, tip) for tip in tips]
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
    "post-rewrite": _post_rewrite, "post-checkout": _post_checkout, "pre-push": _pre_push,
}
GUARDS = frozenset({"pre-commit", "pre-push"})
"""Hooks whose failure stops Git; the others come too late for that."""
