"""The flips of one slice: broken and fixed records, and under them what each source said before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from ovt.render.table import number
from ovt.schema.spec import Schema
from ovt_tui import wording
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import FlipsFound, VotesFound
from ovt_tui.recordtext import readable, summary
from ovt_tui.screens.record import RecordScreen
from ovt_tui.votes import VotePair, pairs, said
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.timer import Timer

    from ovt.quality.slicediff import Flip, SliceRow
    from ovt_tui.gateway import Gateway
    from ovt_tui.screens.view import Copied

Kind = Literal["broken", "fixed"]
KINDS: dict[Kind, Cell] = {"broken": Cell("▼ broken", "bad"), "fixed": Cell("▲ fixed", "good")}
PAUSE = 0.05
"""Seconds the highlight must rest before votes are read, so that a held key does not read a file per record."""

FLIP_COLUMNS = [
    Column("kind", "kind", 8),
    Column("id", "record", 12, grow=20),
    Column("position", "at", 3, right=True, drop=1),
    Column("gold", "gold", 12, grow=10),
    Column("old", "old →", 16, grow=10),
    Column("new", "new", 16, grow=10),
]
VOTE_COLUMNS = [
    Column("mark", "", 1),
    Column("source", "source", 18, grow=20),
    Column("before", "vote before", 16, grow=10),
    Column("after", "vote after", 16, grow=10),
    Column("old", "acc. before", 11, right=True),
    Column("new", "acc. after", 10, right=True),
]
NO_FLIPS = (
    "No record of this slice changed between right and wrong.\n"
    "  try  the other tabs (l), or esc and another slice"
)


class FlipsPane(Vertical):
    """Flips above, votes below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "only('broken')", "broken only", id="only_broken"),
        Binding("f", "only('fixed')", "fixed only", id="only_fixed"),
        Binding("space", "record", "whole record", id="record"),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, row: SliceRow) -> None:
        super().__init__(id="flips-pane")
        self._gateway = gateway
        self._a, self._b, self._row = a, b, row
        self._schema = Schema({}, {})
        self._flips: tuple[Flip, ...] = ()
        self._only: Kind | None = None
        self._record: dict[str, Any] | None = None
        self._timer: Timer | None = None
        self.table: LineTable[Flip] = LineTable(FLIP_COLUMNS, self._flip_cells, id="flip-table")
        self.votes: LineTable[VotePair] = LineTable(VOTE_COLUMNS, self._vote_cells, id="votes")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """How many, which, the text of one, and its votes."""
        yield Static(id="flip-tally", classes="line", markup=False)
        yield self.table
        yield self._say
        yield Static(id="record", markup=False)
        yield self.votes

    def on_mount(self) -> None:
        """Read the flips."""
        self._say.say("reading flips …")
        self.votes.display = False
        row = self._row
        fetch(
            self,
            lambda: FlipsFound(
                tuple(self._gateway.flips(self._a, self._b, row.task, row.slice)), self._gateway.schema(),
            ),
            "flips",
        )

    def on_flips_found(self, message: FlipsFound) -> None:
        """Show them."""
        self._flips, self._schema = message.flips, message.schema
        if not self._flips:
            self._say.say(NO_FLIPS)
            return
        self._say.hush()
        self.votes.display = True
        self._draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "flips":
            self._say.tell(error, "esc goes back · R on the slice table compares again")
        else:
            self.votes.show([])
            self.query_one("#record", Static).update(wording.trouble(error))

    def _draw(self) -> None:
        rows = [flip for flip in self._flips if self._only in {None, flip.kind}]
        broken = sum(flip.kind == "broken" for flip in self._flips)
        tally = f"▼ {broken} broken  ▲ {len(self._flips) - broken} fixed"
        shown = f" · {self._only} only ({'b' if self._only == 'broken' else 'f'} shows all)" if self._only else ""
        self.query_one("#flip-tally", Static).update(tally + shown)
        self.table.show(rows, self._columns())

    def _columns(self) -> list[Column]:
        """Where in the record is said for tasks that label its parts alone."""
        task = self._schema.tasks.get(self._row.task)
        whole = task is not None and self._schema.granularity(task.name) == "record"
        return [column for column in FLIP_COLUMNS if not (whole and column.key == "position")]

    def action_only(self, kind: Kind) -> None:
        """Show one kind, or both again."""
        self._only = None if self._only == kind else kind
        self._draw()

    # ---------------------------------------------------------- the highlight

    @on(LineTable.Highlighted, "#flip-table")
    def _flip_highlighted(self) -> None:
        self._record = None
        if self._timer is not None:
            self._timer.stop()
        if self.table.current is None:
            self.votes.show([])
            self.query_one("#record", Static).update("")
        else:
            self._timer = self.set_timer(PAUSE, self._read_votes)

    def _read_votes(self) -> None:
        flip = self.table.current
        if flip is not None:
            fetch(self, lambda: self._votes_on(flip), "votes")

    def _votes_on(self, flip: Flip) -> VotesFound:
        where = (flip.task, flip.id, flip.position)
        before, after = (tuple(self._gateway.votes_on(spec, *where)) for spec in (self._a, self._b))
        return VotesFound(flip, before, after, self._gateway.record(flip.id))

    def on_votes_found(self, message: VotesFound) -> None:
        """Show them, unless another flip is highlighted by now."""
        if message.flip != self.table.current:
            return
        self._record = message.record
        self.query_one("#record", Static).update(summary(message.record, message.flip, self._schema))
        self.votes.show(pairs(message.flip, message.before, message.after))

    def action_record(self) -> None:
        """The whole record as JSON."""
        if self._record is None:
            self.notify("this record is not in data/ of the working tree")
        else:
            self.app.push_screen(RecordScreen(self._record))

    # --------------------------------------------------------------- the text

    def _shown(self, label: str) -> str:
        return readable(label, self._row.task, self._schema, self._record)

    def _flip_cells(self, flip: Flip, _: Mapping[str, int]) -> dict[str, Cell]:
        tone = KINDS[flip.kind].tone
        gold, old, new = (readable(label, flip.task, self._schema) for label in (flip.gold, flip.old, flip.new))
        return {
            "kind": KINDS[flip.kind],
            "id": Cell(flip.id),
            "position": Cell(str(flip.position)),
            "gold": Cell(gold),
            "old": Cell(f"{old} {flip.old_confidence:.2f} →"),
            "new": Cell(f"{new} {flip.new_confidence:.2f}", tone),
        }

    def _vote_cells(self, pair: VotePair, _: Mapping[str, int]) -> dict[str, Cell]:
        before, after = pair.before, pair.after
        return {
            "mark": Cell("◆" if pair.deciding else "", "strong"),
            "source": Cell(pair.source, "strong" if pair.changed else ""),
            "before": Cell(self._shown(said(before))),
            "after": Cell(self._shown(said(after)), "strong" if pair.changed else ""),
            "old": Cell(number(before.accuracy) if before else "–"),
            "new": Cell(number(after.accuracy) if after else "–"),
        }

    def row_text(self) -> str:
        """The highlighted flip in one line."""
        flip = self.table.current
        if flip is None:
            return ""
        return (f"{flip.kind} {flip.task} {flip.id} at {flip.position}: gold {flip.gold}, "
                f"{flip.old} {flip.old_confidence:.2f} → {flip.new} {flip.new_confidence:.2f}")

    def table_cells(self) -> Copied:
        """The flips shown."""
        return ("kind", "record", "at", "gold", "old", "new"), [
            [flip.kind, flip.id, str(flip.position), flip.gold, f"{flip.old} {flip.old_confidence:.2f}",
             f"{flip.new} {flip.new_confidence:.2f}"]
            for flip in self.table.rows
        ]
