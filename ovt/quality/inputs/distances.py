"""How far two distributions are from each other, and whether chance alone explains it.

Total variation is the largest difference in the probability of any event. The
population stability index (PSI) is the symmetric Kullback–Leibler divergence,
with the reading that credit scoring gave it: below 0.1 stable, above 0.25 another
population (Siddiqi 2006). Tests: chi-square for counts, Kolmogorov–Smirnov for
numbers. With many records everything is significant, so a finding needs both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
"""Of numbers, for the PSI: tenths of the first sample."""
SMOOTHING = 0.5
"""Added to each count before the PSI is taken, so that a class that is missing on one side is not infinitely far."""


@dataclass(frozen=True)
class Distance:
    """Between two samples."""

    total_variation: float
    psi: float
    p: float
    """That samples of one distribution would be this far apart or further."""


def between_counts(old: NDArray[np.integer], new: NDArray[np.integer]) -> Distance | None:
    """Of two counts over the same classes; None where one of them is empty."""
    a, b = old.astype(np.float64), new.astype(np.float64)
    if not a.sum() or not b.sum():
        return None
    variation = 0.5 * float(np.abs(a / a.sum() - b / b.sum()).sum())
    return Distance(variation, _psi(a, b), chi_square(a, b))


def between_numbers(old: Floats, new: Floats) -> Distance | None:
    """Of two samples of numbers; their total variation is that of the tenths of the first."""
    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    if not len(old) or not len(new):
        return None
    edges = np.unique(np.quantile(old, np.linspace(0, 1, BINS + 1)[1:-1]))
    a, b = (np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1).astype(np.float64)
            for sample in (old, new))
    variation = 0.5 * float(np.abs(a / a.sum() - b / b.sum()).sum())
    return Distance(variation, _psi(a, b), kolmogorov_smirnov(old, new))


def chi_square(a: Floats, b: Floats) -> float:
    """P of homogeneity of two rows of counts."""
    both = a + b
    a, b, both = a[both > 0], b[both > 0], both[both > 0]
    freedom = len(both) - 1
    if freedom < 1:
        return 1.0
    total = both.sum()
    statistic = float(sum((((row - both * row.sum() / total) ** 2) / (both * row.sum() / total)).sum()
                          for row in (a, b)))
    return _upper_tail(statistic, freedom)


def _upper_tail(statistic: float, freedom: int) -> float:
    """P that a chi-square variable with whole degrees of freedom is larger: a finite sum (A&S 26.4.4–5)."""
    half = statistic / 2
    if half <= 0:
        return 1.0
    odd = freedom % 2
    powers = [place + odd / 2 for place in range(freedom // 2)]
    terms = [math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers]
    return min(1.0, math.fsum([math.erfc(math.sqrt(half)) if odd else 0.0, *terms]))


def kolmogorov_smirnov(old: Floats, new: Floats) -> float:
    """P of the largest distance of the two distribution functions, asymptotic with Stephens' correction."""
    values = np.concatenate([old, new])
    below = [np.searchsorted(np.sort(sample), values, side="right") / len(sample) for sample in (old, new)]
    gap = float(np.abs(below[0] - below[1]).max())
    size = math.sqrt(len(old) * len(new) / (len(old) + len(new)))
    scaled = (size + 0.12 + 0.11 / size) * gap
    if scaled < 0.2:
        return 1.0
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def _psi(a: Floats, b: Floats) -> float:
    p, q = a + SMOOTHING, b + SMOOTHING
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())
