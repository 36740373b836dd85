"""Sources as `ovt source list` and `show` draw them: one row each, intervals and lineage in few letters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ovt.render.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.supervision.reporting.lineage import Origin
    from ovt.supervision.reporting.sourcedetail import SourceDetail
    from ovt.supervision.reporting.sources import Interval, SourceRow

HEADERS = ("task", "source", "votes", "coverage", "overlaps", "conflicts", "accuracy", "95 %", "dev accuracy", "dev n",
           "says", "slices (lift)", "copies", "commit", "at")
CLASSES = 4
COMMIT = 8
"""Letters of a commit's id."""


def source_rows(rows: Sequence[SourceRow]) -> Table:
    """A row per source and task; a pipe gets all columns, a narrow screen leaves out those that can be looked up."""
    return Table(HEADERS, tuple(_cells(row) for row in rows), frozenset(range(2, 10)), (14, 4, 10, 13, 9, 11, 12, 2, 5))


def confusion_rows(detail: SourceDetail) -> Table:
    """The commonest pairs of gold and answer on dev."""
    return Table(("task", "gold", "said", "dev items"),
                 tuple((one.task, one.gold, one.said, str(one.n)) for one in detail.confusions), frozenset({3}))


def origin(found: Origin) -> str:
    """`1a2b3c4d Ada 2019-09-01 Add heights`."""
    if not found.commit:
        return "not committed yet"
    day = time.strftime("%Y-%m-%d", time.gmtime(found.when))
    return f"{found.commit[:COMMIT]} {found.author} {day} {found.subject}"


def _cells(row: SourceRow) -> tuple[str, ...]:
    return (
        row.task, row.source + (f" ({row.workers} workers)" if row.workers else ""),
        str(row.votes if row.votes is not None else "–"), number(row.coverage), number(row.overlaps),
        number(row.conflicts), number(row.accuracy), _interval(row.interval), number(row.dev_accuracy), str(row.dev_n),
        " ".join(row.polarity[:CLASSES]) + (f" +{len(row.polarity) - CLASSES}" if len(row.polarity) > CLASSES else ""),
        " ".join(f"{name} {lift:.1f}x" for name, lift in row.slices), " ".join(row.copies), _commit(row),
        f"{row.at or ''}{' (not run yet)' if row.stale else ''}",
    )


def _interval(ends: Interval | None) -> str:
    return "–" if ends is None else f"{ends[0]:.2f}–{ends[1]:.2f}"


def _commit(row: SourceRow) -> str:
    if row.lineage is None:
        return ""
    brought = row.lineage.brought
    return f"{brought.commit[:COMMIT]} {brought.author}" if brought.commit else "uncommitted"
