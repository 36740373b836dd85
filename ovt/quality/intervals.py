"""Intervals: Wilson's for proportions of independent records, the delta method over records for all else.

A record is the unit, never a token: the tokens of one sentence go wrong
together. Every metric here is a smooth function of sums over records, so its
variance is that of the sum of each record's influence on it (the delta method,
or linearisation; Binder 1983). What lies between 0 and 1 gets Wilson's
interval with the number of records that a plain proportion would need for
that variance (Korn and Graubard 1998), and Student's t for z, so that it
behaves near 0 and 1 and with few records, where a symmetric one leaves the
range or has no width. `docs/metrics.md` has the coverage that was measured.

The paired bootstrap of a comparison draws Poisson(1) weights, the usual
bootstrap without its fixed total: a replicate of any sum is one row of a
matrix product. Records are first dealt at random to at most `GROUPS` groups:
where there are more records than that, sums over groups have the same
variance, and the cost no longer grows with the data. Everything is seeded.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
GROUPS = 1000


def z_of(confidence: float) -> float:
    """The two-sided quantile of the normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def t_of(freedom: Floats, confidence: float = CONFIDENCE) -> Floats:
    """The two-sided quantile of Student's t by degrees of freedom (one, where there are none).

    Exact for 1 and 2, else the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5), off by less than 1 %.
    """
    z = z_of(confidence)
    share = (1 + confidence) / 2
    known = np.maximum(np.asarray(freedom, np.float64), 1.0)
    terms = (
        (z ** 3 + z) / 4, (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
        (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
        (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
    )
    found = z + sum(term / known ** power for power, term in enumerate(terms, start=1))
    found = np.where(known < 1.5, math.tan(math.pi * (share - 0.5)), found)
    return np.where((known >= 1.5) & (known < 2.5), (2 * share - 1) * math.sqrt(0.5 / (share * (1 - share))), found)


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) where nothing was seen."""
    if n <= 0:
        return 0.0, 1.0
    low, high = score_interval(np.asarray(successes / n), np.asarray(float(n)), z_of(confidence))
    return float(low), float(high)


def score_interval(share: Floats, n: Floats, z: Floats | float) -> tuple[Floats, Floats]:
    """Wilson's interval of many proportions, `n` above 0 and not necessarily whole."""
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = np.minimum(middle - half, share), np.maximum(middle + half, share)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def effective_interval(
    share: Floats, variance: Floats, records: Floats, most: Floats, confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Wilson's interval of metrics between 0 and 1 that are no plain proportions.

    Args:
        share: the metrics.
        variance: of each, from the influences of its records.
        records: how many there were; they are what counts where the records vary in nothing.
        most: the effective number is never above this (items, names): a variance of a few records may be luck.
        confidence: of the interval.
    """
    spread = share * (1 - share)
    varies = (variance > 0) & (spread > 0)
    effective = np.divide(spread, variance, out=records.astype(np.float64), where=varies)
    quantile = np.where(varies, t_of(records - 1, confidence), z_of(confidence))
    return score_interval(share, np.maximum(np.minimum(effective, np.maximum(most, records)), 1.0), quantile)


def positive_interval(
    values: Floats, variance: Floats, records: Floats, highest: float, confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Student's t on the logarithm, for a mean of losses: positive, and longer above than below."""
    step = t_of(records - 1, confidence)
    relative = np.divide(np.sqrt(variance), values, out=np.zeros_like(values), where=values > 0)
    with np.errstate(over="ignore", invalid="ignore"):
        factor = np.exp(np.where(relative > 0, step * relative, 0.0))
    low, high = values / factor, np.minimum(values * factor, np.maximum(values, highest))
    unknown = records < 2
    return np.where(unknown, 0.0, low), np.where(unknown, highest, high)


def folded_interval(
    values: Floats, variance: Floats, records: Floats, spread: Floats, confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Of a sum of absolute values, which noise can only raise: the lower end gives that bias back.

    Args:
        values: the calibration errors.
        variance: of each.
        records: how many there were.
        spread: (..., bins) the standard deviation of each term before its absolute value is taken; a term that is pure
            noise comes out at sqrt(2 / pi) of it.
        confidence: of the interval.
    """
    half = np.where(records < 2, 1.0, t_of(records - 1, confidence) * np.sqrt(variance))
    bias = math.sqrt(2 / math.pi) * spread.sum(axis=-1)
    return np.clip(values - half - bias, 0.0, 1.0), np.clip(values + half, 0.0, 1.0)


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
