"""Test records of a version as JSON lines, as a caller of the model would send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version


def test_records(project: Project, version: Version, most: int) -> tuple[list[str], list[bytes]]:
    """Ids and lines of up to `most` test records, spread evenly over all.

    Raises:
        MissingError: the version's store is not on this machine.
    """
    import msgspec
    import numpy as np

    from ovt.schema.spec import SPLITS
    from ovt.serving.cost import record_line
    from ovt.workflows.review.votes import opened_store

    with opened_store(project, version) as store:
        rows = np.flatnonzero(store.splits == SPLITS.index("test"))
        chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)] if len(rows) else rows
        lines = [record_line(store, row) for row in chosen.tolist()]
        return [msgspec.json.decode(line)["id"] for line in lines], lines
