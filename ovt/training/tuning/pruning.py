"""The median stopping rule (Golovin et al. 2017), by progress instead of epoch.

Trials may differ in their number of epochs, and the learning rate falls along
the whole schedule, so a trial half way is compared with the others when they
were half way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

POINTS = 20
"""Places along a schedule at which trials are compared."""
FEWEST_EPOCHS = 2
"""Before a trial may be stopped."""
FEWEST_TRIALS = 3
"""That must be complete before another may be stopped."""
EARLIEST = 0.2
"""Share of a schedule before which nothing is stopped: early scores say little."""


class Bar:
    """What a trial has to reach."""

    def __init__(self, levels: Sequence[float]) -> None:
        """Take levels as `bar_of` made them; none: nothing has to be reached."""
        self.levels = levels

    def at(self, progress: float) -> float:
        """The best score that is asked for after this share of the schedule."""
        if not self.levels or progress < EARLIEST:
            return -np.inf
        return float(self.levels[min(POINTS, int(progress * POINTS)) - 1])


def bar_of(curves: Sequence[tuple[int, Sequence[float]]]) -> tuple[float, ...]:
    """The median over complete trials of the best score so far, at each of POINTS places along the schedule.

    Args:
        curves: epochs of each trial's schedule, and its score after each epoch; one that ended early stays at its best.
    """
    known = [(epochs, np.maximum.accumulate(curve)) for epochs, curve in curves if len(curve)]
    if len(known) < FEWEST_TRIALS:
        return ()
    levels = []
    for point in range(1, POINTS + 1):
        # A trial that has not finished its first epoch by then has no say.
        found = [best[min(len(best), place) - 1] for epochs, best in known if (place := point * epochs // POINTS) > 0]
        levels.append(round(float(np.median(found)), 6) if len(found) >= FEWEST_TRIALS else -1e9)
    return tuple(levels)
