"""Rows checked before they are written, by the rules under which they will be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ovt.project import CORRECTIONS
from ovt.supervision.collection.outside import Reading
from ovt.supervision.collection.rows import Line, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.data.store import Store
    from ovt.project import Project


def problems(project: Project, store: Store, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """For each row why it could not be used, None for those that can."""
    reading = Reading(project, store, "corrections")
    return reading.problems([_line(row) for row in rows])


def _line(row: Mapping[str, Any]) -> Line:
    try:
        return Line(CORRECTIONS, 1, b"", msgspec.convert(dict(row), Row))
    except msgspec.ValidationError as error:
        return Line(CORRECTIONS, 1, b"", None, str(error))
