"""Which columns of a table fit a terminal, and how wide each is: pure arithmetic on cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Tone = Literal["", "bad", "good", "muted", "strong"]
"""What a cell's style says; the words and signs in the cell say it too."""

GAP = 1
"""Cells between two columns."""


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Column:
    """One column of a table, before or after it was fitted."""

    key: str
    title: str | Callable[[int], str]
    """The heading, or what makes it from the width (an axis)."""
    width: int
    """Cells it needs; after `fit`, cells it has."""
    right: bool = False
    """Aligned to the right: numbers."""
    grow: int = 0
    """Cells it takes beyond `width` when there is room."""
    drop: int = 0
    """0: always shown. The highest number is dropped first when there is no room."""

    def heading(self) -> str:
        """The title for the width it has."""
        return self.title if isinstance(self.title, str) else self.title(self.width)


def needed(columns: Sequence[Column]) -> int:
    """Cells that the columns take with the gaps between them."""
    return sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0)


def fit(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns that fit `room` cells, each as wide as it may be."""
    kept = list(columns)
    while needed(kept) > room and any(column.drop for column in kept):
        kept.remove(max(reversed(kept), key=lambda column: column.drop))
    spare = room - needed(kept)
    if spare >= 0:
        return _widen(kept, spare)
    return _narrow(kept, -spare)


def _widen(columns: list[Column], spare: int) -> list[Column]:
    """Hand out spare cells in proportion to what each column would take."""
    wanted = sum(column.grow for column in columns)
    if not wanted:
        return columns
    share = min(spare, wanted)
    out, given, seen = [], 0, 0
    for column in columns:
        seen += column.grow
        upto = share * seen // wanted
        out.append(replace(column, width=column.width + upto - given))
        given = upto
    return out


def _narrow(columns: list[Column], lacking: int) -> list[Column]:
    """Take cells from the widest columns, so that even a tiny terminal shows something of each."""
    widths = [column.width for column in columns]
    for _ in range(lacking):
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] = max(widths[widest] - 1, 1)
    return [replace(column, width=width) for column, width in zip(columns, widths, strict=True)]


def widths_of(columns: Sequence[Column]) -> Mapping[str, int]:
    """Width by column key."""
    return {column.key: column.width for column in columns}
