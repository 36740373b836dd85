"""What the check asks of each slice: the settings of `ovt.yaml`, with their defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.settings import Check, SlicePolicy


@dataclass(frozen=True)
class Thresholds:
    """What holds for one slice, or for all test records."""

    floor: float
    """A smaller change of the metric is no regression and no improvement, however certain."""
    min_support: int
    """With fewer records nothing is said."""
    critical: bool = False
    """Tested apart from the others, so that their number does not dilute it."""
    minimum: float | None = None
    """The metric may not be below this, whatever the base had."""


@dataclass(frozen=True)
class Policy:
    """The thresholds of a whole comparison."""

    confidence: float = 0.95
    floor: float = 0.005
    min_support: int = 30
    slices: tuple[tuple[str, Thresholds], ...] = ()

    @classmethod
    def of(cls, check: Check) -> Policy:
        """The policy that the `check:` section says."""
        slices = tuple(sorted(_by_slice(check, check.slices).items()))
        return cls(check.confidence, check.floor, check.min_support, slices)

    @property
    def alpha(self) -> float:
        """The share of false alarms that is accepted over the whole comparison."""
        return 1 - self.confidence

    def thresholds(self, slice_: str | None) -> Thresholds:
        """What holds for a slice; None: all test records."""
        named = dict(self.slices)
        if slice_ is not None and slice_ in named:
            return named[slice_]
        return Thresholds(self.floor, self.min_support)


def _by_slice(check: Check, slices: Mapping[str, SlicePolicy]) -> dict[str, Thresholds]:
    return {
        name: Thresholds(
            floor=check.floor if asked.floor is None else asked.floor,
            min_support=check.min_support if asked.min_support is None else asked.min_support,
            critical=asked.critical, minimum=asked.minimum,
        )
        for name, asked in slices.items()
    }
