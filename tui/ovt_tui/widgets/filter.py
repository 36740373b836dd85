"""The line that filters as it is typed.

Its keys are priority bindings, which Textual handles before it looks at the
next key: whoever types `/nutr` at once must not find `n` taken by the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.widget import Widget


class FilterLine(Input):
    """Hidden until it is asked for; `enter` keeps the filter, `escape` clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "clear filter", id="clear_filter", priority=True),
        Binding("enter,down", "keep_filter", "keep filter", id="keep_filter", priority=True),
    ]

    def __init__(self, back_to: Widget) -> None:
        super().__init__(placeholder="filter by slice or task", id="filter", compact=True)
        self._back_to = back_to
        self.display = False

    def open(self) -> None:
        """Show it and take the keys."""
        self.display = True
        self.screen.set_focus(self)

    def action_keep_filter(self) -> None:
        """Give the keys back; what was typed stays."""
        self.display = False
        self.screen.set_focus(self._back_to)

    def action_clear_filter(self) -> None:
        """Give the filter up."""
        self.value = ""
        self.action_keep_filter()
