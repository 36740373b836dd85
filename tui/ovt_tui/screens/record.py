"""One record as JSON, whole, over the screen it was asked from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class RecordScreen(ModalScreen[None]):
    """The record as it stands in the data."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,space", "dismiss", "back", id="close_record"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("y", "copy", "copy", id="copy_record"),
    ]

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__()
        self._text = json.dumps(record, ensure_ascii=False, indent=2)

    def compose(self) -> ComposeResult:
        """The JSON, scrolled."""
        with VerticalScroll(id="whole"):
            yield Static(self._text, markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def action_scroll(self, lines: int) -> None:
        """Move the text."""
        self.query_one("#whole").scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        """Copy the JSON."""
        self.app.copy_to_clipboard(self._text)
        self.notify("record copied")
