"""Whether two versions sat the same exam: the same test records, with the same gold, in the same slices.

The records of both sides are laid on one line (those of B first, then those
that only A has), so that everything after is arithmetic on arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ovt.quality.attribution.training_noise import Ledger
from ovt.quality.paired import Pairs
from ovt.quality.seeds import SeedScores

if TYPE_CHECKING:
    from ovt.quality.predictions import GradedPredictions

Booleans = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Exam:
    """One task of two versions, on the union of their test records (m of them)."""

    a: GradedPredictions
    b: GradedPredictions
    place_a: NDArray[np.int64]
    """(n_a,) where each record of A lies on the line; B's records are its beginning."""
    graded_a: Booleans
    """(m,) A has gold for it."""
    graded_b: Booleans
    same_gold: Booleans
    """(m,) both have it, item by item the same; False where one side lacks the record."""
    scores_a: SeedScores
    """(k, m) of each network of A, the served one first; 0 where A lacks the record."""
    scores_b: SeedScores
    pairs: Pairs
    """(m,) what each record adds to the primary metric, over all networks of a version."""
    ledger: Ledger
    """(m,) the same network by network."""
    single: bool
    """At most one item per record."""

    @property
    def exact_a(self) -> Booleans:
        """(m,) the served network of A gets all its items right."""
        found: Booleans = self.scores_a.exact[0]
        return found

    @property
    def exact_b(self) -> Booleans:
        """(m,) the served network of B gets all its items right."""
        found: Booleans = self.scores_b.exact[0]
        return found

    @property
    def seeds(self) -> tuple[int, int]:
        """Networks of A and of B."""
        return self.scores_a.k, self.scores_b.k

    def members(self, slice_: str | None) -> tuple[Booleans, Booleans]:
        """(m,) graded records of A and of B in a slice; None: all."""
        if slice_ is None:
            return self.graded_a, self.graded_b
        mask_a, mask_b = np.zeros(len(self.graded_a), bool), np.zeros(len(self.graded_a), bool)
        mask_a[self.place_a[self.a.slices.of(slice_)]] = True
        mask_b[self.b.slices.of(slice_)] = True
        return mask_a & self.graded_a, mask_b & self.graded_b


def lay_out(a: GradedPredictions, b: GradedPredictions) -> Exam:
    """Bring two versions of a task together."""
    place_a, m = _places(a.ids, b.ids)
    both_rows = np.flatnonzero(place_a < len(b.ids))
    same_gold = np.zeros(m, bool)
    same_gold[place_a[both_rows]] = _same_gold(a, both_rows, b, place_a[both_rows])
    here = np.arange(len(b.ids))
    scores_a, scores_b = SeedScores.of(a).placed(place_a, m), SeedScores.of(b).placed(here, m)
    return Exam(
        a=a, b=b, place_a=place_a, graded_a=_spread(a.graded, place_a, m), graded_b=_spread(b.graded, here, m),
        same_gold=same_gold, scores_a=scores_a, scores_b=scores_b, pairs=_pairs(scores_a, scores_b),
        ledger=Ledger.of(scores_a, scores_b),
        single=bool((np.diff(a.offsets) <= 1).all() and (np.diff(b.offsets) <= 1).all()),
    )


def _pairs(a: SeedScores, b: SeedScores) -> Pairs:
    """Sums over the networks of each version, in whole numbers on a common scale."""
    common = math.lcm(a.k, b.k)
    scaled = [values.sum(axis=0) * (common // side.k)
              for side in (a, b) for values in (side.numerators, side.denominators)]
    return Pairs(*scaled)


def what_changed(exam: Exam, slice_: str | None) -> str:
    """Why the versions cannot be compared on a slice, in words; empty if they can."""
    in_a, in_b = exam.members(slice_)
    changed = in_a & in_b & ~exam.same_gold
    moved = in_a != in_b
    if not (changed | moved).any():
        return ""
    on_both = np.zeros(len(in_a), bool)
    on_both[exam.place_a[exam.place_a < len(exam.b.ids)]] = True
    ungraded = moved & on_both & (exam.graded_a != exam.graded_b)
    counts = (
        (int((changed | ungraded).sum()), "changed gold"),
        (int((moved & in_b & ~on_both).sum()), "new in the test set"),
        (int((moved & in_a & ~on_both).sum()), "left the test set"),
        (int((moved & on_both & ~ungraded & in_b).sum()), "entered the slice"),
        (int((moved & on_both & ~ungraded & in_a).sum()), "left the slice"),
    )
    return "; ".join(f"{count} record{'s' * (count > 1)} {what}" for count, what in counts if count)


def flipped_items(exam: Exam, slice_: str | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items of A and of B, side by side, that one version gets right and the other wrong on the same gold."""
    in_a, in_b = exam.members(slice_)
    rows_b = np.flatnonzero((in_a & in_b & exam.same_gold)[:len(exam.b.ids)])
    row_of = np.full(len(exam.graded_a), -1, np.int64)
    row_of[exam.place_a] = np.arange(len(exam.a.ids))
    items_a, items_b = _items(exam.a, row_of[rows_b]), _items(exam.b, rows_b)
    flipped = exam.a.correct[items_a] != exam.b.correct[items_b]
    return items_a[flipped], items_b[flipped]


def _places(ids_a: NDArray[np.object_], ids_b: NDArray[np.object_]) -> tuple[NDArray[np.int64], int]:
    if len(ids_a) == len(ids_b) and bool((ids_a == ids_b).all()):
        return np.arange(len(ids_a), dtype=np.int64), len(ids_a)
    known = {found: index for index, found in enumerate(ids_b.tolist())}
    places = np.empty(len(ids_a), np.int64)
    for row, found in enumerate(ids_a.tolist()):
        places[row] = known.setdefault(found, len(known))
    return places, len(known)


def _spread(values: NDArray[T], places: NDArray[np.int64], m: int) -> NDArray[T]:
    out = np.zeros(m, values.dtype)
    out[places] = values
    return out


def _items(part: GradedPredictions, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.diff(part.offsets)[rows]
    ends = np.cumsum(lengths)
    return np.repeat(part.offsets[rows] - (ends - lengths), lengths) + np.arange(int(lengths.sum()))


def _same_gold(
    a: GradedPredictions, rows_a: NDArray[np.int64], b: GradedPredictions, rows_b: NDArray[np.int64],
) -> Booleans:
    """Per pair of rows: as many items, and the same gold on each."""
    same: Booleans = np.diff(a.offsets)[rows_a] == np.diff(b.offsets)[rows_b]
    alike = np.flatnonzero(same)
    place = {label: code for code, label in enumerate(b.labels)}
    recoded = np.asarray([*(place.get(label, -2) for label in a.labels), -1], np.int64)
    items_a, items_b = _items(a, rows_a[alike]), _items(b, rows_b[alike])
    owners = np.repeat(alike, np.diff(a.offsets)[rows_a[alike]])
    same[owners[recoded[a.gold[items_a]] != b.gold[items_b]]] = False
    return same
