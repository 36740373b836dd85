"""The confusion tab: the matrix where it fits the terminal, else its wrong cells as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from ovt_tui.columns import Cell, Column, Tone, needed
from ovt_tui.confusion import Confusion, Count, cell_text, confusion
from ovt_tui.messages import ReportsFound
from ovt_tui.trend import section
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt.quality.slicediff import SliceRow
    from ovt_tui.gateway import Gateway
    from ovt_tui.screens.view import Copied

MATRIX_TEXT = "rows gold, columns predicted: items now (and how many more than before)"
LIST_TEXT = "the classes do not fit this terminal; wrong answers, most changed first"
NOTHING = "Neither version has a confusion matrix for this slice.\n  try  ovt run"
LIST_COLUMNS = [
    Column("gold", "gold", 14, grow=20), Column("predicted", "predicted", 14, grow=20),
    Column("old", "before", 7, right=True), Column("new", "now", 7, right=True),
    Column("delta", "change", 7, right=True),
]


class ConfusionPane(Vertical):
    """New, and new - old."""

    def __init__(self, gateway: Gateway, a: str, b: str, row: SliceRow) -> None:
        super().__init__(id="confusion-pane")
        self._gateway = gateway
        self._a, self._b, self._row = a, b, row
        self._found: Confusion | None = None
        self._is_matrix = True
        self.table: LineTable[str | Count] = LineTable([], self._cells, id="confusion-table")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """How to read it, and the table."""
        yield Static(id="confusion-line", classes="line", markup=False)
        yield self.table
        yield self._say

    def on_mount(self) -> None:
        """Read both reports."""
        self._say.say("reading reports …")
        fetch(self, lambda: ReportsFound(
            self._gateway.report(self._a, "quality.json"), self._gateway.report(self._b, "quality.json"),
        ), "confusion")

    def on_reports_found(self, message: ReportsFound) -> None:
        """Show what both versions say about the slice."""
        old, new = (section(report, self._row.task, self._row.slice) for report in (message.old, message.new))
        self._found = confusion(old, new)
        self._draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is not None:
            self._say.tell(error, "esc goes back")

    def on_resize(self) -> None:
        """A wider terminal may show the matrix."""
        self._draw()

    def _draw(self) -> None:
        if self._found is None:  # still being read
            return
        if not self._found.cells:
            self._say.say(NOTHING)
            return
        self._say.hush()
        columns = _matrix_columns(self._found)
        self._is_matrix = needed(columns) <= self.size.width - 3
        self.query_one("#confusion-line", Static).update(MATRIX_TEXT if self._is_matrix else LIST_TEXT)
        if self._is_matrix:
            self.table.show(self._found.golds, columns, cursor=self.table.cursor)
        else:
            self.table.show(self._found.mistakes(), LIST_COLUMNS, cursor=self.table.cursor)

    def _cells(self, row: str | Count, _: Mapping[str, int]) -> dict[str, Cell]:
        if isinstance(row, str):
            return {"gold": Cell(row, "strong")} | {f"={name}": _cell(self._known, row, name)
                                                    for name in self._known.predictions}
        tone: Tone = "bad" if row.delta > 0 else "good" if row.delta < 0 else ""
        return {
            "gold": Cell(row.gold), "predicted": Cell(row.predicted), "old": Cell(str(row.old)),
            "new": Cell(str(row.new)), "delta": Cell(f"{row.delta:+d}" if row.delta else "0", tone),
        }

    @property
    def _known(self) -> Confusion:
        return self._found or Confusion((), (), {})

    def row_text(self) -> str:
        """The highlighted line."""
        _, rows = self.table_cells()
        return " ".join(rows[self.table.cursor]) if rows else ""

    def table_cells(self) -> Copied:
        """The table shown."""
        found = self._known
        if self._is_matrix:
            return ("gold", *found.predictions), [
                [gold, *(cell_text(found.cells.get((gold, name))) for name in found.predictions)]
                for gold in found.golds
            ]
        return ("gold", "predicted", "before", "now", "change"), [
            [one.gold, one.predicted, str(one.old), str(one.new), f"{one.delta:+d}"] for one in found.mistakes()
        ]


def _matrix_columns(found: Confusion) -> list[Column]:
    texts = {name: [cell_text(count) for (_, predicted), count in found.cells.items() if predicted == name]
             for name in found.predictions}
    return [
        Column("gold", "gold", max(len(gold) for gold in found.golds)),
        *(Column(f"={name}", name, max(len(name), *map(len, texts[name]), 1), right=True)
          for name in found.predictions),
    ]


def _cell(found: Confusion, gold: str, predicted: str) -> Cell:
    count = found.cells.get((gold, predicted))
    if count is None:
        return Cell("·", "muted")
    if not count.delta:
        return Cell(cell_text(count))
    return Cell(cell_text(count), "good" if (count.delta > 0) == count.right else "bad")
