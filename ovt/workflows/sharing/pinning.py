"""Pinning revisions to models: what `predictions: REV` means is written down when a person first uses it.

Done by the commands that a person types, never by a stage: a run must not
depend on where a branch points to on the machine that it happens on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.functions.pins import LOCK, Pin, read_pins, write_pins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.functions.discover import Function
    from ovt.progress import Progress
    from ovt.project import Project

_WORD = b"predictions"


def pin_predictions(project: Project, progress: Progress, *, source: str | None = None, renew: bool = False) -> bool:
    """Pin the revisions that labeling functions use; True if the lock changed.

    Args:
        project: whose labelers count.
        progress: hears what was pinned.
        source: only what this function uses.
        renew: what is pinned already is pinned again, to where the revision is now. Without `source`, pins that no
            function uses any more are dropped.

    Raises:
        UsageError: no such revision.
        MissingError: a revision has no model.
        ProjectError: the functions cannot be loaded.
    """
    if not _may_use_predictions(project):
        return False
    from ovt.functions.discover import discover

    functions = discover(project, "labeling")
    wanted = _revisions(function for function in functions if source in {None, function.name})
    known = read_pins(project)
    fresh = {revision for revision in wanted if renew or revision not in known}
    pins = {**known, **{revision: _pin(project, revision) for revision in sorted(fresh)}}
    if source is None and renew:
        pins = {revision: pin for revision, pin in pins.items() if revision in wanted}
    if pins == known:
        return False
    write_pins(project, pins)
    for revision in sorted(fresh):
        progress.note(f"predictions of {revision} are those of model {pins[revision].model[:8]} "
                      f"(commit {pins[revision].commit[:12]}), now and until you move the pin: {LOCK}")
    return True


def _may_use_predictions(project: Project) -> bool:
    home = project.folder("labelers")
    if not home.is_dir():
        return False
    return any(
        _WORD in path.read_bytes() for path in home.rglob("*")
        if path.suffix in {".py", ".yaml", ".yml"} and path.is_file()
    )


def _revisions(functions: Iterable[Function]) -> set[str]:
    return {found.revision for function in functions for found in function.predictions.values()}


def _pin(project: Project, revision: str) -> Pin:
    from ovt.errors import MissingError, ProjectError
    from ovt.versions.artifacts import output_hashes
    from ovt.versions.history import resolve

    version = resolve(project, revision)
    if version.commit is None:
        raise ProjectError(f"predictions of `{revision}` cannot be used", why="the workspace is no version yet",
                           fix="commit it, and name that commit", command="ovt commit")
    model = output_hashes(project, version).get("model")
    if model is None:
        raise MissingError(f"`{revision}` has no model yet, so it predicts nothing", at=revision,
                           why="nothing was trained for its inputs, or it was not fetched", fix="train or fetch it",
                           command=f"ovt pull {revision}")
    return Pin(version.commit, model)
