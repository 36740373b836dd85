"""The confusion tab: the matrix where it fits the terminal, else its wrong cells as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from ovt.quality.confusion import OTHER
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

MATRIX_TEXT = "rows gold, columns predicted: now (change) · tab moves ▸, enter its records"
LIST_TEXT = "mistakes, most changed first (the matrix does not fit) · enter their records"
CHOSEN = "▸"
NOTHING = "Neither version has a confusion matrix for this slice.\n  try  ovt run"
LIST_COLUMNS = [
    Column("gold", "gold", 14, grow=20), Column("predicted", "predicted", 14, grow=20),
    Column("old", "before", 7, right=True), Column("new", "now", 7, right=True),
    Column("delta", "change", 7, right=True),
]


class ConfusionPane(Vertical):
    """New, and new - old."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "column(1)", "next cell", id="next_cell"),
        Binding("shift+tab", "column(-1)", "cell before", show=False, id="previous_cell"),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, row: SliceRow) -> None:
        super().__init__(id="confusion-pane")
        self._gateway = gateway
        self._a, self._b, self._row = a, b, row
        self._found: Confusion | None = None
        self._is_matrix = True
        self._column: str | None = None
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

    # ---------------------------------------------------------- the cell chosen

    @on(LineTable.Highlighted, "#confusion-table")
    def _row_highlighted(self) -> None:
        self._column = None
        self.table.redraw()

    def action_column(self, step: int) -> None:
        """Choose another cell of the highlighted row."""
        row = self.table.current
        if isinstance(row, str):
            columns = [name for name in self._known.predictions if (row, name) in self._known.cells]
            now = self._chosen(row)
            at = columns.index(now) if now in columns else 0
            self._column = columns[(at + step) % len(columns)]
            self.table.redraw()

    def _chosen(self, gold: str) -> str | None:
        """The column chosen in a row: at first that of the mistake that changed most."""
        if self._column is not None:
            return self._column
        counts = [count for (row, _), count in self._known.cells.items() if row == gold]
        best = min(counts, key=lambda one: (one.right, -abs(one.delta), -one.new), default=None)
        return best.predicted if best else None

    @on(LineTable.Selected, "#confusion-table")
    def _cell_entered(self) -> None:
        from ovt.quality.answers import Wanted
        from ovt_tui.screens.cell import CellScreen

        row = self.table.current
        gold = row if isinstance(row, str) else row.gold if row else None
        predicted = self._chosen(row) if isinstance(row, str) else row.predicted if row else None
        if gold is None or predicted is None:
            return
        classes = frozenset({*self._known.golds, *self._known.predictions} - {OTHER})
        self.app.push_screen(CellScreen(self._gateway, (self._a, self._b), self._row.task, self._row.slice,
                                        Wanted(gold, predicted, classes)))

    # --------------------------------------------------------------- the text

    def _cells(self, row: str | Count, _: Mapping[str, int]) -> dict[str, Cell]:
        if isinstance(row, str):
            here = self._chosen(row) if row == self.table.current else None
            return {"gold": Cell(row, "strong")} | {f"={name}": _cell(self._known, row, name, chosen=name == here)
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
        *(Column(f"={name}", name, max(len(name), *(len(text) + 1 for text in texts[name]), 1), right=True)
          for name in found.predictions),
    ]


def _cell(found: Confusion, gold: str, predicted: str, *, chosen: bool) -> Cell:
    count = found.cells.get((gold, predicted))
    if count is None:
        return Cell("·", "muted")
    text = f"{CHOSEN if chosen else ''}{cell_text(count)}"
    if not count.delta:
        return Cell(text)
    return Cell(text, "good" if (count.delta > 0) == count.right else "bad")
