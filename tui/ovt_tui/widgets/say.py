"""The panel in place of a table that has nothing to show: loading, empty, missing, crashed, and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from ovt_tui.wording import trouble

if TYPE_CHECKING:
    from textual.widget import Widget

    from ovt.errors import OvtError


class Say(Static):
    """Says something instead of another widget, which it hides meanwhile."""

    def __init__(self, instead_of: Widget) -> None:
        super().__init__(markup=False, classes="say")
        self._other = instead_of
        self.text = ""
        self.display = False

    def say(self, text: str) -> None:
        """Show a text in the place of the other widget."""
        self.text = text
        self.update(text)
        self.display = True
        if self._other.is_mounted and self.screen.focused is self._other:
            self.screen.set_focus(None)  # else Textual gives the keys to a sibling, be it hidden
        self._other.display = False

    def tell(self, error: OvtError, hint: str = "") -> None:
        """Show an error: what, where, why, the fix, and what to type."""
        self.say(trouble(error, hint))

    def hush(self) -> None:
        """Show the other widget again; it takes the keys if it is on the screen and nothing else has them."""
        self.display = False
        self._other.display = True
        on_screen = all(node.display for node in self.ancestors_with_self if node is not self)
        if on_screen and self.screen.focused is None:
            self.screen.set_focus(self._other)
