"""A SliceDiff as a table, and in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.slicediff import SIGNS, Flip, SliceDiff, SliceRow, Verdict
from ovt.render.table import Table, interval, number, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS: dict[Verdict, str] = {
    "regressed": "regressed",
    "improved": "improved",
    "unclear": "unclear",
    "thin": "thin",
    "not_comparable": "not comparable",
}
HEADERS = ("verdict", "task", "slice", "metric", "n", "old", "new", "delta", "interval", "p", "broken", "fixed",
           "negative flips", "spread", "detectable", "why")
SOMETIMES = tuple(HEADERS.index(name) for name in ("detectable", "spread", "negative flips"))
"""Columns that are left out where no row has anything in them."""
UNKNOWN = "–"
ALL = "(all)"
"""What stands for all test records where a slice's name would stand."""


def sign(verdict: Verdict) -> str:
    """Sign and word, such as ``▼ regressed``."""
    return f"{SIGNS[verdict]} {WORDS[verdict]}"


def slice_name(row: SliceRow) -> str:
    """The slice, with a mark if the policy calls it critical."""
    name = ALL if row.slice is None else row.slice
    return f"{name} (critical)" if row.critical else name


def diff_table(diff: SliceDiff, verdicts: Sequence[Verdict] | None = None) -> Table:
    """All rows, or those of some verdicts, with everything that is known of them."""
    shown = [row for row in diff.rows if verdicts is None or row.verdict in verdicts]
    table = Table(HEADERS, tuple(_cells(row) for row in shown), frozenset({4, 5, 6, 7, 9, 10, 11, 12, 13, 14}),
                  drop=(12, 13, 9, 8, 3, 14, 15))
    for column in SOMETIMES:
        if all(line[column] == UNKNOWN for line in table.rows):
            table = table.without(column)
    return table


def flips_table(flips: Sequence[Flip]) -> Table:
    """Flips, one per line; ids and labels only."""
    headers = ("flip", "task", "id", "position", "gold", "old", "new", "confidence", "slices")
    rows = tuple(
        (f"{SIGNS['regressed' if flip.kind == 'broken' else 'improved']} {flip.kind}", flip.task, flip.id,
         str(flip.position), flip.gold, flip.old, flip.new,
         f"{flip.old_confidence:.2f} → {flip.new_confidence:.2f}", " ".join(flip.slices))
        for flip in flips
    )
    return Table(headers, rows, frozenset({3}))


def tally(diff: SliceDiff) -> str:
    """How many rows have each verdict, those that occur."""
    counts = {verdict: sum(row.verdict == verdict for row in diff.rows) for verdict in WORDS}
    told = [f"{SIGNS[verdict]} {count} {WORDS[verdict]}" for verdict, count in counts.items() if count]
    return ", ".join(told) or "nothing to compare"


def _p(value: float | None) -> str:
    return "<0.001" if value is not None and value < 0.001 else number(value)


def _cells(row: SliceRow) -> tuple[str, ...]:
    return (
        sign(row.verdict), row.task, slice_name(row), row.metric, str(row.n), number(row.old), number(row.new),
        signed(row.delta), interval(row.low, row.high, difference=True), _p(row.p), str(row.broken),
        str(row.fixed), negative_flips(row), spread(row), detectable(row), row.why,
    )


def negative_flips(row: SliceRow) -> str:
    """The negative-flip rate, and beside it what another seed alone would break."""
    if row.negative_flip_rate is None:
        return UNKNOWN
    noise = "" if row.noise_flip_rate is None else f" (seeds {100 * row.noise_flip_rate:.1f} %)"
    return f"{100 * row.negative_flip_rate:.1f} %{noise}"


def spread(row: SliceRow) -> str:
    """How far the metric lies apart between the seeds of each version."""
    if row.old_spread is None and row.new_spread is None:
        return UNKNOWN
    return f"{number(row.old_spread)} → {number(row.new_spread)}"


def detectable(row: SliceRow) -> str:
    """The smallest drop that this row would have shown; `none` where no drop could have been seen."""
    if row.negative_flip_rate is None:
        return UNKNOWN
    return "none" if row.detectable is None else f"-{row.detectable:.3f}"
