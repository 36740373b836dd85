"""Before a check on another machine: fetch what both versions need, and train what nobody has pushed.

The usual reason is a pull request whose author forgot `ovt push`, or committed
inputs alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.workflows.checking.check import HEAD, WORKSPACE, default_base, results_here

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.versions.history import Version


def make_ready(
    project: Project, base: str | None, head: str | None, progress: Progress, *, train: bool = False,
) -> None:
    """See to it that both sides of a check have their results on this machine.

    What the remotes have is fetched; what they have not is trained here if that
    is allowed: HEAD in the working tree, another version in a worktree of its
    own.

    Raises:
        UsageError: an unknown revision.
        MissingError: results cannot be had, and may not be trained or cannot be.
    """
    from ovt.versions.history import resolve

    for spec in (base or default_base(project), head or HEAD):
        version = resolve(project, spec)
        if results_here(project, version) or _fetched(project, version, progress):
            continue
        if not train:
            raise _not_pushed(version)
        progress.note(f"{spec}: no model here and none to fetch, so it is trained")
        _train(project, version, progress)


def _fetched(project: Project, version: Version, progress: Progress) -> bool:
    """Bring its run from the Git remote and its objects from the DVC remote, as far as they have them."""
    from ovt.storage.objects import default_remote
    from ovt.versions.history import resolve
    from ovt.workflows.sharing.checkout import bring_objects
    from ovt.workflows.sharing.share import fetch_runs

    try:
        fetch_runs(project)
        version = resolve(project, version.spec)
        if version.state == "ready" and default_remote(project) is not None:
            bring_objects(project, version, progress)
    except MissingError as error:
        progress.note(f"{version.spec}: {error.what}")
    return results_here(project, resolve(project, version.spec))


def _not_pushed(version: Version) -> MissingError:
    trained = version.state == "ready"
    return MissingError(
        f"the model of `{version.spec}` {'was not pushed' if trained else 'was not trained'}", at=version.spec,
        why="no remote has it" if trained else "nothing was trained for its inputs",
        fix="push it from where it was trained" if trained else "train it and push it, on its branch",
        command="ovt push" if trained else "ovt run && ovt push",
    )


def _train(project: Project, version: Version, progress: Progress) -> None:
    from ovt.versions.history import workspace
    from ovt.workflows.background.jobs import queue_job, wait
    from ovt.workflows.background.worktrees import bring_data
    from ovt.workflows.run import run_all

    if version.spec == WORKSPACE or workspace(project).key == version.key:
        bring_data(project, project, progress)
        run_all(project, progress)
        return
    job = queue_job(project, version.spec)
    if job is None:
        raise _not_pushed(version)
    done = wait(project, keys=(job.key,))
    ended = next(found.job for found in done.jobs if found.job.key == job.key)
    if ended.state != "done":
        raise MissingError(f"training `{version.spec}` {ended.state}", at=version.spec, why=ended.why or None,
                           fix="read its log", command=f"ovt jobs log {ended.number}")
