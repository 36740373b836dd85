"""The terminal app: two versions compared slice by slice, and why."""

from __future__ import annotations

import sys
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
        remembered: the file that keeps the last task, metric and sort; None keeps nothing.
        keys: the user's own keys by binding id.
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
        remembered: Path | None = None,
        keys: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"  # a sliding tab delays the answer to a key, over ssh most of all
        self._gateway = gateway
        self._start = memory.recall(remembered, State(a=a, b=b))
        self._remembered = remembered
        self._keys = keys or {}

    def on_mount(self) -> None:
        """Open the slice table."""
        if self._keys:
            self.set_keymap(self._keys)
        self.push_screen(SlicesScreen(self._gateway, self._start, self._remember))

    def _remember(self, state: State) -> None:
        if memory.kept(state) != memory.kept(self._start):
            self._start = state
            memory.remember(self._remembered, state)


def run_app(project: Project, a: str, b: str) -> None:
    """Run the app on two versions of a project until the user leaves.

    Raises:
        UsageError: there is no terminal to draw on.
        InternalError: the app itself crashed; Textual has printed where.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the terminal app needs a terminal", why="input or output is a file or a pipe",
                         fix="run it in a terminal, or print the comparison", command=f"ovt diff {a} {b}")
    app = SliceApp(
        ProjectGateway(project), a, b,
        remembered=project.private / "tui.json", keys=memory.read_keymap(memory.keymap_file()),
    )
    app.run()
    if app.return_code:
        raise InternalError("the terminal app crashed", fix="report what it printed; nothing of yours was changed",
                            command=f"ovt diff {a} {b}")
