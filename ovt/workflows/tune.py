"""`ovt tune`: search the choices of `tuning.yaml`; the result is an input of training like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project


def tune(project: Project, progress: Progress, *, trials: int | None = None, minutes: float | None = None) -> Any:
    """Bring labels up to date, search, and write `tuning.lock.yaml`; the lock.

    Raises:
        MissingError: there is no `tuning.yaml`.
    """
    from ovt.training.tuning.search import tune as search
    from ovt.workflows.committing.staleness import bring_up_to_date

    if not (project.root / "tuning.yaml").is_file():
        raise MissingError("nothing to tune", at=str(project.root), fix="write the choices you want searched",
                           why="there is no tuning.yaml: the defaults are used")
    for name in ("compile", "label"):
        bring_up_to_date(project, name, progress)
    return search(project, progress, trials=trials, minutes=minutes)
