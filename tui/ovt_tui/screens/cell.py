"""The records of one cell of a confusion: which came, which left, which stay, each with its votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.widgets import Footer, Static

from ovt.render.diff import ALL
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import CellFound
from ovt_tui.screens.items import TEXT, ItemsPane
from ovt_tui.screens.tabs import SHORT
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt.quality.answers import Answer, Moved, Outcome, Wanted
    from ovt_tui.gateway import Gateway

MOVED: dict[Moved, Cell] = {
    "came": Cell("+ came", "strong"), "left": Cell("- left", "strong"), "stays": Cell("= stays"),
}
KINDS: dict[Outcome, Cell] = {
    "broken": Cell("▼ broken", "bad"), "fixed": Cell("▲ fixed", "good"), "wrong": Cell("✗ wrong", "bad"),
    "right": Cell("✓ right", "good"),
}
COLUMNS = [
    Column("moved", "", 7),
    Column("kind", "kind", 8),
    Column("id", "record", 10, grow=8),
    TEXT,
    Column("position", "at", 3, right=True, drop=1),
    Column("gold", "gold", 10, grow=10),
    Column("old", "old →", 14, grow=10),
    Column("new", "new", 14, grow=10),
]
EMPTY = "No record of this cell is in the test sets of both versions as they are on this machine.\n  try  ovt pull"


class CellPane(ItemsPane):
    """Those that came on top."""

    def __init__(self, gateway: Gateway, pair: tuple[str, str], task: str, slice_: str | None, wanted: Wanted) -> None:
        table: LineTable[Answer] = LineTable(COLUMNS, self._cells, id="flip-table")
        super().__init__(gateway, *pair, task, table, id="cell-pane")
        self._slice, self._wanted = slice_, wanted

    def on_mount(self) -> None:
        """Read the predictions of both versions."""
        self.say.say("reading predictions …")
        self.votes.display = False
        self._show_nothing()
        where = (self.a, self.b, self.task_name, self._slice, self._wanted)
        fetch(self, lambda: CellFound(tuple(self.gateway.cell(*where)), self.gateway.schema()), "items")

    def on_cell_found(self, message: CellFound) -> None:
        """Show the records."""
        self.schema = message.schema
        if not message.answers:
            self.say.say(EMPTY)
            return
        counts = {name: sum(one.moved == name for one in message.answers) for name in MOVED}
        told = "  ".join(f"{MOVED[name].text[0]} {count} {name}" for name, count in counts.items())
        now = counts["came"] + counts["stays"]
        self.query_one("#flip-tally", Static).update(f"{told} · {now} now, {counts['left'] + counts['stays']} before")
        self.say.hush()
        self.votes.display = True
        self.table.show(message.answers, self.fitting(COLUMNS))

    @on(LineTable.Selected, "#flip-table")
    def _entered(self) -> None:
        self.action_record()

    def _cells(self, item: Answer, _: Mapping[str, int]) -> dict[str, Cell]:
        return {"moved": MOVED[item.moved], "kind": KINDS[item.kind]} | self.item_cells(item)

    def row_text(self) -> str:
        """The highlighted record in one line."""
        one = self.table.current
        return " ".join(_texts(one)) if one else ""

    def table_cells(self) -> Copied:
        """The records shown."""
        return ("", "kind", "record", "at", "gold", "old", "new"), [_texts(one) for one in self.table.rows]


class CellScreen(View[None]):
    """The cell in words, and its records."""

    def __init__(self, gateway: Gateway, pair: tuple[str, str], task: str, slice_: str | None, wanted: Wanted) -> None:
        super().__init__()
        self._title = f"ovt  {pair[0]} → {pair[1]}"
        self._about = f"{task} · {slice_ or ALL} · gold {wanted.gold}, predicted {wanted.predicted}"
        self._pane = CellPane(gateway, pair, task, slice_, wanted)

    def compose(self) -> ComposeResult:
        """Title, cell, records."""
        yield Static(self._title, id="title", markup=False)
        yield Static(self._about, id="choices", markup=False)
        yield self._pane
        yield Footer(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        """A short terminal has less room under the table."""
        self.set_class(self.size.height < SHORT, "-short")

    def row_text(self) -> str:
        """From the pane."""
        return self._pane.row_text()

    def table_cells(self) -> Copied:
        """From the pane."""
        return self._pane.table_cells()


def _texts(one: Any) -> list[str]:
    return [one.moved, one.kind, one.id, str(one.position), one.gold, f"{one.old} {one.old_confidence:.2f}",
            f"{one.new} {one.new_confidence:.2f}"]
