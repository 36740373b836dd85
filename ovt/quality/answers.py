"""What two versions answer on the same items, right or wrong: those of one cell of a confusion, those of one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ovt.quality.confusion import OTHER
from ovt.quality.evidence import names_of
from ovt.quality.flips import NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.quality.predictions import GradedPredictions

Outcome = Literal["broken", "fixed", "wrong", "right"]
Moved = Literal["came", "left", "stays"]
NOT_ASKED = "–"
"""What stands for an answer where a version was never asked."""
_HIT = {"hit": (True, True), "false": (False, True), "missed": (True, False)}


@dataclass(frozen=True)
class Answer:
    """What two versions say about one test item; the fields that a `Flip` has mean the same."""

    task: str
    id: str
    position: int
    gold: str
    old: str
    new: str
    old_confidence: float
    new_confidence: float
    moved: Moved = "stays"
    """Whether the item is in the cell asked for in the newer version only (came), the older only, or both."""

    @property
    def kind(self) -> Outcome:
        """Right or wrong before and now."""
        before, now = self.old == self.gold, self.new == self.gold
        return ("right" if now else "broken") if before else ("fixed" if now else "wrong")


@dataclass(frozen=True)
class Wanted:
    """A cell of a confusion."""

    gold: str
    """A class, or of a bitvector one of its names."""
    predicted: str
    """A class; of a bitvector hit, false or missed."""
    classes: frozenset[str]
    """The classes that have a row or column of their own; all others count as `ovt.quality.confusion.OTHER`."""


def in_cell(
    a: GradedPredictions | None, b: GradedPredictions | None, slice_: str | None, wanted: Wanted,
) -> list[Answer]:
    """The items of a cell in either version: those that came first, then those that left, then the others."""
    places_a, places_b = _cell(a, slice_, wanted), _cell(b, slice_, wanted)
    found = []
    for place in sorted({*places_a, *places_b}):
        moved: Moved = "came" if place not in places_a else "left" if place not in places_b else "stays"
        found.append(_answer((a, _item(a, *place)), (b, _item(b, *place)), place, moved))
    order = ("came", "left", "stays")
    return sorted(found, key=lambda one: (order.index(one.moved), -one.new_confidence, one.id, one.position))


def on_record(a: GradedPredictions | None, b: GradedPredictions | None, record_id: str) -> list[Answer]:
    """All items of one record, in their order; empty if neither version was asked about it on test."""
    found: list[Answer] = []
    while True:
        place = (record_id, len(found))
        sides = (a, _item(a, *place)), (b, _item(b, *place))
        if sides[0][1] is None and sides[1][1] is None:
            return found
        found.append(_answer(*sides, place, "stays"))


def _cell(part: GradedPredictions | None, slice_: str | None, wanted: Wanted) -> set[tuple[str, int]]:
    """Record and position of each item of one version that is in the cell."""
    if part is None:
        return set()
    rows = part.graded if slice_ is None else part.graded & part.slices.mask(slice_)
    inside = rows[part.item_rows] & (part.gold >= 0)
    gold, said = _matching(part, wanted)
    inside &= gold[part.gold] & said[part.predicted]
    return {(str(part.ids[part.item_rows[item]]), part.position(item)) for item in np.flatnonzero(inside).tolist()}


def _matching(part: GradedPredictions, wanted: Wanted) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(labels + 1,) which labels fit the cell as gold, and which as answer; the last stands for no answer."""
    if part.form == "bitvector":
        has = np.array([*(wanted.gold in names_of(label) for label in part.labels), False])
        in_gold, predicted = _HIT.get(wanted.predicted, (True, True))
        return has == in_gold, has == predicted
    shown = [label if label in wanted.classes else OTHER for label in part.labels]
    return (np.array([*(name == wanted.gold for name in shown), False]),
            np.array([*(name == wanted.predicted for name in shown), False]))


def _item(part: GradedPredictions | None, record: str, position: int) -> int | None:
    """Where an item is; None where the version was not asked about it."""
    if part is None:
        return None
    row = int(np.searchsorted(part.ids, record))
    if row >= len(part.ids) or part.ids[row] != record:
        return None
    item = int(part.offsets[row]) + position
    return item if item < part.offsets[row + 1] else None


def _answer(
    a: tuple[GradedPredictions | None, int | None], b: tuple[GradedPredictions | None, int | None],
    place: tuple[str, int], moved: Moved,
) -> Answer:
    (gold_a, old, old_sure), (gold_b, new, new_sure) = _said(*a), _said(*b)
    part = b[0] or a[0]
    assert part is not None
    return Answer(part.task, *place, gold_a if gold_b == NOT_ASKED else gold_b, old, new, old_sure, new_sure, moved)


def _said(part: GradedPredictions | None, item: int | None) -> tuple[str, str, float]:
    """Gold, answer and its probability."""
    if part is None or item is None:
        return NOT_ASKED, NOT_ASKED, 0.0
    gold, code = int(part.gold[item]), int(part.predicted[item])
    return (part.labels[gold] if gold >= 0 else NOTHING, part.labels[code] if code >= 0 else NOTHING,
            round(float(part.confidence[item]), 6))
