"""The terminal app: two versions compared slice by slice, and why."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from ovt.errors import InternalError, UsageError
from ovt_tui import memory
from ovt_tui.gateway import ProjectGateway
from ovt_tui.screens.slices import SlicesScreen
from ovt_tui.state import State

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt_tui.gateway import Gateway

STYLES = Path(__file__).parent / "styles"


class SliceApp(App[None]):
    """The app; it owns nothing but the gateway, the screens own what they show.

    Args:
        gateway: where everything comes from.
        a: the version to compare with.
        b: the version to look at.
        root: the project's folder, where a crash leaves its log; None leaves none.
        remembered: the file that keeps the last task, metric and sort; None keeps nothing.
        keymap: the file with the user's own keys by binding id; None has none.
    """

    TITLE = "ovt"
    CSS_PATH: ClassVar[list[str | PurePath]] = [*sorted(STYLES.glob("*.tcss"))]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", "quit", show=False, id="quit", priority=True)]

    def __init__(
        self,
        gateway: Gateway,
        a: str,
        b: str,
        *,
        root: Path | None = None,
        remembered: Path | None = None,
        keymap: Path | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"  # a sliding tab delays the answer to a key, over ssh most of all
        self.crash: Exception | None = None
        """What ended the app before its time."""
        self._root = root
        self._gateway = gateway
        self._start = memory.recall(remembered, State(a=a, b=b))
        self._remembered = remembered
        self._keymap_file = keymap
        self._keys = memory.read_keymap(keymap) if keymap is not None else {}

    def on_mount(self) -> None:
        """Open the slice table."""
        if self._keys:
            self.set_keymap(self._keys)
        self.push_screen(SlicesScreen(self._gateway, self._start, self._remember))
        if self._keymap_file is not None and self._keymap_file.is_file():
            self.call_after_refresh(self._check_keys, self._keymap_file)

    def _check_keys(self, file: Path) -> None:
        """Say what is wrong with the user's keys; the app goes on with the others."""
        from ovt_tui.keymap import problems

        for problem in problems(file):
            self.notify(problem, severity="warning", timeout=15, markup=False)

    def keep_crash(self, error: BaseException) -> Path | None:
        """Write the traceback of a bug into the project's `.ovt/logs`; the file."""
        from ovt.workflows.crash import write_crash_log

        text = "".join(traceback.format_exception(error))
        return write_crash_log(self._root, text) if self._root else None

    def _fatal_error(self) -> None:
        """Leave, and let the command line tell of it: Textual would print pages of source and local variables."""
        self.crash = self._exception
        self._close_messages_no_wait()

    def _remember(self, state: State) -> None:
        if memory.kept(state) != memory.kept(self._start):
            self._start = state
            memory.remember(self._remembered, state)


def run_app(project: Project, a: str, b: str) -> None:
    """Run the app on two versions of a project until the user leaves.

    Raises:
        UsageError: there is no terminal to draw on.
        Exception: what crashed the app; the command line keeps its traceback in a file.
        InternalError: it crashed and nothing is known about it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the terminal app needs a terminal", why="input or output is a file or a pipe",
                         fix="run it in a terminal, or print the comparison", command=f"ovt diff {a} {b}")
    app = SliceApp(
        ProjectGateway(project), a, b, root=project.root,
        remembered=project.private / "tui.json", keymap=memory.keymap_file(),
    )
    app.run()
    if app.crash is not None:
        raise app.crash
    if app.return_code:
        raise InternalError("the terminal app crashed", fix="report what it printed; nothing of yours was changed",
                            command=f"ovt diff {a} {b}")
