"""Weights drawn to a start, as strongly as they turn out to need it: a ridge with evidence-based strength.

Weights that are fitted to a little gold must stay near what was known before. How
near is read from the data (MacKay 1992): the strength is updated to the effective
number of weights that gold determines over the sum of squares they have moved, with
a Gamma prior so that a handful of weights cannot run away. The curvature is taken
as its diagonal, which is what sparse votes leave of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ovt.supervision.label_models.descent import minimise

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.supervision.label_models.ballots import Floats

UPDATES = 6
SETTLED = 0.05
"""Relative change of the strength at which it is taken."""
LIMITS = (0.3, 300.0)
SCALE = 2.0
"""Weight of the squared log of the common scale against its expected value, in items."""


class Likelihood(Protocol):
    """What gold says about weights."""

    def slope(self, weights: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood and its gradient."""

    def curvature(self, weights: Floats) -> Floats:
        """Diagonal of its Hessian."""


@dataclass(frozen=True)
class Shrunk:
    """The fitted weights."""

    weights: Floats
    scale: float
    """Common scale that the start was multiplied by."""
    strength: float
    """Precision of the prior around scale * start."""


def fit(
    likelihood: Likelihood, start: Floats, expected: float, believed: tuple[float, float], *, warm: Shrunk | None = None
) -> Shrunk:
    """Maximum a posteriori weights around scale * start.

    Args:
        likelihood: of the gold.
        start: (p,) weights to be drawn to.
        expected: the scale to expect before gold is seen.
        believed: the strength to expect, and the weights' worth of evidence behind that belief.
        warm: fitted to much the same: where to begin, and the strength, which is then taken as it is.
    """
    strength, worth = believed
    point = np.concatenate([[np.log(expected)], expected * start])
    if warm is not None:
        strength, point = warm.strength, np.concatenate([[np.log(warm.scale)], warm.weights])
    for _ in range(UPDATES):
        point = minimise(_target(likelihood, start, strength, expected), point)
        scale, weights = float(np.exp(point[0])), point[1:]
        if warm is not None:
            break
        curved = likelihood.curvature(weights)
        determined = float((curved / (curved + strength)).sum())
        moved = float(((weights - scale * start) ** 2).sum())
        fresh = float(np.clip((determined + worth) / (moved + worth / believed[0]), *LIMITS))
        if abs(fresh - strength) <= SETTLED * strength:
            break
        strength = fresh
    return Shrunk(weights, scale, strength)


def _target(
    likelihood: Likelihood, start: Floats, strength: float, expected: float
) -> Callable[[Floats], tuple[float, Floats]]:
    """Penalised negative log-likelihood and its gradient, of (log scale, weights)."""

    def penalised(point: Floats) -> tuple[float, Floats]:
        scale, weights = np.exp(point[0]), point[1:]
        value, slope = likelihood.slope(weights)
        away, off = weights - scale * start, point[0] - np.log(expected)
        value += strength / 2 * float((away**2).sum()) + SCALE * float(off**2)
        pull = 2 * SCALE * off - strength * scale * float(away @ start)
        return float(value), np.concatenate([[pull], slope + strength * away])

    return penalised
