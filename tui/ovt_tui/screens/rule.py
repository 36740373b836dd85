"""Trying a rule as it is typed: coverage and accuracy on dev, conflicts; then it is written as a YAML labeler."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, Label, Static
from textual.worker import Worker

from ovt.functions.rules import Rule, name_for
from ovt.workflows.labeling.rules import FILE
from ovt_tui import ruletext
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import RuleTried, RuleWritten
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from ovt.supervision.rule_trial import RuleHit, RuleTrial
    from ovt.workflows.labeling.rules import WrittenRule
    from ovt_tui.gateway import Gateway

PAUSE = 0.25
"""Seconds without a key after which what stands there is tried."""
FIELDS = ("pattern", "label", "name", "file")
WORDS = {"pattern": "looks for", "label": "says", "name": "name", "file": "file"}
NOTHING_YET = "Type what to look for; what it would do on dev appears here.\nNothing is written before you say so."
FINDS_NOTHING = "It finds nothing in the dev records."
COLUMNS = [
    Column("right", "on dev", 9),
    Column("id", "record", 8, grow=10),
    Column("vote", "vote", 10, grow=8),
    Column("gold", "gold", 10, grow=8),
    Column("against", "others say else", 10, grow=10, drop=1),
    Column("text", "text", 16, grow=60),
]
HEADINGS = ("on dev", "record", "vote", "gold", "others say else", "text")


class RuleLine(Input):
    """One field; its keys can be given others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.next_field", "next, then write", id="next_field", priority=True),
        Binding("escape", "screen.back", "back", id="leave_rule", priority=True),
        Binding("down", "screen.hits(1)", "next hit", show=False, id="next_hit", priority=True),
        Binding("up", "screen.hits(-1)", "hit before", show=False, id="previous_hit", priority=True),
    ]


class RuleScreen(View[None]):
    """Four fields above, what the rule does below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "field(1)", "next field", show=False, id="following_field"),
        Binding("shift+tab", "field(-1)", "field before", show=False, id="field_before"),
        Binding("u", "take_back", "take back", id="take_rule_back"),
    ]

    def __init__(
        self, gateway: Gateway, task: str, label: str, errors: Collection[tuple[str, int]],
        classes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._about, self._first_label, self._errors, self._known = task, label, frozenset(errors), list(classes)
        self._own_name = False
        self._timer: Timer | None = None
        self._newer = threading.Event()
        self._trial: RuleTrial | None = None
        self._written: WrittenRule | None = None
        self.table: LineTable[RuleHit] = LineTable(COLUMNS, self._cells, id="hits")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """The fields, the figures, what it votes on."""
        yield Static(f"try a rule for {self._about}", id="title", markup=False)
        for name in FIELDS:
            with Horizontal(classes="field"):
                yield Label(WORDS[name], classes="field-name")
                yield RuleLine(
                    value={"label": self._first_label, "file": FILE}.get(name, ""), id=name, compact=True,
                    select_on_focus=name != "pattern",  # what was tried is refined, the others are typed anew
                    suggester=SuggestFromList(self._known) if name == "label" and self._known else None,
                )
        yield Static(id="trial", markup=False)
        yield self.table
        yield self._say
        yield Static(ruletext.HOW, id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The pattern first; the table below follows the arrows, so it takes no keys."""
        self.set_line("trial", "")
        self._say.say(NOTHING_YET)
        self.set_focus(self._line("pattern"))

    def on_unmount(self) -> None:
        """Whoever leaves waits for no trial."""
        self._newer.set()

    def _line(self, name: str) -> RuleLine:
        return self.query_one(f"#{name}", RuleLine)

    @property
    def rule(self) -> Rule:
        """What stands in the fields."""
        pattern, label, name = (self._line(field).value for field in FIELDS[:3])
        return Rule(self._about, pattern, label, name.strip() or "rule")

    # --------------------------------------------------------------- the trial

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        field = event.input.id
        if field == "name":
            self._own_name = event.input.has_focus and bool(event.value.strip())
            return
        if field == "file" or self._written is not None:
            return
        if not self._own_name:
            self._line("name").value = name_for(self.rule) if self._line("pattern").value.strip() else ""
        if self._timer is not None:
            self._timer.stop()
        self._newer.set()
        self._timer = self.set_timer(PAUSE, self._try)

    def _try(self) -> None:
        rule, newer = self.rule, threading.Event()
        self._newer = newer
        if not rule.pattern.strip():
            self._trial = None
            self.set_line("trial", "")
            self._say.say(NOTHING_YET)
            return
        fetch(self, lambda: RuleTried(
            rule, self._gateway.try_rule(rule, self._errors, lambda: not newer.is_set()),
        ), "trial")

    def on_rule_tried(self, message: RuleTried) -> None:
        """Show it, unless something else stands there by now."""
        now = self.rule
        if (message.rule.pattern, message.rule.label) != (now.pattern, now.label) or self._newer.is_set():
            return
        self._trial = message.trial
        self.set_line("trial", ruletext.told(message.trial, len(self._errors)))
        self.table.show(message.trial.hits)
        if message.trial.hits:
            self._say.hush()
        else:
            self._say.say(FINDS_NOTHING)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "trial":
            self._trial = None
            self.set_line("trial", "")
            self._say.say(ruletext.short(error))
        else:
            self.set_line("detail", f"{ruletext.short(error)}\n{error.at or ''}".rstrip())

    # --------------------------------------------------------------- the keys

    def action_field(self, step: int) -> None:
        """Another field, around the end."""
        names = [node.id for node in self.query(RuleLine)]
        at = names.index(self.focused.id) if isinstance(self.focused, RuleLine) else -1
        self.set_focus(self._line(FIELDS[(at + step) % len(FIELDS)]))

    def action_next_field(self) -> None:
        """The next field; after the last one the rule is written."""
        if self.focused is not None and self.focused.id == FIELDS[-1]:
            self._write()
        else:
            self.action_field(1)

    def action_hits(self, step: int) -> None:
        """Another of the records that it votes on."""
        self.table.action_move(step)

    def _write(self) -> None:
        if self._written is not None or not self._line("pattern").value.strip():
            return
        rule, file = self.rule, self._line("file").value.strip()
        fetch(self, lambda: RuleWritten(self._gateway.write_rule(rule, file)), "writing")

    def action_take_back(self) -> None:
        """Undo what was written."""
        rule = self._written
        if rule is not None:
            fetch(self, lambda: self._taken_back(rule), "writing")

    def _taken_back(self, rule: WrittenRule) -> RuleWritten:
        self._gateway.take_back(rule)
        return RuleWritten(None)

    def on_rule_written(self, message: RuleWritten) -> None:
        """Fields that were written are no longer typed into; those of a rule taken back are."""
        self._written = message.rule
        for line in self.query(RuleLine):
            line.disabled = message.rule is not None
        if message.rule is not None:
            self.set_focus(None)
            self.set_line("detail", ruletext.stands(message.rule))
        else:
            self.set_line("detail", f"taken back: the file is as it was\n{ruletext.HOW}")
            self.set_focus(self._line("pattern"))

    # --------------------------------------------------------------- the text

    def _cells(self, hit: RuleHit, _: Mapping[str, int]) -> dict[str, Cell]:
        return {
            "right": ruletext.verdict(hit), "id": Cell(hit.id), "vote": Cell(hit.vote), "gold": Cell(hit.gold or "–"),
            "against": Cell(", ".join(hit.against)), "text": Cell(hit.text),
        }

    def row_text(self) -> str:
        """The rule, as it would be written."""
        return self._trial.entry if self._trial else ""

    def table_cells(self) -> Copied:
        """What it votes on."""
        rows = [self._cells(hit, {}) for hit in self.table.rows]
        return HEADINGS, [[cells[column.key].text for column in COLUMNS] for cells in rows]
