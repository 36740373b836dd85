"""L-BFGS (Liu and Nocedal 1989) with backtracking, for the smooth convex losses of label models."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.supervision.label_models.ballots import Floats

MEMORY = 8
STEPS = 100
ENOUGH = 1e-4
"""Part of the predicted decrease that a step must reach (Armijo)."""


def minimise(function: Callable[[Floats], tuple[float, Floats]], start: Floats, tolerance: float = 3e-3) -> Floats:
    """Where a function, given with its gradient, is smallest; stops when a step gains less than the tolerance."""
    point = start
    value, slope = function(point)
    pairs: deque[tuple[Floats, Floats]] = deque(maxlen=MEMORY)
    for _ in range(STEPS):
        direction = -_curved(slope, pairs)
        descent = float(direction @ slope)
        size = 1.0 if pairs else 1.0 / max(1.0, float(np.abs(slope).max(initial=0.0)))
        tried, found, fresh = point, value, slope
        while size > 1e-8:
            tried = point + size * direction
            found, fresh = function(tried)
            if found <= value + ENOUGH * size * descent:
                break
            size /= 2
        else:
            return point
        moved, bent = tried - point, fresh - slope
        if float(moved @ bent) > 1e-12:
            pairs.append((moved, bent))
        gain, point, value, slope = value - found, tried, found, fresh
        if gain < tolerance:
            break
    return point


def _curved(slope: Floats, pairs: deque[tuple[Floats, Floats]]) -> Floats:
    """The gradient times an estimate of the inverse curvature: the two-loop recursion."""
    result, stack = slope.copy(), []
    for moved, bent in reversed(pairs):
        share = float(moved @ result) / float(moved @ bent)
        result -= share * bent
        stack.append((share, moved, bent))
    if pairs:
        moved, bent = pairs[-1]
        result *= float(moved @ bent) / float(bent @ bent)
    for share, moved, bent in reversed(stack):
        result += (share - float(bent @ result) / float(moved @ bent)) * moved
    return result
