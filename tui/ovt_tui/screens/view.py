"""What every screen does the same way: going back, help, and copying what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from ovt_tui.wording import markdown

R = TypeVar("R")

Copied = tuple[Sequence[str], list[list[str]]]
"""Headings and rows of what is copied as a table."""


class View(Screen[R]):
    """A screen with the keys that are the same everywhere; each has an id, so that a user may give it others."""

    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_row", "copy row", show=False, id="copy_row"),
        Binding("Y", "copy_table", "copy table", show=False, id="copy_table"),
        Binding("question_mark", "help", "help", id="help"),
        Binding("q", "back", "back", id="back"),
        Binding("escape", "escape", "back", show=False, id="escape"),
    ]

    def row_text(self) -> str:
        """The highlighted row in one line; empty if there is none."""
        return ""

    def table_cells(self) -> Copied | None:
        """The table as it is copied; None if there is none."""
        return None

    def action_copy_row(self) -> None:
        """Copy the highlighted row."""
        text = self.row_text()
        if text:
            self.app.copy_to_clipboard(text)
        self.notify("row copied" if text else "no row to copy")

    def action_copy_table(self) -> None:
        """Copy all rows, as Markdown."""
        found = self.table_cells()
        if found is None:
            self.notify("no table to copy")
            return
        headings, rows = found
        self.app.copy_to_clipboard(markdown(headings, rows))
        self.notify(f"{len(rows)} rows copied as Markdown")

    def action_help(self) -> None:
        """The keys that work here and what the signs mean."""
        from ovt_tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def action_back(self) -> None:
        """Leave this screen."""
        self.dismiss()

    def action_escape(self) -> None:
        """Leave this screen, unless it has something nearer to leave."""
        self.action_back()

    def set_line(self, name: str, text: Any) -> None:
        """Put a text into one of the screen's lines; an empty one takes no room."""
        place = self.query_one(f"#{name}", Static)
        place.update(text)
        place.display = bool(text)
