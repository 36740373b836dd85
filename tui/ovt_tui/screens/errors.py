"""Confident errors and disagreements of one slice, to find the next labeling function and the next wrong label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static
from textual.worker import Worker

from ovt.quality.disagreements import Disagreement, DisagreementKind
from ovt.render.diff import ALL
from ovt.schema.spec import Schema
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import DisagreementsFound, RecordFound
from ovt_tui.recordtext import readable
from ovt_tui.screens.correct import correct
from ovt_tui.screens.record import RecordScreen
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt.quality.slicediff import SliceRow
    from ovt.workflows.labeling.disagreements import Disagreements
    from ovt_tui.gateway import Gateway

KINDS: tuple[DisagreementKind, ...] = get_args(DisagreementKind)
MEANING: dict[DisagreementKind, str] = {
    "gold": "the model has it wrong, most confident first",
    "sources": "dev items where the model says something else than the label model makes of the votes",
    "open": "train items that the sources leave open, least sure first (build/ has no predictions on train)",
    "silent": "train records that no source says anything about: what would?",
}
NOTHING: dict[DisagreementKind, str] = {
    "gold": "The model has nothing wrong here, as far as there is gold on dev.\n"
            "  try  o for disagreements with the sources · t to look at test",
    "sources": "Model and sources agree on every dev item here that has votes.\n  try  o for the train items",
    "open": "No train item of this slice is left open by its sources.\n  try  o for records without any vote",
    "silent": "Some source speaks of every train record of this slice.\n  try  o for the model's errors",
}
SPOILED = "! test is shown: a rule or label made from it makes the test figures better than the model is · t hides it"
COLUMNS = [
    Column("split", "split", 5),
    Column("id", "record", 9, grow=12),
    Column("position", "at", 3, right=True, drop=2),
    Column("predicted", "model", 14, grow=8),
    Column("gold", "gold", 9, grow=9),
    Column("sources", "sources", 14, grow=8, drop=1),
    Column("text", "text", 16, grow=60),
]
AWAY: dict[DisagreementKind, frozenset[str]] = {
    "open": frozenset({"predicted", "gold"}), "silent": frozenset({"predicted", "gold", "sources", "position"}),
}
"""Columns that say nothing in a list."""
HEADINGS = ("split", "record", "at", "model", "gold", "sources", "text")


class ErrorsScreen(View[None]):
    """One list at a time: errors, disagreements with the sources, open train items, silent ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "kind(1)", "other list", id="next_kind"),
        Binding("O", "kind(-1)", "list before", show=False, id="previous_kind"),
        Binding("t", "test", "test", id="show_test"),
        Binding("l", "rule", "try a rule", id="rule"),
        Binding("c", "correct", "correct", id="correct"),
        Binding("space", "record", "whole record", show=False, id="record"),
        Binding("R", "reload", "read again", show=False, id="reload_errors"),
    ]

    def __init__(self, gateway: Gateway, spec: str, row: SliceRow) -> None:
        super().__init__()
        self._gateway = gateway
        self._spec, self._about, self._slice = spec, row.task, row.slice
        self._schema = Schema({}, {})
        self._found: Disagreements | None = None
        self._kind: DisagreementKind = "gold"
        self._show_test = False
        self._corrected: set[tuple[str, str]] = set()
        self.table: LineTable[Disagreement] = LineTable(COLUMNS, self._cells, id="errors")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """What is looked at, the lists and how long each is, the list, the highlighted row."""
        yield Static(f"errors of {self._spec} · {self._about} · {ALL if self._slice is None else self._slice}",
                     id="title", markup=False)
        yield Static(id="tally", markup=False)
        yield Static(id="kind", classes="line", markup=False)
        yield Static(id="notes", markup=False)
        yield self.table
        yield self._say
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Read them."""
        for name in ("tally", "kind", "notes", "detail"):
            self.set_line(name, "")
        self.action_reload()

    def action_reload(self) -> None:
        """Read predictions, gold and votes, again if they were read before."""
        self._say.say("reading predictions, gold and votes …")
        about, show_test = (self._spec, self._about, self._slice), self._show_test
        fetch(self, lambda: DisagreementsFound(
            self._gateway.disagreements(*about, show_test=show_test), self._gateway.schema(),
        ), "disagreements")

    def on_disagreements_found(self, message: DisagreementsFound) -> None:
        """Show them."""
        self._found, self._schema = message.found, message.schema
        self._draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "disagreements":
            self._say.tell(error, "R tries again · esc goes back")
        else:
            self.notify(error.what, severity="warning")

    # ------------------------------------------------------------ the drawing

    def _draw(self) -> None:
        found = self._found
        if found is None:
            return
        rows = [row for row in found.rows if row.kind == self._kind]
        self.set_line("tally", _tally(found))
        self.set_line("kind", f"{self._lists(found)}\n{MEANING[self._kind]}")
        notes = [f"note: {note}" for note in found.notes] + ([SPOILED] if found.shows_test else [])
        self.set_line("notes", "\n".join(notes))
        self.table.show(rows, self._columns(), cursor=self.table.cursor)
        if rows:
            self._say.hush()
        else:
            self._say.say(NOTHING[self._kind])

    def _lists(self, found: Disagreements) -> str:
        """The lists with their lengths, the open one in brackets."""
        parts = []
        for kind in KINDS:
            text = f"{kind} {found.silent if kind == 'silent' else sum(row.kind == kind for row in found.rows):,}"
            parts.append(f"[{text}]" if kind == self._kind else f" {text} ")
        return " ".join(parts)

    def _columns(self) -> list[Column]:
        """Columns that say something in the open list."""
        away = AWAY.get(self._kind, frozenset())
        if self._about in self._schema.tasks and self._schema.granularity(self._about) == "record":
            away = away | {"position"}
        return [column for column in COLUMNS if column.key not in away]

    @on(LineTable.Highlighted, "#errors")
    def _highlighted(self) -> None:
        row = self.table.current
        self.set_line("detail", f"{row.text}\n{self._told(row)}" if row else "")

    def _told(self, row: Disagreement) -> str:
        parts = []
        if row.kind == "gold" and row.sources is not None:
            parts.append("the sources say what gold says: the model has not learned it" if row.sources == row.gold
                         else "the sources say what the model says: a rule is wrong or missing, or gold is (c corrects)"
                         if row.sources == row.predicted else "model, gold and sources all differ")
        if row.kind == "gold" and row.sources is None:
            parts.append("no source speaks of it: l tries a rule")
        if row.kind == "sources" and row.gold is not None:
            parts.append("gold agrees with the model" if row.gold == row.predicted else
                         "gold agrees with the sources" if row.gold == row.sources else "gold agrees with neither")
        if (self._about, row.id) in self._corrected:
            parts.append("corrected: the next run picks it up")
        return " · ".join(parts)

    # --------------------------------------------------------------- the keys

    def action_kind(self, step: int) -> None:
        """The next list in a direction."""
        self._kind = KINDS[(KINDS.index(self._kind) + step) % len(KINDS)]
        self.table.cursor = 0
        self._draw()

    def action_test(self) -> None:
        """Show errors on test, or hide them again."""
        self._show_test = not self._show_test
        self.action_reload()

    def action_rule(self) -> None:
        """Try a rule; the label of the highlighted row is what it would say."""
        from ovt_tui.screens.rule import RuleScreen

        row = self.table.current
        errors = {(one.id, one.position) for one in self._found.rows if one.kind == "gold" and one.split == "dev"} \
            if self._found else set()
        label = readable((row.gold or row.sources or "") if row else "", self._about, self._schema)
        selects = self._about in self._schema.tasks and self._schema.tasks[self._about].type == "select"
        first = "" if selects or label == "(none)" else label.replace(", ", "; ")
        self.app.push_screen(RuleScreen(self._gateway, self._about, first, errors, self._labels()))

    def _labels(self) -> list[str]:
        """The labels that occur here: what a rule may say is completed from them."""
        rows = self._found.rows if self._found else ()
        return sorted({label for row in rows for label in (row.gold, row.sources, row.predicted)
                       if label and label[0] != "[" and not label.isdecimal()})

    def action_correct(self) -> None:
        """Correct the label of the highlighted row."""
        row = self.table.current
        if row is not None:
            correct(self, self._gateway, row.task, row.id, row.position, lambda: self._was_corrected(row))

    def _was_corrected(self, row: Disagreement) -> None:
        self._corrected.add((row.task, row.id))
        self.table.redraw()
        self._highlighted()

    @on(LineTable.Selected, "#errors")
    def action_record(self) -> None:
        """The whole record as JSON."""
        row = self.table.current
        if row is not None:
            fetch(self, lambda: RecordFound(self._gateway.record(row.id)), "record")

    def on_record_found(self, message: RecordFound) -> None:
        """Open it."""
        if message.record is None:
            self.notify("this record is not in data/ of the working tree")
        else:
            self.app.push_screen(RecordScreen(message.record))

    # --------------------------------------------------------------- the text

    def _cells(self, row: Disagreement, _: Mapping[str, int]) -> dict[str, Cell]:
        mark = "✎ " if (row.task, row.id) in self._corrected else ""
        return {
            "split": Cell(row.split), "id": Cell(mark + row.id), "position": Cell(str(row.position)),
            "predicted": Cell(self._label(row.predicted, row.confidence), "bad" if row.kind == "gold" else ""),
            "gold": Cell(self._label(row.gold)), "sources": Cell(self._label(row.sources, row.sources_confidence)),
            "text": Cell(row.text),
        }

    def _label(self, label: str | None, confidence: float | None = None) -> str:
        """With its probability in front, so that a narrow column cuts the name."""
        if label is None:
            return "–"
        text = readable(label, self._about, self._schema)
        return text if confidence is None else f"{confidence:.2f} {text}"

    def row_text(self) -> str:
        """The highlighted row in one line."""
        return " · ".join(self._texts(self.table.current)) if self.table.current else ""

    def table_cells(self) -> Copied:
        """The open list."""
        return HEADINGS, [self._texts(row) for row in self.table.rows]

    def _texts(self, row: Disagreement) -> list[str]:
        cells: dict[str, Any] = self._cells(row, {})
        return [cells[key].text for key in ("split", "id", "position", "predicted", "gold", "sources", "text")]


def _tally(found: Disagreements) -> str:
    """How many errors there are; those of test are counted, not shown."""
    (wrong, of), (test_wrong, test_of) = found.dev, found.test
    test = "shown" if found.shows_test else "kept out of sight, t shows them"
    return f"wrong: dev {wrong:,} of {of:,} · test {test_wrong:,} of {test_of:,} ({test})"
