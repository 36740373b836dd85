"""How small a drop a comparison could have seen: what a row without a finding is worth.

The smallest true drop that would have been called *regressed* in four of five
comparisons like this one: as many records, as much churn between the versions,
as many other rows to be corrected for. From the sample size of McNemar's test
(Miettinen 1968; Connor 1987) turned round, with the churn measured instead of
guessed: a drop of d breaks d / e records on top of those that flip anyway, so
that

    d = q(alpha') + z(0.8) s,    s² = V + d e

with V the variance of the difference as it was measured (over records, and
over seeds where there are several), q the difference that the test with this
variance calls significant, and alpha' the level that the row must reach after
correction if it is the only one that moved; e is what a record that flips
moves the metric by (for accuracies of records one n-th). Below log2(2 / alpha') broken records no
exact test can reach alpha', however one-sided they are; and no drop within the
floor is a regression.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality import behrens
from ovt.quality.attribution.training_noise import variances_of
from ovt.quality.intervals import z_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.attribution.training_noise import Noise

POWER = 0.8
ROUNDS = 6


def detectable_drops(noises: Sequence[Noise], levels: Sequence[float], floors: Sequence[float]) -> list[float]:
    """The smallest drop of each row that is found with 80 % power; above 1 where none could be found.

    Args:
        noises: variance of the difference.
        levels: alpha of the row's test after correction.
        floors: smaller drops are no regression.
    """
    measured = variances_of(noises)
    effect = np.asarray([noise.effect for noise in noises], float)
    level = np.asarray(levels, float)
    # One flip more than was seen, as in the interval of flips: silence on few records is no proof of silence.
    records = measured.known + effect ** 2
    seeds = np.maximum(0.0, measured.estimated - measured.within)
    drop = np.zeros(len(effect))
    for _ in range(ROUNDS):  # the drop itself adds variance over records
        needed = behrens.quantiles(level, replace(measured, known=records + drop * effect))
        drop = needed + z_of(2 * POWER - 1) * np.sqrt(records + drop * effect + seeds)
    coarsest = np.log2(2 / level) * effect
    found: list[float] = np.maximum(np.maximum(drop, coarsest), np.asarray(floors, float)).tolist()
    return found
