"""Sampling noise and training noise of a comparison, told apart and then taken together.

A difference between two versions has two sources of chance. Other *records*
of the same kind would give another difference (sampling noise); so would
other *seeds* of the same training (training noise). A paired test on records
knows the first alone: it speaks of these very networks. Where each version is
k networks, the model is that of a study with several readers and many cases
(readers nested in versions, cases crossed with all; Obuchowski and Rockette
1995, Hillis 2007; for learning algorithms Bouthillier et al. 2021):

    d = new - old, both over all networks
    var(d) = V_records + V_seeds

V_records is the variance of d over records, from each record's influence on
the difference of the ratios (the delta method), networks as they are. It holds
what every network tosses for record by record, independently. V_seeds is what
seeds do to all records of a slice together, and is had as a rest: s² (1/k_old +
1/k_new), s² the variance of the metric between the networks of one version
pooled over both (k_old + k_new - 2 degrees of freedom: 4 for three seeds each),
less the same for networks that only toss. The latter is the mean over many
records and well known; s² is not.

The test is that of Behrens and Fisher (`ovt.quality.behrens`), honest for two
seeds as for twenty. It knows nothing of how coarse few flips are, so the exact
test on records stands beside it, and the larger of both p counts: a row
regresses only if other records and other seeds would both be expected to show
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality import behrens
from ovt.quality.seeds import SeedScores, broken_shares, spread, tossed_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """The variance of a difference, by where it comes from."""

    records: float
    """Of the sample of records."""
    between: float
    """Of networks, as few of them estimate it; 0 where each version is one network."""
    tossed: float
    """The part of `between` that is expected of networks that toss record by record; it is in `records` too."""
    effect: float
    """How much one record that flips moves the metric: for accuracies of records one n-th, for tokens less."""
    networks: int
    """Degrees of freedom of the seeds' part: networks of both versions, less one for each version."""
    old_spread: float | None
    """Standard deviation between the networks of the old version; None with one."""
    new_spread: float | None

    @property
    def variance(self) -> float:
        """Of the difference, from both."""
        return self.records + max(0.0, self.between - self.tossed)


def chances(deltas: Sequence[float], noises: Sequence[Noise]) -> Floats:
    """Two-sided p of each difference, over other records and other seeds."""
    return behrens.two_sided(np.asarray(deltas, float), variances_of(noises))


def intervals(deltas: Sequence[float], noises: Sequence[Noise], confidence: float) -> list[tuple[float, float]]:
    """Of each difference, over other records and other seeds; never beyond -1 and 1."""
    delta = np.asarray(deltas, float)
    half = behrens.quantiles(np.asarray(1 - confidence), variances_of(noises))
    ends = zip(np.clip(delta - half, -1, 1).tolist(), np.clip(delta + half, -1, 1).tolist(), strict=True)
    return list(ends)


def variances_of(noises: Sequence[Noise]) -> behrens.Variances:
    """Of many rows."""
    records, between, tossed = np.asarray(
        [(noise.records, noise.between, noise.tossed) for noise in noises], float).reshape(-1, 3).T
    return behrens.Variances(records, between, tossed, np.asarray([noise.networks for noise in noises], np.int64))


@dataclass(frozen=True)
class Ledger:
    """What every network of both versions gets on each record; added up over any set of records at little cost."""

    columns: Floats
    """(m, 2 k_old + 2 k_new) numerators, then denominators, of the old networks; the same of the new ones."""
    old: int
    new: int
    broken: Floats
    """(m,) share of the pairs of an old and a new network of which the old is right and the new wrong."""
    tossed: Floats | None
    """(m,) the same of two networks of one version; None with one network each."""
    flipped: NDArray[np.bool_]
    """(m,) records on which the versions do not score the same."""

    @classmethod
    def of(cls, old: SeedScores, new: SeedScores) -> Ledger:
        """Of the networks of two versions on the same records."""
        counts = (old.numerators, old.denominators, new.numerators, new.denominators)
        above, below = ([side.mean(axis=0) for side in pair] for pair in (counts[::2], counts[1::2]))
        flipped = (above[0] != above[1]) | (below[0] != below[1])
        return cls(np.ascontiguousarray(np.concatenate(counts).T, float), old.k, new.k, broken_shares(old, new),
                   tossed_shares(old, new), flipped)

    def sums(self, rows: NDArray[np.int64]) -> Sums:
        """Over some records."""
        chosen = self.columns[rows]
        broken = float(self.broken[rows].mean()) if len(rows) else 0.0
        tossed = float(self.tossed[rows].mean()) if self.tossed is not None and len(rows) else None
        moved = chosen[self.flipped[rows]]
        return Sums(len(rows), chosen.sum(axis=0), chosen.T @ chosen, self.old, self.new, broken, tossed, moved)


@dataclass(frozen=True)
class Sums:
    """The sums and the products of a ledger's columns over n records, and what follows from them."""

    n: int
    total: Floats
    products: Floats
    old: int
    new: int
    negative_flips: float
    noise_flips: float | None
    moved: Floats
    """(flipped, columns) of the records on which the versions do not score the same."""

    @property
    def old_values(self) -> Floats:
        """(k,) the metric of each old network; 0 where there is nothing to divide by."""
        return _ratio(self.total[:self.old], self.total[self.old:2 * self.old])

    @property
    def new_values(self) -> Floats:
        """(k,) of each new network, the served one first."""
        below = self.total[2 * self.old + self.new:]
        return _ratio(self.total[2 * self.old:2 * self.old + self.new], below)

    def noise(self) -> Noise:
        """Both noises (see the module)."""
        old, new = self._weights(0, self.old), self._weights(2 * self.old, self.new)
        gain = new.mean(axis=0) - old.mean(axis=0)
        n = self.n
        records = max(0.0, float(gain @ self.products @ gain - (gain @ self.total) ** 2 / n)) * n / max(n - 1, 1)
        known = self.old + self.new - 2
        if not known:
            return Noise(records, 0.0, 0.0, self._effect(gain), 0, None, None)
        sides = (self.old_values, self.new_values)
        between = sum(float(((values - values.mean()) ** 2).sum()) for values in sides) / known
        tossed = sum(self._tossed(weights) for weights in (old, new)) / known
        share = 1 / self.old + 1 / self.new
        return Noise(records, share * between, share * tossed, self._effect(gain), known, spread(sides[0]),
                     spread(sides[1]))

    def _effect(self, gain: Floats) -> float:
        """Of a record that flips, those that move more counting more; a whole record's where none has flipped."""
        moves = np.abs(self.moved @ gain)
        return float((moves ** 2).sum() / moves.sum()) if moves.sum() > 0 else 1 / self.n

    def _weights(self, start: int, k: int) -> Floats:
        """(k, columns) by which the columns of a record make its influence on the metric of each network."""
        above, below = self.total[start:start + k], self.total[start + k:start + 2 * k]
        inverse = np.divide(1.0, below, out=np.zeros(k), where=below > 0)
        weights = np.zeros((k, len(self.total)))
        weights[:, start:start + k] = np.diag(inverse)
        weights[:, start + k:start + 2 * k] = np.diag(-_ratio(above, below) * inverse)
        return weights

    def _tossed(self, weights: Floats) -> float:
        """What the sum of squares between networks would be if each tossed for each record independently."""
        apart = weights - weights.mean(axis=0)
        return max(0.0, float(np.trace(apart @ self.products @ apart.T)))


def _ratio(above: Floats, below: Floats) -> Floats:
    found: Floats = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return found
