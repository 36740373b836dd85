"""Paired tests of two versions on the same records, and corrections for testing many slices.

The tests ask: if it were a coin's toss, record by record, which version gave
which of the two answers, how often would the metric differ by as much as it
does? For accuracies that is McNemar's exact test. For F1, and for accuracies
over the tokens of a record, it is the same with whole records swapped between
the versions. A percentile bootstrap is not used for p: with six records
broken and none fixed it says 0.005 where the exact answer is 0.031, and a
report on 300 slices would cry wolf. It gives the intervals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.quality.intervals import deal, poisson_weights, z_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

REPLICATES = 2000
GROUPS = 1000
BATCH = 128
"""Subsets in one matrix product."""
FEW = 10
"""With fewer draws than this beyond what was measured, the tail is too far out to be counted."""


@dataclass(frozen=True)
class Pairs:
    """Numerators and denominators of a metric that is a ratio of sums, per record of both versions."""

    numerator_a: Integers
    denominator_a: Integers
    numerator_b: Integers
    denominator_b: Integers

    def values(self) -> tuple[float, float]:
        """The metric of each version."""
        return (_share(self.numerator_a.sum(), self.denominator_a.sum()),
                _share(self.numerator_b.sum(), self.denominator_b.sum()))

    def differ(self) -> NDArray[np.bool_]:
        """(n,) records on which the versions do not score the same."""
        found: NDArray[np.bool_] = (self.numerator_a != self.numerator_b) | (self.denominator_a != self.denominator_b)
        return found

    def take(self, rows: Integers) -> Pairs:
        """The same of some records."""
        return Pairs(self.numerator_a[rows], self.denominator_a[rows], self.numerator_b[rows], self.denominator_b[rows])


def mcnemar(broken: int, fixed: int) -> float:
    """Exact two-sided p of McNemar's test: of a fair coin for each record that flipped."""
    flips = broken + fixed
    if flips == 0:
        return 1.0
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, flips + 1)))])
    fewer = np.arange(min(broken, fixed) + 1)
    terms = logs[flips] - logs[fewer] - logs[flips - fewer] - flips * math.log(2)
    return min(1.0, 2 * float(np.exp(terms).sum()))


def attainable(differing: int) -> float:
    """The smallest p that any swap of records can give when so many of them differ."""
    return min(1.0, 2.0 ** (1 - differing))


def swap_tests(many: Sequence[Pairs]) -> list[float]:
    """Two-sided p of swapping the versions' scores record by record, with the observed case counted too.

    Beyond what the draws can count, the tail is that of the normal distribution
    with the variance of the draws, never below what is attainable. All subsets
    are tested in one matrix product.
    """
    differing = [np.flatnonzero(pairs.differ()) for pairs in many]
    gains = [
        np.stack([pairs.numerator_b - pairs.numerator_a, pairs.denominator_b - pairs.denominator_a], axis=1)[chosen]
        for pairs, chosen in zip(many, differing, strict=True)
    ]
    return [
        _swap_p(pairs, len(chosen), swapped)
        for pairs, chosen, swapped in zip(many, differing, _drawn(_signs(REPLICATES, GROUPS), gains), strict=True)
    ]


def _swap_p(pairs: Pairs, differing: int, swapped: Floats) -> float:
    """P of one subset from (replicates, 2) sums of its gains with random signs."""
    if not differing:
        return 1.0
    old, new = pairs.values()
    numerator = float(pairs.numerator_a.sum() + pairs.numerator_b.sum())
    denominator = float(pairs.denominator_a.sum() + pairs.denominator_b.sum())
    up, down = swapped[:, 0], swapped[:, 1]
    deltas = _ratio(numerator + up, denominator + down) - _ratio(numerator - up, denominator - down)
    return _tail(abs(new - old), deltas, differing)


def interval_of_flips(broken: int, fixed: int, n: int, confidence: float) -> tuple[float, float]:
    """Interval of a difference of paired accuracies: Wald's with one flip added each way (Bonett and Price 2012)."""
    lost, won = (broken + 1) / (n + 2), (fixed + 1) / (n + 2)
    delta = won - lost
    half = z_of(confidence) * math.sqrt(max(0.0, won + lost - delta * delta) / (n + 2))
    observed = (fixed - broken) / n
    return max(-1.0, min(delta - half, observed)), min(1.0, max(delta + half, observed))


def bootstrap_intervals(many: Sequence[Pairs], confidence: float) -> list[tuple[float, float]]:
    """Percentile intervals of the difference when records are drawn with replacement, both versions alike."""
    columns = [
        np.stack([pairs.numerator_a, pairs.denominator_a, pairs.numerator_b, pairs.denominator_b], axis=1)
        for pairs in many
    ]
    tail = (1 - confidence) / 2
    found = []
    for pairs, sums in zip(many, _drawn(poisson_weights(REPLICATES, GROUPS), columns), strict=True):
        deltas = _ratio(sums[:, 2], sums[:, 3]) - _ratio(sums[:, 0], sums[:, 1])
        low, high = np.quantile(deltas, [tail, 1 - tail])
        old, new = pairs.values()
        found.append((min(float(low), new - old), max(float(high), new - old)))
    return found


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjusted p: of the rows below alpha, at most a share alpha is expected to be false findings."""
    order = np.argsort(-p, kind="stable")
    factors = len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(p[order] * factors))
    return adjusted


def holm(p: Floats) -> Floats:
    """Adjusted p: the chance of even one false finding among the rows below alpha is at most alpha."""
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


@cache
def _signs(replicates: int, groups: int) -> NDArray[np.float32]:
    """(replicates, groups) fair coins: +1 or -1."""
    draws = np.random.default_rng(1).integers(0, 2, (replicates, groups), dtype=np.int8)
    return draws.astype(np.float32) * 2 - 1


def _drawn(weights: NDArray[np.float32], many: Sequence[Integers]) -> Iterator[Floats]:
    """For each subset, (replicates, c) sums of its (records, c) counts under the weights, records dealt to groups."""
    for start in range(0, len(many), BATCH):
        blocks = [_grouped(counts) for counts in many[start:start + BATCH]]
        sums = (weights @ np.concatenate(blocks, axis=1)).astype(np.float64)
        yield from np.split(sums, len(blocks), axis=1)


def _grouped(counts: Integers) -> NDArray[np.float32]:
    """(GROUPS, c) sums over groups of records."""
    groups = deal(len(counts), GROUPS)
    columns = [np.bincount(groups, weights=column, minlength=GROUPS) for column in counts.T]
    return np.stack(columns, axis=1).astype(np.float32)


def _tail(observed: float, deltas: Floats, differing: int) -> float:
    beyond = int((np.abs(deltas) >= observed - 1e-12).sum())
    counted = (beyond + 1) / (len(deltas) + 1)
    if beyond >= FEW:
        return counted
    spread = math.sqrt(float((deltas ** 2).mean()))
    normal = math.erfc(observed / spread / math.sqrt(2)) if spread > 0 else 1.0
    return min(counted, max(normal, attainable(differing)))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _share(numerator: np.int64, denominator: np.int64) -> float:
    return float(numerator / denominator) if denominator else 0.0
