"""Items of one task in a table, and under them the highlighted one: its text, its votes before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from ovt.render.table import number
from ovt.schema.spec import Schema
from ovt_tui import recordtext, wording
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import RecordsFound, VotesFound
from ovt_tui.screens.record import RecordScreen
from ovt_tui.votes import VotePair, pairs, posterior, said, weight, without
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.widgets.toned import Toned
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.timer import Timer

    from ovt.quality.answers import Answer
    from ovt.quality.attribution.causes import FlipCause
    from ovt.quality.slicediff import Flip
    from ovt_tui.gateway import Gateway

    Item = Flip | Answer

PAUSE = 0.05
"""Seconds the highlight must rest before votes are read, so that a held key does not read a file per record."""
AROUND = 50
"""Rows before and after the highlight whose records are read with it."""
KEPT = 5000
"""Records that are kept at most; then the reading starts anew."""
VOTE_COLUMNS = [
    Column("mark", "", 1),
    Column("source", "source", 18, grow=20),
    Column("before", "vote before", 16, grow=10),
    Column("after", "vote after", 16, grow=10),
    Column("old", "acc. before", 11, right=True),
    Column("new", "acc. after", 10, right=True),
    Column("weight", "log-odds", 13, right=True, drop=1),
    Column("without", "without it", 10, right=True, drop=2),
]
TEXT = Column("text", "text", 14, grow=60, drop=2)


class ItemsPane(Vertical):
    """Items above, the record and its votes below; what is listed is for who inherits to say."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "record", "whole record", show=False, id="record"),
        Binding("c", "correct", "correct", id="correct"),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, task: str, table: LineTable[Any], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.gateway = gateway
        self.a, self.b, self.task_name = a, b, task
        self.schema = Schema({}, {})
        self.table = table
        self.votes: LineTable[VotePair] = LineTable(VOTE_COLUMNS, self._vote_cells, id="votes")
        self.say = Say(self.table)
        self._found: VotesFound | None = None
        self._records: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """How many, which, the text of one, and its votes."""
        yield Static(id="flip-tally", classes="line", markup=False)
        yield self.table
        yield self.say
        yield Toned(id="record")
        yield Static(id="posterior", markup=False)
        yield self.votes

    def item_at(self, row: Any) -> Item | None:
        """The item of a row; None for one that is no item."""
        found: Item | None = row
        return found

    def cause_of(self, item: Item) -> FlipCause | None:
        """What stands behind it; None while that is not known."""
        del item
        return None

    @property
    def item(self) -> Item | None:
        """The highlighted one."""
        return self.item_at(self.table.current) if self.table.current is not None else None

    @on(Worker.StateChanged)
    def _reading_failed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "items":
            self.say.tell(error, "esc goes back · R on the slice table compares again")
        elif event.worker.group == "votes":
            self.votes.show([])
            self.query_one("#record", Toned).show([[Cell(wording.trouble(error))]])

    # ---------------------------------------------------------- the highlight

    @on(LineTable.Highlighted, "#flip-table")
    def _item_highlighted(self) -> None:
        self._found = None
        if self._timer is not None:
            self._timer.stop()
        if self.item is None:
            self._show_nothing()
        self._timer = self.set_timer(PAUSE, self._read)

    def _show_nothing(self) -> None:
        self.votes.show([])
        self.query_one("#record", Toned).show([])
        self.query_one("#posterior", Static).display = False

    def _read(self) -> None:
        item = self.item
        if item is not None:
            fetch(self, lambda: self._votes_on(item), "votes")
        self._read_records()

    def _votes_on(self, item: Item) -> VotesFound:
        where = (item.task, item.id, item.position)
        before, after = (self.gateway.votes_on(spec, *where) for spec in (self.a, self.b))
        record = self.gateway.record(item.id) or self.gateway.records(self.a, self.b, [item.id]).get(item.id)
        tokens = item.task in self.schema.tasks and self.schema.granularity(item.task) == "token"
        answers = self.gateway.answers(self.a, self.b, item.task, item.id) if tokens else []
        return VotesFound(item, before, after, record, tuple(answers))

    def on_votes_found(self, message: VotesFound) -> None:
        """Show them, unless another item is highlighted by now."""
        if message.item == self.item:
            self._found = message
            self.draw_item()

    def draw_item(self) -> None:
        """Draw what is known about the highlighted item."""
        found = self._found
        if found is None:
            return
        width = max(self.size.width - 2, 20)
        lines = recordtext.detail(found.record, found.item, self.schema, found.answers, width)
        self.query_one("#record", Toned).show(lines)
        task = self.schema.tasks.get(self.task_name)
        several = task is not None and task.type == "bitvector"
        sides = (found.before, found.after)
        before, after = (posterior(side.posterior, self._shown, several=several) for side in sides)
        line = self.query_one("#posterior", Static)
        line.update(f"label model  before {before} · after {after}")
        line.display = bool(found.before.posterior or found.after.posterior)
        self.votes.show(pairs(found.item, found.before.votes, found.after.votes, self.cause_of(found.item)))

    def _read_records(self) -> None:
        """Records of the rows around the highlight, for their text and the names of their candidates."""
        at = self.table.cursor
        rows = self.table.rows[max(at - AROUND, 0):at + AROUND]
        items = [item for row in rows if (item := self.item_at(row)) is not None]
        ids = [name for name in dict.fromkeys(item.id for item in items) if name not in self._asked]
        if ids:
            fetch(self, lambda: RecordsFound(self.gateway.records(self.a, self.b, ids), frozenset(ids)), "records")

    def on_records_found(self, message: RecordsFound) -> None:
        """Draw their text."""
        if len(self._records) > KEPT:
            self._records, self._asked = {}, set()
        self._asked |= message.asked
        self._records |= message.records
        self.table.redraw()

    def action_record(self) -> None:
        """The whole record as JSON."""
        if self._found is None or self._found.record is None:
            self.notify("this record is not on this machine" if self._found else "its votes are still being read")
        else:
            self.app.push_screen(RecordScreen(self._found.record))

    def action_correct(self) -> None:
        """Correct the label of the highlighted record."""
        from ovt_tui.screens.correct import correct

        item = self.item
        if item is not None:
            correct(self.screen, self.gateway, item.task, item.id, item.position)

    # --------------------------------------------------------------- the text

    def _shown(self, label: str) -> str:
        return recordtext.readable(label, self.task_name, self.schema, self._found.record if self._found else None)

    def item_cells(self, item: Item) -> dict[str, Cell]:
        """What is the same for every item, whatever list it stands in."""
        record = self._records.get(item.id)
        gold, old, new = (recordtext.answer(label, item, self.schema, record)
                          for label in (item.gold, item.old, item.new))
        wrong = item.new != item.gold
        return {
            "id": Cell(item.id), "position": Cell(str(item.position)), "gold": Cell(gold),
            # The probability in front: a narrow column cuts the name, not the number.
            "old": Cell(f"{item.old_confidence:.2f} {old} →"),
            "new": Cell(f"{item.new_confidence:.2f} {new}", "bad" if wrong else "good"),
            "text": Cell(recordtext.short(record, item, self.schema) if record else ""),
        }

    def fitting(self, columns: list[Column]) -> list[Column]:
        """Where in the record is said for tasks that label its parts alone."""
        whole = self.task_name in self.schema.tasks and self.schema.granularity(self.task_name) == "record"
        return [column for column in columns if not (whole and column.key == "position")]

    def _vote_cells(self, pair: VotePair, _: Mapping[str, int]) -> dict[str, Cell]:
        before, after = pair.before, pair.after
        return {
            "mark": Cell(pair.mark, "strong"),
            "source": Cell(pair.source, "strong" if pair.changed else ""),
            "before": Cell(self._shown(said(before))),
            "after": Cell(self._shown(said(after)), "strong" if pair.changed else ""),
            "old": Cell(number(before.accuracy) if before else "–"),
            "new": Cell(number(after.accuracy) if after else "–"),
            "weight": Cell(weight(pair)),
            "without": Cell(without(pair)),
        }
