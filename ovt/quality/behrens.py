"""The chance of a difference whose variance is in part known and in part estimated from few networks.

    var(d) = V + (E[s²] - T),   V known (many records),   s² an estimate with f degrees of freedom (few seeds),
                                T the part of s² that is known too, and is in V already

Student's t with Satterthwaite's degrees of freedom is the usual answer, and a
wrong one in the tails where corrections for many slices are made: with three
seeds each, four times too many p below 0.001, with two seeds sixteen times
(where V is a tenth of s²). So the variances that might have been are averaged
over, as Behrens (1929) and Fisher (1935) did and as generalised p-values for
variance components do (Tsui and Weerahandi 1989; Weerahandi 1995, ch. 8):

    p(d) = E[ P(|Z| > d / sqrt(V + max(0, f s² / X - T))) ],   X chi-squared with f degrees of freedom

With V = T = 0 this is Student's t with f degrees of freedom, with s² = 0 the
normal distribution; between them it errs towards silence, if at all. The
expectation is a sum over a grid in log X, which for such smooth functions is
exact to six digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOWEST, HIGHEST = -60.0, 8.0
"""Of log X."""
NEGLIGIBLE = 1e-14
"""Of the largest density; what is less is left out."""
MOST = 200
PRECISE = 1e-5
TINY = 1e-300
FAR = 40.0
"""Standard deviations beyond which the chance is no number above 0."""
# Of erfc: Press et al., Numerical Recipes in C, 2nd ed., §6.2; the relative error is below 1.2e-7 everywhere.
CHEBYSHEV = (-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
             -0.82215223, 0.17087277)


@dataclass(frozen=True)
class Variances:
    """Of many differences; all arrays (rows,)."""

    known: Floats
    """V."""
    estimated: Floats
    """s²."""
    within: Floats
    """T."""
    freedom: Integers
    """f; 0: nothing was estimated, V is all."""

    def take(self, rows: NDArray[np.bool_]) -> Variances:
        """Of some differences."""
        return Variances(self.known[rows], self.estimated[rows], self.within[rows], self.freedom[rows])


def two_sided(delta: Floats, variances: Variances) -> Floats:
    """The chance of a difference at least this large where there is none, per element.

    Args:
        delta: the differences.
        variances: of them.
    """
    return _by_freedom(_chance, np.abs(delta), variances)


def quantiles(chance: Floats, variances: Variances) -> Floats:
    """The difference that has exactly the given two-sided chance (above 0, below 1), per element; 0 without variance.

    By Newton's method on log p against log d, which is nearly straight; halving where it is not.
    """
    return _by_freedom(_quantile, np.asarray(chance, float), variances)


def erfc(x: Floats) -> Floats:
    """The complementary error function of numbers not below 0: P(|Z| > x sqrt(2)) of a normal Z."""
    x = np.minimum(x, FAR)
    t = 1 / (1 + x / 2)
    exponent = np.zeros(np.shape(x))
    for coefficient in reversed(CHEBYSHEV):
        exponent = coefficient + t * exponent
    found: Floats = np.minimum(1.0, t * np.exp(exponent - x * x))
    return found


def _by_freedom(
    function: Callable[[Floats, Variances, int], Floats], first: Floats, variances: Variances,
) -> Floats:
    """Rows with as many degrees of freedom go together."""
    first = np.broadcast_to(first, variances.known.shape)
    out = np.zeros(first.shape)
    for degrees in np.unique(variances.freedom).tolist():
        rows = variances.freedom == degrees
        out[rows] = function(first[rows], variances.take(rows), degrees)
    return out


def _chance(delta: Floats, variances: Variances, freedom: int) -> Floats:
    scales, weights = _deviations(variances, freedom)
    never = np.where(delta[:, None] > 0, np.inf, 0.0)
    ratio = np.divide(delta[:, None], scales, out=np.broadcast_to(never, scales.shape).copy(), where=scales > 0)
    return np.minimum(1.0, erfc(ratio / np.sqrt(2)) @ weights)


def _quantile(chance: Floats, variances: Variances, freedom: int) -> Floats:
    scales, weights = _deviations(variances, freedom)
    varies = scales.max(axis=1, initial=0.0) > 0
    scales = np.where(scales > 0, scales, TINY)
    # The quantile of the mixture lies between those of its narrowest and its widest part.
    part = NormalDist().inv_cdf(1 - float(chance.min(initial=1.0)) / 2) + 1
    low, high = np.log(TINY * np.ones(len(chance))), np.log(part * scales.max(axis=1, initial=TINY))
    at = np.minimum(high, np.log(np.sqrt(np.maximum(variances.known + variances.estimated, TINY))))
    wanted = np.log(chance)
    for _ in range(MOST):
        ratio = np.minimum(np.exp(at)[:, None] / scales, FAR)
        p = np.maximum(erfc(ratio / np.sqrt(2)) @ weights, TINY)
        slope = -(2 / np.sqrt(2 * np.pi) * ratio * np.exp(-ratio ** 2 / 2)) @ weights / p
        low, high = np.where(np.log(p) > wanted, at, low), np.where(np.log(p) > wanted, high, at)
        newton = at - (np.log(p) - wanted) / np.minimum(slope, -TINY)
        step = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        moved, at = np.abs(step - at), step
        if np.all((moved < PRECISE) | ~varies):
            break
    return np.where(varies, np.exp(at), 0.0)


def _deviations(variances: Variances, freedom: int) -> tuple[Floats, Floats]:
    """(rows, grid) the standard deviations that might be, and (grid,) their weights."""
    if not freedom:
        return np.sqrt(variances.known)[:, None], np.ones(1)
    x, weights = _grid(freedom)
    seeds = np.maximum(0.0, variances.estimated[:, None] * (freedom / x) - variances.within[:, None])
    return np.sqrt(variances.known[:, None] + seeds), weights


@cache
def _grid(freedom: int) -> tuple[Floats, Floats]:
    """Values of X and their weights, which sum to 1."""
    # The narrower the density, the finer the grid.
    logs = np.arange(LOWEST, HIGHEST, min(0.35, 0.8 / np.sqrt(freedom)))
    density = np.exp(freedom / 2 * logs - np.exp(logs) / 2)
    kept = density > density.max() * NEGLIGIBLE
    return np.exp(logs[kept]), density[kept] / density[kept].sum()
