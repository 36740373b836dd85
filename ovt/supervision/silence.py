"""Tokens that nobody marked, in sequences where somebody marked something: read as `O`.

Functions that mark entities vote `B-` and `I-` only. Their silence is the only
sign of what lies outside: without it a tagger is trained on entities alone and
finds them everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.ballots import UNKNOWN, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SILENT_O = 0.95
"""Chance that a token nobody marked is `O`, without gold to measure it.

Entities cover some 10-15 % of the tokens of annotated text and marking functions
find about half of them or more, so about one silent token in twenty is missed.
"""
SILENT_WEIGHT = 0.5
"""Weight of such a token without gold: silence is weaker evidence than a vote, and there is far more of it."""
ENOUGH_SILENT = 30
"""Silent tokens with gold from which on the share is measured; it is always drawn to SILENT_O by as many."""


@dataclass(frozen=True)
class Silence:
    """The silent tokens, and what they are."""

    items: Ints
    probabilities: Floats
    """(k,) the same for all of them: `O`, and the rest as gold shows it, or evenly."""
    weight: float


def silence(covered: NDArray[np.bool_], gold: Ints, sequences: Ints, classes: Sequence[str]) -> Silence:
    """Which tokens are silent, how surely they are `O`, and what else they may be.

    Args:
        covered: (tokens,) whether some source voted.
        gold: (tokens,) class on dev, UNKNOWN elsewhere.
        sequences: (s + 1,) where each sequence begins.
        classes: names, one of them `O`.
    """
    sequence = np.repeat(np.arange(len(sequences) - 1), np.diff(sequences))
    spoken = np.bincount(sequence[covered], minlength=len(sequences) - 1) > 0
    silent = spoken[sequence] & ~covered
    known = gold[silent]
    known = known[known != UNKNOWN]
    outside = list(classes).index("O")
    seen = np.bincount(known, minlength=len(classes)).astype(np.float64)
    share = (seen[outside] + ENOUGH_SILENT * SILENT_O) / (len(known) + ENOUGH_SILENT)
    other = seen + 1.0
    other[outside] = 0.0
    probabilities = (1 - share) * other / max(float(other.sum()), 1.0)
    probabilities[outside] = share
    weight = 1.0 if len(known) >= ENOUGH_SILENT else SILENT_WEIGHT
    return Silence(np.flatnonzero(silent), probabilities / probabilities.sum(), weight)
