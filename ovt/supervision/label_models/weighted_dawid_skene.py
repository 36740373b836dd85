"""Dawid–Skene whose sources are weighted by gold: what the crowd tells about each worker, and what gold corrects.

Dawid–Skene learns a confusion matrix for each source from all votes, without
gold, but takes sources as independent and itself as right. Here the evidence of
each source is multiplied by a weight of its own (Nitzan and Paroush 1982 weigh
votes so; a logarithmic opinion pool of sources' posteriors), fitted on gold and
drawn to one common weight, the inverse of a temperature. Sources that repeat each
other, or that agree on what is wrong, end below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models import dawid_skene, shrinkage
from ovt.supervision.label_models.ballots import UNKNOWN, sums
from ovt.supervision.label_models.priors import log_prior

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

BELIEVED = (10.0, 4.0)
"""Precision expected of a weight around the common one (give or take a third), and the weights' worth of that."""
DRAWN = 10.0
"""Votes on gold that Dawid–Skene's own estimate of an accuracy is worth."""


@dataclass(frozen=True)
class Parameters:
    """What Dawid–Skene has, and the weight of each source."""

    balance: Floats
    evidence: Floats
    """(k, n_sources * k) before it is weighted."""
    accuracy: Floats
    """(n_sources,) on gold, drawn to what Dawid–Skene found."""
    weight: Floats
    """(n_sources,)"""
    scale: float
    """The common weight that they are drawn to."""
    strength: float
    """How strongly."""


@dataclass(frozen=True)
class _Gold:
    """The likelihood of the items with gold."""

    ballots: Ballots
    base: Floats
    """(n, k)"""
    truth: Ints
    """(n,)"""
    evidence: Floats
    """(k, v) of each vote."""

    def _chances(self, weights: Floats) -> Floats:
        """(n, k) log probabilities."""
        own = weights[self.ballots.sources]
        logits = np.stack([sums(self.ballots.items, own * row, self.ballots.n) for row in self.evidence], axis=1)
        return self.ballots.normalise((self.base + logits).reshape(-1)).reshape(self.base.shape)

    def slope(self, weights: Floats) -> tuple[float, Floats]:
        logs = self._chances(weights)
        rows = np.arange(self.ballots.n)
        wrong = np.exp(logs)
        wrong[rows, self.truth] -= 1.0
        pull = (self.evidence * wrong[self.ballots.items].T).sum(axis=0)
        return -float(logs[rows, self.truth].sum()), self.ballots.source_sums(pull)

    def curvature(self, weights: Floats) -> Floats:
        chances = np.exp(self._chances(weights))[self.ballots.items].T
        mean = (chances * self.evidence).sum(axis=0)
        return self.ballots.source_sums((chances * (self.evidence - mean) ** 2).sum(axis=0))


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """Dawid–Skene on all ballots, then a weight for each source on the items with gold."""
    plain = dawid_skene.fit(ballots, gold)
    return _weigh((plain.balance, plain.evidence, plain.accuracy), ballots, gold, None)


def refit(parameters: Parameters, ballots: Ballots, gold: Ints) -> Parameters:
    """Other weights for the same Dawid–Skene, drawn to the common one as strongly."""
    plain = (parameters.balance, parameters.evidence, parameters.accuracy)
    start = np.full(len(parameters.weight), parameters.scale)
    return _weigh(plain, ballots, gold, shrinkage.Shrunk(start, parameters.scale, parameters.strength))


def _weigh(
    plain: tuple[Floats, Floats, Floats], ballots: Ballots, gold: Ints, warm: shrinkage.Shrunk | None
) -> Parameters:
    assert ballots.k is not None
    share, evidence, accuracy = plain
    known = gold != UNKNOWN
    few, k = ballots.pick(known), ballots.k
    told = evidence[:, few.sources.astype(np.int64) * k + few.labels] * few.weights
    judged = _Gold(few, log_prior(few, share).reshape(-1, k), gold[known], told)
    expected = 1 / np.sqrt(max(float(ballots.voices.mean()), 1.0))
    found = shrinkage.fit(judged, np.ones(ballots.n_sources), expected, BELIEVED, warm=warm)
    return Parameters(share, evidence, _on_gold(few, gold[known], accuracy), found.weights, found.scale, found.strength)


def _on_gold(few: Ballots, truth: Ints, accuracy: Floats) -> Floats:
    """(n_sources,) accuracies on gold, drawn to those that Dawid–Skene found."""
    right = few.source_sums((truth[few.items] == few.labels).astype(np.float64))
    seen: Floats = (right + DRAWN * accuracy) / (few.source_sums(np.ones(len(few.items))) + DRAWN)
    return seen


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    weighted = parameters.evidence * np.repeat(parameters.weight, len(parameters.evidence))
    return dawid_skene.predict(dawid_skene.Parameters(parameters.balance, weighted, parameters.accuracy), ballots)


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) estimated accuracy of each source."""
    return parameters.accuracy
