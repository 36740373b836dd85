"""The repository: schema and settings, hooks, merge drivers, records of Git that are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.storage.git import git_of
from ovt.workflows.health.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project


def repository(project: Project) -> Iterator[Finding]:
    """Look at each in turn."""
    yield _inputs(project)
    repo = _git_repository(project)
    yield repo
    if repo.ok:
        yield _hooks(project)
        yield _drivers(project)
        yield _ignored(project)


def _inputs(project: Project) -> Finding:
    name = "schema and settings"
    try:
        tasks = ", ".join(project.schema.tasks)
        project.settings.errors.limit()
    except OvtError as error:
        return Finding(name, ok=False, found=error.what, fix=f"{error.at}: {error.fix}")
    return Finding(name, ok=True, found=f"tasks {tasks}")


def _git_repository(project: Project) -> Finding:
    try:
        layout = git_of(project.root).layout
    except OvtError as error:
        return Finding("repository", ok=False, found=error.what, fix=error.command or error.fix or "")
    place = f"{layout.top}" + (f", project in {layout.prefix}" if layout.prefix else "")
    linked = ", a linked worktree" if layout.git_dir != layout.common_dir else ""
    return Finding("repository", ok=True, found=f"{place}{linked}")


def _hooks(project: Project) -> Finding:
    from ovt.workflows.hooks.install import status

    try:
        missing = [hook.event for hook in status(project) if not hook.works]
    except OvtError as error:
        return Finding("hooks", ok=False, found=error.what, fix=error.fix or "", weight="advised")
    found = f"not installed: {', '.join(missing)}" if missing else "installed"
    return Finding("hooks", not missing, found, "ovt hooks install" if missing else "", "advised")


def _drivers(project: Project) -> Finding:
    from ovt.workflows.sharing.merging import configure, configured

    if configured(project):
        return Finding("merge drivers", ok=True, found="set up")

    def repair() -> str:
        return "; ".join(configure(project)) or "set up"

    return Finding("merge drivers", ok=False, found="not set up in this clone: Git would merge results line by line",
                   fix="ovt doctor --fix", weight="advised", repair=repair)


def _ignored(project: Project) -> Finding:
    """What ovt makes must not be seen by Git."""
    git = git_of(project.root)
    names = (".ovt/x", "build/x", "model/x")
    done = git.attempt("check-ignore", *names)
    seen = sorted(set(names) - set(done.stdout.decode().split()))
    folders = ", ".join(name.removesuffix("x") for name in seen)
    return Finding("ignored by Git", not seen, f"not {folders}" if seen else ".ovt/ build/ model/",
                   f"put {folders} into .gitignore" if seen else "", "advised")
