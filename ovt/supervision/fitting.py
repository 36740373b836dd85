"""A label model for many ballots in bounded time: fitted to a sample, near-copies joined, one pass to predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.choice import Chosen, Truth, choose
from ovt.supervision.copies import clusters
from ovt.supervision.label_models import majority
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SAMPLED_VOTES = 300_000
"""Votes that are always enough to fit to, plus VOTES_PER_SOURCE for each source."""
VOTES_PER_SOURCE = 1_000
PIECE = 65_536
"""Items predicted at once."""


@dataclass(frozen=True)
class Fitted:
    """A chosen label model and the copies it was told of."""

    chosen: Chosen
    clusters: NDArray[np.int32] | None
    """(n_sources,) sources with one number share one vote."""

    def log_probabilities(self, ballots: Ballots) -> Iterator[tuple[int, Ballots, Floats]]:
        """First item, ballots and log probabilities of one piece after another."""
        for start in range(0, ballots.n, PIECE):
            piece = replace(ballots.span(start, min(start + PIECE, ballots.n)), clusters=self.clusters)
            yield start, piece, self.chosen.log_probabilities(piece)

    def probabilities(self, ballots: Ballots) -> NDArray[np.float32]:
        """(cells,) of all items."""
        out = np.empty(int(ballots.offsets[-1]), np.float32)
        for start, piece, logs in self.log_probabilities(ballots):
            at = int(ballots.offsets[start])
            out[at : at + int(piece.offsets[-1])] = np.exp(logs)
        return out


def sample(turnout: Ints, keep: NDArray[np.bool_], n_sources: int, seed: int) -> NDArray[np.bool_]:
    """(n,) which items to fit to: those of `keep` (with gold) and a random share of the others if there are many."""
    budget = SAMPLED_VOTES + VOTES_PER_SOURCE * n_sources
    total = int(turnout.sum())
    if total <= budget:
        return np.ones(len(turnout), bool)
    # A stream of its own: data simulated with the same seed must not decide who is sampled.
    random = np.random.default_rng((seed, len(turnout), total))
    return keep | (random.random(len(turnout)) < budget / total)


def fit(ballots: Ballots, dev_gold: Ints, train_gold: Ints, seed: int) -> Fitted:
    """Find copies, choose a model on dev; where that loses to majority vote, majority vote with all votes counted."""
    joined = clusters(ballots)
    truth = Truth(dev_gold, train_gold, _plain_majority(ballots, dev_gold))
    found = Fitted(choose(replace(ballots, clusters=joined), truth, seed), joined)
    if joined is None or found.chosen.above_floor:
        return found
    return Fitted(choose(ballots, truth, seed), None)


def _plain_majority(ballots: Ballots, dev_gold: Ints) -> float:
    """Accuracy on dev of majority vote with one vote for each source."""
    dev = dev_gold != UNKNOWN
    if not dev.any():
        return 0.0
    parameters = majority.fit(ballots, dev_gold)
    few = ballots.pick(dev)
    return float((few.answers(majority.predict(parameters, few)) == dev_gold[dev]).mean())
