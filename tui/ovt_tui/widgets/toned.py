"""A few lines of text with tones: what the cells of a table are, without a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt_tui.columns import Cell


class Toned(Widget):
    """Shows lines of cells; a long line goes on below. Without lines it takes no room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"toned--{name}" for name in ("bad", "good", "muted", "strong")}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: Sequence[Sequence[Cell]] = ()
        self.display = False

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show other lines."""
        self._lines = lines
        self.display = bool(lines)
        self.refresh(layout=True)

    def render(self) -> Text:
        """In the colours of the theme as it is now."""
        text = Text()
        for number, line in enumerate(self._lines):
            if number:
                text.append("\n")
            for cell in line:
                style = self.get_component_rich_style(f"toned--{cell.tone}", partial=True) if cell.tone else None
                text.append(cell.text, style)
        return text
