"""The keys that work on the screen below, as they are now, and what the signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from ovt.render.diff import sign
from ovt_tui import wording
from ovt_tui.widgets.table import LineTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

OWN = "ovt_tui."
"""Only keys of the app's own classes are listed; Textual's text field and scroll bars have theirs."""

OTHER_SIGNS = (
    ("├──●──┤", "the change and its 95 % interval; │ is zero, ┼ crossed"),
    ("◂ ▸", "the interval goes on beyond the drawing"),
    ("-12 +3", "12 records broken (right before, wrong now), 3 fixed"),
    ("!", "a critical slice, named so in ovt.yaml"),
    ("▁▃▇", "the last versions, oldest first; · has no value"),
    ("◆", "the source whose vote decided a flip"),
    ("◇", "the source that the label model's answer hangs on"),
    ("log-odds", "what a vote adds to the label model's answer; `without it`: its probability then"),
    ("+x -y", "of several names: x is too many, y is missing"),
    ("✓ ✗ ⟦ ⟧", "as gold, not as gold; the token that it is about"),
    ("▸ ▾", "a closed and an open group; the cell that enter shows"),
    ("›", "the highlighted row"),
)


class HelpScreen(ModalScreen[None]):
    """A page over the screen it explains."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,question_mark", "dismiss", "back", id="close_help"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("g", "scroll(-10000)", "top", show=False),
        Binding("G", "scroll(10000)", "end", show=False),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._keys = keys_of(below)

    def compose(self) -> ComposeResult:
        """Signs first: they are what a newcomer asks about."""
        with VerticalScroll(id="help"):
            yield Static(self.text(), markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def text(self) -> str:
        """The page."""
        return "\n".join([
            "what the signs mean", *signs(), "", "keys here (name for your own keys.json in brackets)", *self._keys,
        ])

    def action_scroll(self, lines: int) -> None:
        """Move the page."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def signs() -> list[str]:
    """Every sign of the app, in words."""
    verdicts = [(sign(kind), meaning) for kind, meaning in wording.MEANING.items()]
    return [f"  {mark:<17} {meaning}" for mark, meaning in (*verdicts, *OTHER_SIGNS)]


def keys_of(screen: Screen[Any]) -> list[str]:
    """One line per action: its effective keys, what it does, its name."""
    found: dict[str, tuple[list[str], str]] = {}
    own = sorted(screen.active_bindings.values(), key=lambda active: isinstance(active.node, LineTable))  # moving last
    for active in own:
        binding = active.binding
        if type(active.node).__module__.startswith(OWN) and binding.id and binding.description:
            keys, _ = found.setdefault(binding.id, ([], binding.description))
            keys.append(screen.app.get_key_display(binding))
    return [f"  {' '.join(keys):<17} {what} ({name})" for name, (keys, what) in found.items()]
