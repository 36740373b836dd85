"""Correcting one label: choices by key, tokens by selection, candidates by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static
from textual.worker import Worker

from ovt_tui import correction
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import CorrectionsWritten, QuestionFound
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.filter import FilterLine
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.wording import trouble
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual import events
    from textual.app import ComposeResult
    from textual.screen import Screen

    from ovt_tui.correction import Draft, Said
    from ovt_tui.gateway import Gateway

COLUMNS = [Column("key", "key", 3), Column("mark", "", 1), Column("choice", "label", 20, grow=100)]
MARKS = {True: "●", False: ""}


class CorrectScreen(View[str]):
    """Answers with what was written, in words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "save", "save", id="save", priority=True),
        Binding("space", "put", "choose", id="put"),
        Binding("l,right", "item(1)", "next item", show=False, id="next_item"),
        Binding("h,left", "item(-1)", "item before", show=False, id="previous_item"),
        Binding("L,shift+right", "item(1, True)", "select to the right", show=False, id="extend_right"),
        Binding("H,shift+left", "item(-1, True)", "select to the left", show=False, id="extend_left"),
        Binding("v", "mark", "select", show=False, id="select_items"),
        Binding("x", "clear", "nothing", id="clear_label"),
        Binding("u", "take_back", "take back", id="take_back"),
        Binding("slash", "filter", "find a label", show=False, id="filter_choices"),
    ]

    def __init__(self, gateway: Gateway, task: str, record_id: str, position: int) -> None:
        super().__init__()
        self._gateway = gateway
        self._about, self._record_id, self._position = task, record_id, position
        self.draft: Draft | None = None
        self.table: LineTable[int] = LineTable(COLUMNS, self._cells, id="choices-table")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """The record, its items, the labels that it may have."""
        yield Static(f"correct {self._about} of {self._record_id}", id="title", markup=False)
        yield Static(id="record", markup=False)
        yield Static(id="items", markup=False)
        yield FilterLine(self.table)
        yield self.table
        yield self._say
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Ask what may be said."""
        for name in ("record", "items", "detail"):
            self.set_line(name, "")
        self._say.say("reading the record …")
        fetch(self, lambda: QuestionFound(self._gateway.question(self._about, self._record_id)), "question")

    def on_question_found(self, message: QuestionFound) -> None:
        """Show it."""
        found = message.question
        if not found.labels or not found.choices:
            self._say.say(f"There is nothing to label: `{found.task}` finds no item in this record.\n  esc goes back")
            return
        self.draft = correction.draft_of(found, self._position)
        exam = " · a correction here changes the exam itself" if found.split == "test" else ""
        self.set_line("title", f"correct {found.task} of {found.id} · {found.split}{exam}")
        self.set_line("record", found.text)
        self._say.hush()
        self._list("")
        now = self.draft.labels[self.draft.cursor]
        at = next((index for index, choice in enumerate(self.table.rows) if correction.has(self.draft, choice)), 0)
        self.table.cursor = at if now is not None else 0
        self._draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "question":
            self._say.tell(error, "esc goes back")
        else:
            self.set_line("detail", trouble(error))

    # ------------------------------------------------------------ the drawing

    def _list(self, text: str) -> None:
        words = text.casefold().split()
        choices = self.draft.question.choices if self.draft else ()
        self.table.show([at for at, name in enumerate(choices) if all(word in name.casefold() for word in words)])

    def _draw(self) -> None:
        if self.draft is None:
            return
        self.set_line("items", correction.line(self.draft) if self.draft.question.items else "")
        self.set_line("detail", f"{self._now(self.draft)}\n{_how(self.draft)}")
        self.table.redraw()

    def _now(self, draft: Draft) -> str:
        old, new = (labels[draft.cursor] for labels in (draft.question.labels, draft.labels))
        said = self._named(old) + (f" ({draft.question.said_by})" if draft.question.said_by else "")
        text = f"now {said}" if old == new else f"was {said}, will be {self._named(new)}"
        return f"{text} · corrected before, u takes it back" if draft.question.corrected else text

    def _named(self, label: Any) -> str:
        if isinstance(label, int) and self.draft is not None and label < len(self.draft.question.choices):
            return f"{label} {self.draft.question.choices[label]}"
        return correction.shown(label)

    def _cells(self, choice: int, _: Mapping[str, int]) -> dict[str, Cell]:
        assert self.draft is not None
        return {
            "key": Cell(correction.key_of(self.draft.question, choice), "strong"),
            "mark": Cell(MARKS[correction.has(self.draft, choice)], "strong"),
            "choice": Cell(self.draft.question.choices[choice]),
        }

    # --------------------------------------------------------------- the keys

    def on_key(self, event: events.Key) -> None:
        """A choice's own key."""
        if self.draft is None or isinstance(self.focused, Input) or not event.character:
            return
        for choice in range(len(self.draft.question.choices)):
            if correction.key_of(self.draft.question, choice) == event.character:
                event.stop()
                self._choose(choice)
                return

    def action_put(self) -> None:
        """The highlighted choice."""
        if self.table.current is not None:
            self._choose(self.table.current)

    def _choose(self, choice: int) -> None:
        if self.draft is None:
            return
        self.draft = correction.choose(self.draft, choice)
        self._draw()
        if self.draft.at_once:
            self._write(correction.rows(self.draft))

    def action_save(self) -> None:
        """Write what was chosen; where one choice says all, the highlighted one."""
        if isinstance(self.focused, FilterLine):
            self.focused.action_keep_filter()
        elif self.draft is None:
            return
        elif self.draft.at_once:
            self.action_put()
        else:
            self._write(correction.rows(self.draft))

    def action_item(self, step: int, extend: bool = False) -> None:
        """Another token or member."""
        self._change(lambda draft: correction.move(draft, step, extend=extend))

    def action_mark(self) -> None:
        """Begin a selection, or end it."""
        self._change(correction.mark)

    def action_clear(self) -> None:
        """Say that the selected items are nothing."""
        self._change(correction.clear)

    def _change(self, step: Callable[[Draft], Draft]) -> None:
        if self.draft is not None:
            self.draft = step(self.draft)
            self._draw()

    def action_take_back(self) -> None:
        """Take earlier corrections of the record back."""
        if self.draft is not None and self.draft.question.corrected:
            self._write([(None, None)])
        else:
            self.notify("nobody corrected this record before")

    def action_filter(self) -> None:
        """Find a label by its name."""
        self.query_one(FilterLine).open()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        self._list(event.value)

    # ------------------------------------------------------------ the writing

    def _write(self, said: list[Said]) -> None:
        if not said:
            self.notify("nothing has changed: choose another label first, or esc")
            return
        about = (self._about, self._record_id)
        fetch(self, lambda: CorrectionsWritten(tuple(self._gateway.correct(*about, said))), "correction")

    def on_corrections_written(self, message: CorrectionsWritten) -> None:
        """Leave with what was written."""
        done = message.corrections[-1]
        back = all(one.label is None for one in message.corrections)
        said = "correction taken back" if back else f"corrected by {done.source}"
        self.dismiss(f"{self._about} of {self._record_id}: {said} in {done.file} · the next run or commit picks it up")

    def row_text(self) -> str:
        """What is said about the record, in one line."""
        return f"{self._about} {self._record_id}: {self._now(self.draft)}" if self.draft else ""

    def table_cells(self) -> Copied:
        """The labels that the record may have."""
        choices = self.draft.question.choices if self.draft else ()
        return ("label",), [[name] for name in choices]


def correct(
    screen: Screen[Any], gateway: Gateway, task: str, record_id: str, position: int,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Open the screen over another; `done` is called once something was written."""

    def closed(told: str | None) -> None:
        if told is not None:
            screen.app.notify(told)
            done()

    screen.app.push_screen(CorrectScreen(gateway, task, record_id, position), closed)


def _how(draft: Draft) -> str:
    if draft.at_once:
        return "a label's key writes it at once · / finds one · esc leaves all as it is"
    if draft.question.items:
        return "h l move · v, H, L select · a key labels them, x clears them · enter saves"
    return "a key adds a label or takes it away, x says none · enter saves · esc goes back"
