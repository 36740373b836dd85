"""The reliability diagram: how often a model is right, by how sure it is, in the bins of the calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.metrics import BINS, bins_of

if TYPE_CHECKING:
    from ovt.quality.predictions import GradedPredictions


@dataclass(frozen=True)
class Reliability:
    """The items of one bin."""

    confidence: float
    """Mean."""
    accuracy: float
    n: int


def reliability(part: GradedPredictions) -> list[Reliability]:
    """The bins that hold an item with gold, from unsure to sure."""
    known = part.gold >= 0
    sure, right = part.confidence[known].astype(np.float64), part.correct[known]
    bins = bins_of(sure)
    counts = np.bincount(bins, minlength=BINS)
    sums = (np.bincount(bins, weights=sure, minlength=BINS), np.bincount(bins, weights=right, minlength=BINS))
    return [Reliability(float(sums[0][code] / counts[code]), float(sums[1][code] / counts[code]), int(counts[code]))
            for code in np.flatnonzero(counts).tolist()]
