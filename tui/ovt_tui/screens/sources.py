"""The sources of both versions: as a tab of a slice, and as a screen of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Footer, Static
from textual.worker import Worker

from ovt.render.table import number
from ovt_tui import wording
from ovt_tui.columns import Cell, Column
from ovt_tui.decided import Decided
from ovt_tui.messages import CausesFound, ChangedSourcesFound, ReportsFound
from ovt_tui.screens.view import Copied, View
from ovt_tui.sourcetable import WORDS, SourcePair, advice, chosen_model, source_pairs
from ovt_tui.state import next_of
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt_tui.gateway import Gateway

SHOWN = {"coverage": "coverage %", "accuracy": "accuracy", "dev_accuracy": "dev acc.", "conflicts": "conflicts %"}
COLUMNS = [
    Column("change", "", 9),
    Column("task", "task", 8, grow=6, drop=3),
    Column("source", "source", 14, grow=20),
    Column("coverage", SHOWN["coverage"], 12, right=True),
    Column("accuracy", SHOWN["accuracy"], 13, right=True),
    Column("dev_accuracy", SHOWN["dev_accuracy"], 13, right=True, drop=1),
    Column("conflicts", SHOWN["conflicts"], 12, right=True, drop=2),
    Column("flips", "flips", 9, right=True),
]
HEADINGS = ("change", "task", "source", *SHOWN.values(), "flips")
NOTHING = (
    "Neither version tells about its sources.\n"
    "  why  there is no reports/sources.json, or no source labels this task\n  try  ovt run label"
)


class SourcesPane(Vertical):
    """A row per source, before → after."""

    def __init__(self, gateway: Gateway, a: str, b: str, task: str | None, slice_: str | None) -> None:
        super().__init__(id="sources-pane")
        self._slice = slice_
        self._edited: frozenset[str] = frozenset()
        self._decided = Decided()
        self._gateway = gateway
        self._a, self._b = a, b
        self.chosen = self.asked = task
        self._reports = ReportsFound(None, None)
        self.table: LineTable[SourcePair] = LineTable(COLUMNS, self._cells, id="sources-table")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """What combined them, and the table."""
        yield Static(id="sources-line", markup=False)
        yield self.table
        yield self._say

    def on_mount(self) -> None:
        """Read both reports."""
        self._say.say("reading reports …")
        fetch(self, lambda: ReportsFound(
            self._gateway.report(self._a, "sources.json"), self._gateway.report(self._b, "sources.json"),
        ), "sources")

    def on_reports_found(self, message: ReportsFound) -> None:
        """Keep them and show the task."""
        self._reports = message
        self.draw()
        a, b, task, slice_ = self._a, self._b, self.asked, self._slice
        fetch(self, lambda: ChangedSourcesFound(self._gateway.changed_sources(a, b)), "changed sources")
        fetch(self, lambda: CausesFound(tuple(self._gateway.causes(a, b, task, slice_))), "causes")

    def on_changed_sources_found(self, message: ChangedSourcesFound) -> None:
        """Tell which were edited."""
        self._edited = frozenset(one.source for one in message.changed if one.kind == "edited")
        self.draw()

    def on_causes_found(self, message: CausesFound) -> None:
        """Tell how many flips each stands behind."""
        self._decided = Decided.of(message.causes)
        self.draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "sources":
            self._say.tell(error, "esc goes back")
        elif event.worker.group == "causes":
            self._decided = Decided({}, {}, f"flips by source are not known: {error.what}")
            self.draw()

    def tasks(self) -> list[str]:
        """The tasks that either version has sources for."""
        return sorted({pair.task for pair in source_pairs(self._reports.old, self._reports.new, None)})

    def draw(self) -> None:
        """Show the sources of the task."""
        pairs = source_pairs(self._reports.old, self._reports.new, self.chosen, self._edited)
        if not pairs:
            self._say.say(NOTHING)
            return
        self._say.hush()
        told = [f"task {self.chosen or 'all'} · before → after{self._models()}"]
        told += [line for line in (self._decided.told(self.chosen),) if line]
        told += [f"note: {line}" for line in advice(self._reports.new, self.chosen or "")]
        self.query_one("#sources-line", Static).update("\n".join(told))
        columns = [column for column in COLUMNS if column.key != "task" or self.chosen is None]
        at = self.table.current
        same = [number for number, pair in enumerate(pairs) if at and (pair.task, pair.name) == (at.task, at.name)]
        self.table.show(pairs, columns, cursor=same[0] if same else 0)

    def _models(self) -> str:
        if self.chosen is None:
            return ""
        old, new = (chosen_model(report, self.chosen) for report in (self._reports.old, self._reports.new))
        models = " → ".join(dict.fromkeys(name for name in (old, new) if name))
        return f" · label model {models}" if models else ""

    def _cells(self, pair: SourcePair, _: Mapping[str, int]) -> dict[str, Cell]:
        cells = {
            "change": Cell(WORDS[pair.change], "muted" if pair.change in {"same", "gone"} else "strong"),
            "task": Cell(pair.task),
            "source": Cell(pair.name, "strong"),
        }
        flips = Cell(self._decided.by(pair.task, pair.name))
        return cells | {name: Cell(_moved(pair, name)) for name in SHOWN} | {"flips": flips}

    @on(LineTable.Selected, "#sources-table")
    def _entered(self) -> None:
        from ovt_tui.screens.source import SourceScreen

        pair = self.table.current
        if pair is not None:
            numbers = " · ".join(f"{title} {_moved(pair, name)}" for name, title in SHOWN.items())
            about = f"{WORDS[pair.change].strip()} · {pair.task} · {numbers}"
            self.app.push_screen(SourceScreen(self._gateway, (self._a, self._b), pair, self._slice, about))

    def row_text(self) -> str:
        """The highlighted source in one line."""
        pair = self.table.current
        return " · ".join(self._texts(pair)) if pair else ""

    def table_cells(self) -> Copied:
        """All sources shown."""
        return HEADINGS, [self._texts(pair) for pair in self.table.rows]

    def _texts(self, pair: SourcePair) -> list[str]:
        return [pair.change, pair.task, pair.name, *(_moved(pair, name) for name in SHOWN),
                self._decided.by(pair.task, pair.name)]


def _moved(pair: SourcePair, name: str) -> str:
    """A number before and after; once if it did not move."""
    write = wording.share if SHOWN[name].endswith("%") else number
    old, new = write(pair.old.get(name)), write(pair.new.get(name))
    return new if old == new else f"{old} → {new}"


class SourcesScreen(View[None]):
    """The sources of every task, outside any slice."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "task", "task", id="source_task")]

    def __init__(self, gateway: Gateway, a: str, b: str, task: str | None) -> None:
        super().__init__()
        self._title = f"sources  {a} → {b}"
        self._pane = SourcesPane(gateway, a, b, task, None)
        self._pane.asked = None  # another task may be chosen here

    def compose(self) -> ComposeResult:
        """The pair, the pane."""
        yield Static(self._title, id="title", markup=False)
        yield self._pane
        yield Footer(compact=True, show_command_palette=False)

    def action_task(self) -> None:
        """The next task."""
        self._pane.chosen = next_of(self._pane.tasks(), self._pane.chosen)
        self._pane.draw()

    def row_text(self) -> str:
        """From the pane."""
        return self._pane.row_text()

    def table_cells(self) -> Copied:
        """From the pane."""
        return self._pane.table_cells()
