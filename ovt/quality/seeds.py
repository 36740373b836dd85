"""A version as several networks that differ in their seed alone: their scores, and how far these lie apart.

All of it holds for one network too, which has a score and no spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ovt.quality.evidence import ratio_parts
from ovt.quality.metrics import PRIMARY

if TYPE_CHECKING:
    from ovt.quality.predictions import GradedPredictions

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
DIGITS = 6


@dataclass(frozen=True)
class SeedScores:
    """What each record adds to the primary metric, network by network."""

    numerators: Integers
    """(k, n) of a metric that is a ratio of sums."""
    denominators: Integers
    """(k, n)."""
    exact: Booleans
    """(k, n) records with all items right."""

    @classmethod
    def of(cls, part: GradedPredictions) -> SeedScores:
        """Count, for every network of a version."""
        networks = part.by_seed()
        parts = [ratio_parts(network) for network in networks]
        return cls(np.stack([numerators for numerators, _ in parts]).astype(np.int64),
                   np.stack([denominators for _, denominators in parts]).astype(np.int64),
                   np.stack([exactly_right(network) for network in networks]))

    @property
    def k(self) -> int:
        """How many networks."""
        return len(self.numerators)

    def take(self, rows: Integers) -> SeedScores:
        """The same of some records."""
        return SeedScores(self.numerators[:, rows], self.denominators[:, rows], self.exact[:, rows])

    def placed(self, places: Integers, m: int) -> SeedScores:
        """The records laid on a longer line of m; nothing elsewhere."""
        numerators, denominators = np.zeros((2, self.k, m), np.int64)
        exact = np.zeros((self.k, m), bool)
        numerators[:, places], denominators[:, places] = self.numerators, self.denominators
        exact[:, places] = self.exact
        return SeedScores(numerators, denominators, exact)

    def values(self) -> NDArray[np.float64]:
        """(k,) the metric of each network; 0 where there is nothing to divide by."""
        above, below = self.numerators.sum(axis=1).astype(float), self.denominators.sum(axis=1).astype(float)
        found: NDArray[np.float64] = np.divide(above, below, out=np.zeros(self.k), where=below > 0)
        return found


def exactly_right(part: GradedPredictions) -> Booleans:
    """(n,) records with gold whose items are all right."""
    wrong = (part.gold >= 0) & ~part.correct
    exact: Booleans = part.graded & (np.bincount(part.item_rows, weights=wrong, minlength=len(part.ids)) == 0)
    return exact


def spread(values: NDArray[np.float64]) -> float | None:
    """The standard deviation (n - 1 in the denominator) between networks; None of a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def with_spread(report: dict[str, Any], part: GradedPredictions) -> dict[str, Any]:
    """A split's part of `quality.json` with the primary metric of each seed; as it is where there is one seed.

    Every entry with records gets `seeds: {metric, values, spread}`: the values in the order of the seeds, the
    first being that of the network that the rest of the entry is about.
    """
    if part.seeds == 1:
        return report
    scores = SeedScores.of(part)
    _add(report["overall"], scores, part)
    for kind, rows in (("tags", part.tags), ("slices", part.slices)):
        for name, entry in report[kind].items():
            _add(entry, scores.take(rows.of(name)), part)
    return report


def _add(entry: dict[str, Any], scores: SeedScores, part: GradedPredictions) -> None:
    if not entry["n"]:
        return
    values = scores.values()
    entry["seeds"] = {
        "metric": PRIMARY[part.form], "values": [round(value, DIGITS) for value in values.tolist()],
        "spread": round(spread(values) or 0.0, DIGITS),
    }


def broken_shares(old: SeedScores, new: SeedScores) -> NDArray[np.float64]:
    """(n,) share of the pairs of an old and a new network of which the old is right on the record and the new wrong.

    Their mean over records is the negative-flip rate: records right before and wrong now as a share of all (Yan et
    al. 2021, "Positive-Congruent Training: Towards Regression-Free Model Updates", CVPR, eq. 1). A record is right
    where all its items are.
    """
    found: NDArray[np.float64] = old.exact.mean(axis=0) * (1 - new.exact.mean(axis=0))
    return found


def tossed_shares(*sides: SeedScores) -> NDArray[np.float64] | None:
    """(n,) the same between two networks of one version, the mean of both versions; None with one network each.

    It is what another seed alone would break: a rate not above it says nothing against a change.
    """
    found = [right * (side.k - right) / (side.k * (side.k - 1))
             for side in sides if side.k > 1 for right in (side.exact.sum(axis=0),)]
    return np.mean(found, axis=0) if found else None
