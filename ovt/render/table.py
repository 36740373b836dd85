"""A table as text: headers, cells, and which columns are numbers. Drawing is the terminal's business."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True)
class Table:
    """Cells as they are shown."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    """Columns aligned to the right: numbers."""
    drop: tuple[int, ...] = ()
    """Columns that a narrow screen leaves out, the first of them first; a pipe gets them all."""

    def fitted(self, width: int) -> Table:
        """The same without the columns of `drop` that must go so that a line fits, one space between columns."""
        gone: set[int] = set()
        for column in self.drop:
            if sum(self.widths(gone)) + len(self.headers) - len(gone) - 1 <= width:
                break
            gone.add(column)
        kept = [column for column in range(len(self.headers)) if column not in gone]
        return Table(
            tuple(self.headers[column] for column in kept),
            tuple(tuple(row[column] for column in kept) for row in self.rows),
            frozenset(place for place, column in enumerate(kept) if column in self.right),
        )

    def without(self, gone: int) -> Table:
        """The same without one column."""
        def left(columns: Iterable[int]) -> tuple[int, ...]:
            return tuple(column - (column > gone) for column in columns if column != gone)

        return Table(
            tuple(cell for column, cell in enumerate(self.headers) if column != gone),
            tuple(tuple(cell for column, cell in enumerate(row) if column != gone) for row in self.rows),
            frozenset(left(self.right)), left(self.drop),
        )

    def widths(self, without: Collection[int] = ()) -> list[int]:
        """Columns of the screen that each column takes."""
        lines = (self.headers, *self.rows)
        return [max(_width(line[column]) for line in lines) for column in range(len(self.headers))
                if column not in without]


def as_text(table: Table) -> str:
    """Aligned columns, two spaces between them, no trailing blanks."""
    lines = (table.headers, *table.rows)
    widths = table.widths()
    shown = []
    for line in lines:
        cells = [_padded(cell, widths[column], right=column in table.right) for column, cell in enumerate(line)]
        shown.append("  ".join(cells).rstrip())
    return "\n".join(shown)


def number(value: float | None, digits: int = 3) -> str:
    """A metric, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference with its sign; one that rounds to nothing has none."""
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def interval(low: float | None, high: float | None, *, difference: bool = False) -> str:
    """Both ends of an interval."""
    if low is None or high is None:
        return "–"
    show = signed if difference else number
    return f"{show(low)} … {show(high)}"


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
               for char in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank
