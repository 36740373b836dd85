"""A line to type into whose keys can be given others, unlike those of Textual's own."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class Entry(Input):
    """`enter` takes what was typed, `escape` leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "run and commit", id="take_entry", priority=True),
        Binding("escape", "leave", "back", id="leave_entry", priority=True),
    ]

    class Left(Message):
        """Nothing is to be done with it."""

    class Taken(Message):
        """It is to be done."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def action_take(self) -> None:
        """Tell what was typed."""
        self.post_message(self.Taken(self.value))

    def action_leave(self) -> None:
        """Tell that it was left."""
        self.post_message(self.Left())
