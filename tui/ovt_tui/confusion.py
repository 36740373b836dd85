"""Confusion before and after: which answers are mistaken for which, and how that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BIT_COLUMNS = ("hit", "false", "missed")
"""What the report counts per name of a bitvector in place of a matrix."""

Table = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Count:
    """One cell: items of a gold class that were predicted to be a class."""

    gold: str
    predicted: str
    old: int
    new: int

    @property
    def delta(self) -> int:
        """How many more there are now."""
        return self.new - self.old

    @property
    def right(self) -> bool:
        """Whether these items are answered correctly."""
        return self.predicted in {self.gold, "hit"}


@dataclass(frozen=True)
class Confusion:
    """All cells of two versions that are not zero in both."""

    golds: tuple[str, ...]
    predictions: tuple[str, ...]
    cells: Mapping[tuple[str, str], Count]

    def mistakes(self) -> list[Count]:
        """Wrong answers, those that changed most first."""
        wrong = [count for count in self.cells.values() if not count.right]
        return sorted(wrong, key=lambda count: (-abs(count.delta), -count.new, count.gold, count.predicted))


def confusion(old: Mapping[str, Any], new: Mapping[str, Any]) -> Confusion:
    """The confusion of the same slice in two quality reports (its entries, {} where a version has none)."""
    before, after = _table(old), _table(new)
    cells: dict[tuple[str, str], Count] = {}
    for gold in sorted(before.keys() | after.keys()):
        was, now = before.get(gold, {}), after.get(gold, {})
        for predicted in sorted(was.keys() | now.keys()):
            cells[gold, predicted] = Count(gold, predicted, was.get(predicted, 0), now.get(predicted, 0))
    golds = tuple(dict.fromkeys(gold for gold, _ in cells))
    found = {predicted for _, predicted in cells}
    if found and found <= set(BIT_COLUMNS):
        return Confusion(golds, BIT_COLUMNS, cells)
    names = tuple(sorted(found | set(golds)))
    return Confusion(golds, names, cells)


def _table(entry: Mapping[str, Any]) -> Table:
    found = entry.get("confusion", {})
    return found if isinstance(found, dict) else {}


def cell_text(count: Count | None) -> str:
    """The number now, and how far it moved."""
    if count is None:
        return "·"
    return f"{count.new} ({count.delta:+d})" if count.delta else str(count.new)
