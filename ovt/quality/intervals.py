"""Intervals: Wilson's for proportions of independent records, the bootstrap over records for all else.

The bootstrap draws whole records, never tokens: the tokens of one sentence go
wrong together. Each record gets an independent Poisson(1) weight, which is
the usual bootstrap without its fixed total, so that a replicate of any sum is
one row of a matrix product. Records are first dealt at random to at most
`GROUPS` groups: where there are more records than that, sums over groups
have the same variance, and the cost no longer grows with the data.
Everything is seeded: the same records give the same interval.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
REPLICATES = 500
GROUPS = 1000


def z_of(confidence: float) -> float:
    """The two-sided quantile of the normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) where nothing was seen."""
    if n <= 0:
        return 0.0, 1.0
    z = z_of(confidence)
    share = successes / n
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def deal(n: int, groups: int, seed: int = 0) -> NDArray[np.int64]:
    """(n,) a group for each record: its own while there are enough, else at random in equal numbers."""
    if n <= groups:
        return np.arange(n, dtype=np.int64)
    shuffled = np.random.default_rng(seed).permutation(n)
    return (shuffled % groups).astype(np.int64)


@cache
def poisson_weights(replicates: int, groups: int, seed: int = 0) -> NDArray[np.float32]:
    """(replicates, groups) independent draws of Poisson(1), from a table of 2^16 equally likely values.

    float32 holds sums of counts below 2^24 exactly, so the products do not
    depend on the order in which a BLAS adds them.
    """
    share, value, edges = math.exp(-1.0), 0, []
    below = share
    while below < 1 - 2 ** -18:
        edges.append(round(below * 2 ** 16))
        value += 1
        share /= value
        below += share
    table = np.searchsorted(np.asarray(edges), np.arange(2 ** 16), side="right").astype(np.float32)
    draws = np.random.default_rng(seed).integers(0, 2 ** 16, (replicates, groups), dtype=np.uint16)
    weights: NDArray[np.float32] = table[draws]
    return weights


@cache
def exact_weights(replicates: int, groups: int, seed: int = 0) -> Floats:
    """`poisson_weights` in float64, for sums that float32 could not hold exactly."""
    return poisson_weights(replicates, groups, seed).astype(np.float64)


def centred(
    value: float, replicates: Floats, *, confidence: float = CONFIDENCE, lowest: float = 0.0, highest: float = 1.0,
) -> tuple[float, float]:
    """The percentile interval of the replicates, moved so that their mean is the value that was measured.

    Macro averages lose rare classes in replicates and calibration errors can
    only grow in them; without the move such intervals lie beside the value.
    """
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return value, value
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) + (value - known.mean())
    return max(lowest, min(float(low), value)), min(highest, max(float(high), value))
