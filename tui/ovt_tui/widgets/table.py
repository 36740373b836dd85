"""A table that draws only the rows on the screen, so that 100,000 rows cost what twenty cost.

Textual's own `DataTable` renders every row once when it is filled (300 rows: 100 ms on this design's columns), which is
more than a key may take while a filter is typed. Here a row becomes cells when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ovt_tui.columns import GAP, Cell, Column, Tone, fit, widths_of

if TYPE_CHECKING:
    from textual import events

T = TypeVar("T")

POINTER = "›"  # the highlighted row is told by a sign too, not by its background alone
ACROSS = "*"
"""The key of a cell that stands alone in its row, over all columns."""
Cells = Callable[[Any, Mapping[str, int]], Mapping[str, Cell]]
"""What makes the cells of a row, by column key; it is told the width of each column."""


def clip(text: str, width: int, *, right: bool = False) -> str:
    """A text of exactly `width` cells; one that is too long ends in `…`."""
    from rich.cells import cell_len

    flat = " ".join(text.splitlines()) if "\n" in text else text
    length = cell_len(flat)
    if length > width:
        return set_cell_size(set_cell_size(flat, width - 1).rstrip() + "…", width)
    return " " * (width - length) + flat if right else flat + " " * (width - length)


class LineTable(ScrollView, Generic[T], can_focus=True):
    """Rows under a heading, one of them highlighted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"line-table--{name}" for name in ("header", "cursor", "bad", "good", "muted", "strong")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "open", id="open"),
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="page_down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="page_up"),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False, id="half_page_down"),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False, id="half_page_up"),
        Binding("g,home", "jump(0)", "first row", show=False, id="first"),
        Binding("G,end", "jump(-1)", "last row", show=False, id="last"),
    ]

    cursor: reactive[int] = reactive(0)
    """Index of the highlighted row."""

    @dataclass
    class Highlighted(Message):
        """Another row is highlighted, or other rows are shown."""

        table: LineTable[Any]

        @property
        def control(self) -> LineTable[Any]:
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class Selected(Message):
        """The highlighted row was entered."""

        table: LineTable[Any]

        @property
        def control(self) -> LineTable[Any]:
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class HeadingClicked(Message):
        """The heading of a column was clicked."""

        table: LineTable[Any]
        key: str

        @property
        def control(self) -> LineTable[Any]:
            """The table, for `@on` selectors."""
            return self.table

    def __init__(self, columns: Sequence[Column], cells: Cells, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._all_columns = list(columns)
        self._cells = cells
        self._columns: list[Column] = []
        self._widths: Mapping[str, int] = {}
        self.rows: Sequence[T] = ()
        """What is shown, one value a row."""

    @property
    def current(self) -> T | None:
        """The highlighted row; None where there is none."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[T], columns: Sequence[Column] | None = None, *, cursor: int = 0) -> None:
        """Show other rows, and other columns if they are given."""
        self.rows = rows
        if columns is not None:
            self._all_columns = list(columns)
        self._refit()
        self.cursor = self.validate_cursor(cursor)
        self._keep_in_view()
        self.refresh()
        self.post_message(self.Highlighted(self))

    def redraw(self) -> None:
        """Draw the same rows again, after what their cells are made from has changed."""
        self._refit()
        self.refresh()

    def _refit(self) -> None:
        self._columns = fit(self._all_columns, self._room())
        self._widths = widths_of(self._columns)
        self.virtual_size = Size(self._width(), len(self.rows) + 1)

    def _room(self) -> int:
        return max(self._width() - 2, 1)  # the pointer and its gap

    def _width(self) -> int:
        return self.scrollable_content_region.width  # without the scroll bar

    def on_resize(self) -> None:
        """Fit the columns anew."""
        self._refit()
        self._keep_in_view()
        self.refresh()

    # ------------------------------------------------------------- the cursor

    def validate_cursor(self, cursor: int) -> int:
        """Never outside the rows."""
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Follow it with the view and tell who listens."""
        if before != after:
            self._keep_in_view()
            self.refresh()
            self.post_message(self.Highlighted(self))

    def _keep_in_view(self) -> None:
        page = self._page()
        top = round(self.scroll_target_y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, immediate=True)

    def _page(self) -> int:
        return max(self.size.height - 1, 1)

    def action_move(self, rows: int) -> None:
        """Highlight the row so many below."""
        self.cursor += rows

    def action_page(self, pages: float) -> None:
        """Highlight the row so many pages below."""
        self.cursor += int(pages * self._page())

    def action_jump(self, row: int) -> None:
        """Highlight a row by its number; -1 is the last."""
        self.cursor = len(self.rows) - 1 if row < 0 else row

    def action_select(self) -> None:
        """Enter the highlighted row."""
        if self.current is not None:
            self.post_message(self.Selected(self))

    def on_click(self, event: events.Click) -> None:
        """Highlight what was clicked, enter it on a second click; the heading tells its column."""
        if event.y == 0:
            self._click_heading(event.x)
            return
        row = event.y - 1 + round(self.scroll_y)
        if row >= len(self.rows):
            return
        if row == self.cursor and event.chain > 1:
            self.action_select()
        self.cursor = row

    def _click_heading(self, x: int) -> None:
        start = 2
        for column in self._columns:
            if start <= x < start + column.width + GAP:
                self.post_message(self.HeadingClicked(self, column.key))
                return
            start += column.width + GAP

    # -------------------------------------------------------------- the lines

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the heading on top, then rows from where the view is scrolled to."""
        width = self._width()
        if y == 0:
            style = self.get_component_rich_style("line-table--header")
            text = " ".join(clip(column.heading(), column.width, right=column.right) for column in self._columns)
            return Strip([Segment(clip(f"  {text}", width), style)], width)
        row = y - 1 + round(self.scroll_y)
        if row >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        return Strip(self._row_segments(row)).adjust_cell_length(width, self._base_style(row))

    def _toned(self, tone: Tone) -> Any:
        return self.get_component_rich_style(f"line-table--{tone}", partial=True) if tone else None

    def _base_style(self, row: int) -> Any:
        return self.get_component_rich_style("line-table--cursor") if row == self.cursor else self.rich_style

    def _row_segments(self, row: int) -> list[Segment]:
        here = row == self.cursor
        base = self._base_style(row)
        cells = self._cells(self.rows[row], self._widths)
        out = [Segment(f"{POINTER if here else ' '} ", base)]
        if ACROSS in cells:
            return [*out, Segment(clip(cells[ACROSS].text, self._room()), base + self._toned(cells[ACROSS].tone))]
        for column in self._columns:
            text, tone = cells.get(column.key, Cell(""))
            out.append(Segment(clip(text, column.width, right=column.right), base + self._toned(tone)))
            out.append(Segment(" ", base))
        return out
