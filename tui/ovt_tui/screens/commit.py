"""Run and commit the workspace from here: a message, the stages as they go, then the comparison."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static
from textual.worker import Worker

from ovt_tui import stageboard
from ovt_tui.errands import Recorded, Stopped
from ovt_tui.messages import ChangesFound, Noted, Told, WorkspaceRecorded
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.entry import Entry
from ovt_tui.wording import trouble
from ovt_tui.work import Posting, error_of, fetch

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from ovt_tui.gateway import Gateway

Phase = Literal["asking", "working", "stopping", "ended"]

ASK = (
    "enter runs what is stale and commits inputs and results as one version, then shows HEAD~1 → HEAD\n"
    "without a message it only runs, then shows HEAD → workspace · esc goes back"
)
WORKING = "esc stops the run: nothing is committed, the last good state is untouched"
COMMITTING = "Git is writing the version: this cannot be stopped any more, and takes a moment"
STOPPING = "stopping …"
AGAIN = "R tries again · esc goes back"
NOTHING = "nothing to commit: inputs and results are those of HEAD\nesc goes back"
FIRST = (
    "the first version is recorded: there is none before it to compare with\n"
    "  try  ovt show\nchange a labeling function and press C again · esc goes back"
)
CLEAN = ("nothing has changed since HEAD",)


class CommitScreen(View[tuple[str, str]]):
    """Answers with the two versions to compare next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "again", "again", show=False, id="again"),
    ]

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway
        self._board = stageboard.fresh()
        self._notes: list[str] = []
        self._stop = threading.Event()
        self.phase: Phase = "asking"

    def compose(self) -> ComposeResult:
        """What has changed, the message, the stages, what they say."""
        yield Static("commit the workspace", id="title", markup=False)
        yield Static("reading what has changed …", id="changes", markup=False)
        yield Entry(placeholder="what changed, in one line", id="message", compact=True)
        yield Static(id="stages", markup=False)
        with VerticalScroll(id="said", can_focus=False):
            yield Static(id="notes-of-run", markup=False)
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Ask for the message at once; what has changed is told as soon as it is known."""
        self._ask()

    def on_unmount(self) -> None:
        """Whoever leaves the app leaves no run behind."""
        self._stop.set()

    def _ask(self) -> None:
        self.phase = "asking"
        self.set_line("stages", "")
        self.set_line("detail", ASK)
        entry = self.query_one(Entry)
        entry.display = True
        self.set_focus(entry)
        fetch(self, lambda: ChangesFound(tuple(self._gateway.changes())), "changes")

    def on_changes_found(self, message: ChangesFound) -> None:
        """Tell what would be committed; more than fits is counted."""
        lines = message.changes or CLEAN
        room = max(self.size.height - 16, 4)
        more = [f"… and {len(lines) - room} more"] if len(lines) > room else []
        self.set_line("changes", "\n".join([*lines[:room], *more]))

    # --------------------------------------------------------------- the work

    @on(Entry.Taken)
    def _start(self, event: Entry.Taken) -> None:
        text = event.text.strip()
        self.phase, self._stop, self._board, self._notes = "working", threading.Event(), stageboard.fresh(), []
        self.query_one(Entry).display = False
        self.set_focus(None)
        self.set_line("title", f"commit “{text}”" if text else "run the workspace")
        self.set_line("notes-of-run", "")
        self.set_line("detail", WORKING)
        self._draw()
        progress, stop = Posting(self), self._stop
        fetch(self, lambda: WorkspaceRecorded(self._work(text, progress, stop)), "commit")

    def _work(self, text: str, progress: Posting, stop: threading.Event) -> Recorded:
        if text:
            return self._gateway.commit(text, progress, stop)
        return self._gateway.run(progress, stop)

    def on_told(self, message: Told) -> None:
        """A stage goes on."""
        if self.phase not in {"working", "stopping"}:
            return
        self._board = stageboard.told(self._board, message)
        if message.stage == "commit":
            self.set_line("detail", COMMITTING)
        self._draw()

    def on_noted(self, message: Noted) -> None:
        """What the stages say stays."""
        self._notes.append(message.text)
        self.set_line("notes-of-run", "\n".join(self._notes))
        self.query_one("#said").scroll_end(animate=False)

    def on_workspace_recorded(self, message: WorkspaceRecorded) -> None:
        """Go on to the comparison, where there is one."""
        done = message.recorded
        self.phase = "ended"
        self._board = stageboard.ended(self._board, done.stages)
        self._draw()
        if not self._asked_to_commit():
            self.dismiss(("HEAD", "workspace"))
        elif done.commit is None:
            self.set_line("detail", NOTHING)
        elif done.first:
            self.set_line("detail", FIRST)
        else:
            self.app.notify(f"{done.commit[:7]}: {done.files} files recorded")
            self.dismiss(("HEAD~1", "HEAD"))

    def _asked_to_commit(self) -> bool:
        return bool(self.query_one(Entry).value.strip())

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "changes":
            self.set_line("changes", trouble(error))
            return
        self.phase = "ended"
        self._board = stageboard.stopped(self._board)
        self._draw()
        self.set_line("detail", trouble(error, "R goes on where it stopped · esc goes back"
                                        if isinstance(error, Stopped) else AGAIN))

    def _draw(self) -> None:
        self.set_line("stages", "\n".join(stageboard.line_text(line) for line in self._board))

    # --------------------------------------------------------------- the keys

    @on(Entry.Left)
    def _left(self) -> None:
        self.dismiss()

    def action_again(self) -> None:
        """Ask for the message again; what was typed is still there."""
        if self.phase == "ended":
            self._ask()

    def action_back(self) -> None:
        """Stop what runs; leave once nothing does."""
        if self.phase == "working":
            self.phase = "stopping"
            self._stop.set()
            self.set_line("detail", STOPPING)
        elif self.phase != "stopping":
            self.dismiss()

    def row_text(self) -> str:
        """The stages in one line."""
        return " · ".join(stageboard.line_text(line) for line in self._board) if self.phase != "asking" else ""

    def table_cells(self) -> Copied:
        """The stages."""
        return ("stage", "state", "now"), [[line.name, line.state, line.text] for line in self._board]
