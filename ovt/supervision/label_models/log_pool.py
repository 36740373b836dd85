"""Logarithmic opinion pool: each kind of vote weighs as much as makes the gold most probable.

The pool of Genest and Zidek (1986), a conditional logit (McFadden 1974) over the
cells of an item: a vote (source s says l) adds a weight to its own cell, and all
weights are fitted together. So two sources that say the same thing share what it
is worth, which no model that fits source by source can find out; it is how
dependent sources are damped wherever there is gold. The weights are maximum a
posteriori, drawn to those of the gold-anchored naive Bayes times a common scale:
with little gold the pool is that model, tempered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models import gold_anchored, shrinkage
from ovt.supervision.label_models.ballots import UNKNOWN, sums
from ovt.supervision.label_models.priors import log_prior

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

BELIEVED = (1.0, 4.0)
"""Precision expected of a weight around its start (give or take one nat), and the weights' worth of that belief."""


@dataclass(frozen=True)
class Parameters:
    """What each kind of vote adds to its cell."""

    balance: Floats | None
    """(n_groups, k); None for select."""
    weight: Floats
    """(n_sources, k); (n_sources, 1) for select."""
    accuracy: Floats
    scale: float
    """What the odds of the gold-anchored model are multiplied by, to be the start of the weights."""
    strength: float
    """How strongly weights are drawn to their start."""


@dataclass(frozen=True)
class _Gold:
    """The likelihood of the items with gold."""

    ballots: Ballots
    base: Floats
    """(cells,)"""
    truth: Ints
    """(n,) the cell that is right."""
    place: Ints
    """(v,) which weight each vote has."""
    size: int

    def _chances(self, weights: Floats) -> Floats:
        return self.ballots.normalise(self.base + self.ballots.cell_sums(self.ballots.weights * weights[self.place]))

    def slope(self, weights: Floats) -> tuple[float, Floats]:
        logs = self._chances(weights)
        wrong = np.exp(logs)
        wrong[self.truth] -= 1.0
        pull = sums(self.place, self.ballots.weights * wrong[self.ballots.cells], self.size)
        return -float(logs[self.truth].sum()), pull

    def curvature(self, weights: Floats) -> Floats:
        voted = np.exp(self._chances(weights))[self.ballots.cells]
        return sums(self.place, self.ballots.weights**2 * voted * (1 - voted), self.size)


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """Weights on the items with gold, from those of the gold-anchored naive Bayes."""
    return _fit(ballots, gold, None)


def refit(parameters: Parameters, ballots: Ballots, gold: Ints) -> Parameters:
    """Weights on other gold, drawn to their start as strongly."""
    return _fit(ballots, gold, (parameters.scale, parameters.strength))


def _fit(ballots: Ballots, gold: Ints, known_before: tuple[float, float] | None) -> Parameters:
    start = gold_anchored.fit(ballots, gold)
    known = gold != UNKNOWN
    few = ballots.pick(known)
    odds = start.evidence
    if ballots.k is None:
        odds = odds + np.log(max(float(np.mean(ballots.sizes)) - 1, 1.0))
    width = odds.shape[1]
    kind = few.sources.astype(np.int64) * width + (few.labels if width > 1 else 0)
    used, place = np.unique(kind, return_inverse=True)
    judged = _Gold(few, log_prior(few, start.balance), few.offsets[:-1] + gold[known], place, len(used))
    expected, mean = 1 / np.sqrt(max(float(ballots.voices.mean()), 1.0)), odds.reshape(-1)[used]
    warm = None
    if known_before is not None:
        warm = shrinkage.Shrunk(known_before[0] * mean, *known_before)
    found = shrinkage.fit(judged, mean, expected, BELIEVED, warm=warm)
    weight = found.scale * odds.reshape(-1)
    weight[used] = found.weights
    return Parameters(start.balance, weight.reshape(odds.shape), start.accuracy, found.scale, found.strength)


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    column = ballots.labels if parameters.weight.shape[1] > 1 else 0
    added = ballots.cell_sums(ballots.weights * parameters.weight[ballots.sources, column])
    return ballots.normalise(log_prior(ballots, parameters.balance) + added)


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) accuracy of each source on gold, smoothed."""
    return parameters.accuracy
