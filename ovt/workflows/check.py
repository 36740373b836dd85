"""`ovt check`: this change against its base, and whether it may be merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ovt.errors import UsageError
from ovt.workflows.compare import compare

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.quality.verdict import CheckResult

HEAD = "HEAD"
WORKSPACE = "workspace"


def check(project: Project, base: str | None = None, head: str | None = None) -> CheckResult:
    """Judge a change.

    Args:
        project: the project.
        base: what it is compared with; None: where HEAD left the branch that `check.base` names.
        head: the change; None: HEAD, or the working tree if its results are those of HEAD.

    Raises:
        UsageError: an unknown revision.
        MissingError: a side has no model yet, or its predictions are not on this machine.
    """
    from ovt.quality.verdict import judge

    base = base or default_base(project)
    result = judge(compare(project, base, head or _head(project)))
    if result.verdict == "pass":
        return replace(result, reasons=(f"none of {len(result.diff.rows)} rows regressed against {base}",))
    return result


def default_base(project: Project) -> str:
    """Where HEAD left the branch that `check.base` names, here or at `origin`.

    On that branch itself, with nothing unpublished, it is the commit before:
    a check of a commit against itself says nothing.

    Raises:
        UsageError: there is no such branch and no commit before HEAD.
    """
    from ovt.storage.git import git_of

    git = git_of(project.root)
    branch, head = project.settings.check.base, git.resolve(HEAD)
    for name in (branch, f"origin/{branch}"):
        done = git.attempt("merge-base", "--end-of-options", name, HEAD)
        found = done.stdout.decode().strip()
        if done.returncode == 0 and found != head:
            return found
    if git.resolve(f"{HEAD}~1") is None:
        raise UsageError("there is no base to check against", fix="name a revision", command="ovt check REV",
                         why=f"HEAD is the first commit, `check.base` is `{branch}`")
    return f"{HEAD}~1"


def _head(project: Project) -> str:
    from ovt.versions.history import resolve

    head = resolve(project, HEAD)
    if head.state != "ready":
        here = resolve(project, WORKSPACE)
        if here.state == "ready" and here.key == head.key:
            return WORKSPACE
    return HEAD
