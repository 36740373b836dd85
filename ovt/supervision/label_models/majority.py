"""Soft majority vote: the share of an item's votes, smoothed by the class balance.

The smallest model, and the floor that no other may undercut. One pseudo-vote is
dealt out by the class balance, so the answer is that of plain majority vote,
and where votes are tied that of the commoner class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.priors import balance, log_prior

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

PSEUDO_VOTES = 1.0
"""Just below what could outvote a difference of one vote."""


@dataclass(frozen=True)
class Parameters:
    """Nothing is learned but the class balance."""

    balance: Floats | None
    """(n_groups, k); None for select."""
    accuracy: Floats
    """(n_sources,) mean share of the other votes that agree with the source's."""


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """Class balance from gold or votes; accuracies are agreement with the others, for the report alone."""
    share = None if ballots.k is None else balance(ballots, gold)
    weight = ballots.weights
    own = ballots.with_own_cluster(weight)
    others = ballots.voices[ballots.items] - own
    agreeing = ballots.cell_sums(weight)[ballots.cells] - own
    mean = (agreeing.sum() + 1) / (others.sum() + 2)
    rates = (agreeing + mean) / (others + 1)
    counts = ballots.source_sums(np.ones(len(weight)))
    return Parameters(share, (ballots.source_sums(rates) + mean) / (counts + 1))


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    prior = np.exp(log_prior(ballots, parameters.balance))
    counts = ballots.cell_sums(ballots.weights) + PSEUDO_VOTES * prior
    return np.log(counts) - ballots.spread(np.log(ballots.voices + PSEUDO_VOTES))


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) estimated accuracy of each source."""
    return parameters.accuracy
