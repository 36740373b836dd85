"""The columns of the slice table and what stands in them: no widget, only text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.render.table import number, signed
from ovt_tui import wording
from ovt_tui.columns import Cell, Column
from ovt_tui.trend import VERSIONS, Trends, sparkline
from ovt_tui.widgets.interval import axis, bar, scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.quality.slicediff import SliceRow
    from ovt_tui.state import Sort, State

SORT_OF: dict[str, Sort] = {
    "verdict": "verdict", "slice": "name", "n": "n", "old": "old", "new": "new", "delta": "change",
    "interval": "change", "flips": "flips",
}
"""What a click on a heading sorts by."""


class SliceTable:
    """Turns the rows on the screen into columns and cells."""

    def __init__(self) -> None:
        self.trends: Trends = {}
        self._limit = 0.1

    def columns(self, rows: Sequence[SliceRow], state: State) -> list[Column]:
        """The columns for these rows; the axis fits the rows that have enough records to be read."""
        readable = [row for row in rows if row.verdict != "thin"] or rows
        self._limit = scale(end for row in readable for end in (row.low, row.delta, row.high))
        columns = [Column("verdict", "verdict", 12, grow=4)]
        if state.task is None:
            columns.append(Column("task", "task", 10, grow=6))
        columns.append(Column("slice", "slice", 14, grow=18))
        if len({row.metric for row in rows}) > 1:
            columns.append(Column("metric", "metric", 8, grow=3, drop=2))
        columns += [
            Column("n", "n", 5, right=True),
            Column("old", "old", 5, right=True),
            Column("new", "new", 5, right=True),
            Column("delta", "Δ", 6, right=True),
            Column("interval", lambda width: axis(self._limit, width), 13, grow=24),
            Column("flips", "flips", 7, right=True, grow=2, drop=3),
        ]
        if self.trends:
            columns.append(Column("trend", f"last {VERSIONS}", VERSIONS, drop=4))
        return [_marked(column, state) for column in columns]

    def cells(self, row: SliceRow, widths: Mapping[str, int]) -> dict[str, Cell]:
        """One row."""
        tone = wording.TONES[row.verdict]
        return {
            "verdict": Cell(wording.verdict(row, widths.get("verdict", 16)), tone),
            "task": Cell(row.task),
            "slice": Cell(wording.name(row), "strong" if row.slice is None else ""),
            "metric": Cell(row.metric, "muted"),
            "n": Cell(str(row.n)),
            "old": Cell(number(row.old)),
            "new": Cell(number(row.new)),
            "delta": Cell(signed(row.delta), tone),
            "interval": Cell(bar(row.low, row.delta, row.high, self._limit, widths.get("interval", 13)), tone),
            "flips": Cell(wording.flips(row)),
            "trend": Cell(sparkline(self.trends.get((row.task, row.slice, row.metric), ())), "muted"),
        }


def _marked(column: Column, state: State) -> Column:
    """The heading of the order in use carries an arrow, where it is a plain word."""
    if SORT_OF.get(column.key) != state.sort or not isinstance(column.title, str):
        return column
    arrow = "▴" if state.reverse else "▾"
    return Column(column.key, f"{column.title}{arrow}", column.width, column.right, column.grow, column.drop)
