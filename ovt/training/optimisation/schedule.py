"""The learning rate of every step, and how long training will take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.training.optimisation.scores import DevScore

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises; then it falls along a cosine."""
LAST_RATE = 0.02
"""Of the largest learning rate, at the end."""


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step."""

    peak: float
    steps: int

    def rate(self, step: int) -> float:
        """Rising for the first steps, then falling along a cosine."""
        warm = max(1, round(self.steps * WARM_UP))
        if step < warm:
            return self.peak * (step + 1) / warm
        share = min(1.0, (step - warm) / max(1, self.steps - warm))
        return self.peak * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2)


class Clock:
    """Tells how far training is and how long it will take at most."""

    def __init__(self, progress: Progress, steps: int, done: int = 0) -> None:
        self.progress, self.steps, self.done, self.before = progress, steps, done, done
        self.start = self.told = time.monotonic()

    def tick(self, epoch: int, epochs: int, best: DevScore | None) -> None:
        """Count a step; speak at most twice a second."""
        self.done += 1
        now = time.monotonic()
        if now - self.told < 0.5 and 1 < self.done < self.steps:
            return
        self.told = now
        left = (now - self.start) / (self.done - self.before) * (self.steps - self.done)
        known = "" if best is None else f" · dev {best}"
        message = f"epoch {epoch}/{epochs}{known} · at most {duration(left)} left"
        self.progress.update("train", message, self.done, self.steps)


def duration(seconds: float) -> str:
    """`50 s`, `3 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
