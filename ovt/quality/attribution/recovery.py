"""Whether a slice is well again without a change: paired tests of single rows, and what they add up to.

Three versions sit the same exam: the base, the head that regressed, and the
head without one change. The change is a *candidate* where all of this holds:
the version without it is better than the head beyond chance (corrected for
how many changes are tried), it is no longer worse than the base, and at least
half of the drop is gone. A candidate is *confirmed* where it is better than
the head once more when both are trained with another seed: flips that a
retraining brings come in bunches (a way of asking flips as a whole), so one
paired test of one training cannot tell them from an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.exam import lay_out
from ovt.quality.paired import mcnemar, swap_tests

if TYPE_CHECKING:
    from ovt.quality.predictions import GradedPredictions

ENOUGH = 0.5
"""Part of the drop that must be gone before a change is held to explain it."""


@dataclass(frozen=True)
class Effect:
    """The step from one version to another on one task and slice."""

    n: int
    """Records that both have with the same gold."""
    old: float
    new: float
    p: float
    """Of the paired test, two-sided, uncorrected."""

    @property
    def delta(self) -> float:
        """From old to new."""
        return self.new - self.old


@dataclass(frozen=True)
class Recovery:
    """What taking a change back does to a regressed row."""

    base: float
    head: float
    without: float
    """The metric of each version."""
    share: float
    """Part of the drop that is gone, 0 … 1."""
    p_gain: float
    """That without and head differ by chance."""
    p_rest: float
    """That base and without differ by chance."""

    def candidate(self, alpha: float, tried: int, floor: float) -> bool:
        """Whether this explains the drop as far as one training can tell (see the module).

        Args:
            alpha: accepted share of false findings.
            tried: how many changes are tested on the row.
            floor: a drop that is not beyond it is none.
        """
        return self.better(alpha / max(tried, 1)) and self.share >= ENOUGH and not self._still_down(alpha, floor)

    def part(self, alpha: float, tried: int) -> bool:
        """Whether it explains some of the drop: better than the head, whether or not the rest is still there."""
        return self.better(alpha / max(tried, 1))

    def better(self, alpha: float) -> bool:
        """Whether the head is better without the change, beyond chance."""
        return self.without > self.head and self.p_gain <= alpha

    def _still_down(self, alpha: float, floor: float) -> bool:
        return self.base - self.without > floor and self.p_rest <= alpha


def effect(a: GradedPredictions, b: GradedPredictions, slice_: str | None) -> Effect | None:
    """Compare two versions on one slice; None where they share no record with the same gold."""
    exam = lay_out(a, b)
    in_a, in_b = exam.members(slice_)
    both = np.flatnonzero(in_a & in_b & exam.same_gold)
    if not len(both):
        return None
    pairs = exam.pairs.take(both)
    if exam.single and exam.b.form != "bitvector":
        broken = int((exam.exact_a[both] & ~exam.exact_b[both]).sum())
        p = mcnemar(broken, int((exam.exact_b[both] & ~exam.exact_a[both]).sum()))
    else:
        (p,) = swap_tests([pairs])
    return Effect(len(both), *pairs.values(), p)


def recovery(
    base: GradedPredictions, head: GradedPredictions, without: GradedPredictions, slice_: str | None,
) -> Recovery | None:
    """How far a slice recovers without a change; None where there is no drop to explain."""
    gain, rest, drop = effect(head, without, slice_), effect(base, without, slice_), effect(base, head, slice_)
    if gain is None or rest is None or drop is None or drop.delta >= 0:
        return None
    share = min(1.0, max(0.0, gain.delta / -drop.delta))
    return Recovery(drop.old, drop.new, gain.new, share, gain.p, rest.p)
