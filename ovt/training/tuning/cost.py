"""What a model costs whoever serves it, and the limits that a search keeps.

Cost is the exported model's, so it is measured by whoever can export: the
search is handed a `Measurement` and never imports the serving side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.training.optimisation.fit import Fitted


@dataclass(frozen=True)
class Cost:
    """What one model costs."""

    latency_ms: float
    """Of one record on one thread, the median, in milliseconds."""
    size_mb: float
    """Of the exported files, in units of 10^6 bytes."""


Measurement = Callable[["Fitted"], Cost]
"""Exports a model and measures it. The weights do not matter, so it may be asked about a network before training."""


@dataclass(frozen=True)
class Limits:
    """What a model may cost at most; None: anything."""

    latency_ms: float | None = None
    size_mb: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return self.latency_ms is not None or self.size_mb is not None

    def excess(self, cost: Cost) -> float:
        """How far a cost is above the limits, as a fraction of them: 0 or less where all are kept."""
        return max((found / most - 1 for found, most in self._pairs(cost)), default=0.0)

    def broken(self, cost: Cost) -> str:
        """The limits that are not kept, in words; empty if all are."""
        names = (("latency_ms", "ms"), ("size_mb", "MB"))
        return " and ".join(
            f"{getattr(cost, name):.3g} {unit} of {most:.3g} {unit}" for name, unit in names
            if (most := getattr(self, name)) is not None and getattr(cost, name) > most
        )

    def _pairs(self, cost: Cost) -> list[tuple[float, float]]:
        both = ((cost.latency_ms, self.latency_ms), (cost.size_mb, self.size_mb))
        return [(found, most) for found, most in both if most is not None]
