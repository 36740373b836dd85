"""What two versions answer on test items, whether they flipped or not: a cell of a confusion, or one whole record."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.quality.answers import Answer, Wanted
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions


def cell(project: Project, a: str, b: str, task: str, slice_: str | None, wanted: Wanted) -> list[Answer]:
    """The items of one cell of a slice's confusion in either version; those that came there first.

    Raises:
        UsageError: no such revision.
        MissingError: a side has no model yet, or its predictions are not on this machine.
    """
    from ovt.quality.answers import in_cell

    return in_cell(_answers(project, a, task), _answers(project, b, task), slice_, wanted)


def record_answers(project: Project, a: str, b: str, task: str, record_id: str) -> list[Answer]:
    """The answers on every token, or member, of a test record; empty if neither version was asked about it.

    Raises:
        UsageError: no such revision.
        MissingError: as for `cell`.
    """
    from ovt.quality.answers import on_record

    return on_record(_answers(project, a, task), _answers(project, b, task), record_id)


def _answers(project: Project, spec: str, task: str) -> GradedPredictions | None:
    from ovt.workflows.review.opened import open_version

    opened = open_version(project, spec)
    form = opened.forms.get(task)
    return None if form is None else _read(opened.path, opened.path.stat().st_mtime_ns, task, form)


@lru_cache(maxsize=4)
def _read(path: Path, _: int, task: str, form: Form) -> GradedPredictions | None:
    """Kept, since whoever looks at one record looks at the next."""
    from ovt.quality.predictions import read_predictions

    return read_predictions(path, {task: form}).get(task)
