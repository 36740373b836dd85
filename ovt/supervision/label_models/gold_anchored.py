"""Gold-anchored naive Bayes: what each vote has been worth where the truth is known.

Each kind of vote (source s says l) has a precision on gold, drawn to the source's
accuracy, and that to the accuracy of all (empirical Bayes: Efron and Morris 1975). Its evidence is the log odds
of that precision against the class balance. For `select` a source's accuracy
takes the place of precision. Nothing is assumed about how sources depend on each
other, so the sum is too sure of itself; the temperature of `calibration` is
estimated with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovt.supervision.label_models import one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints, sums
from ovt.supervision.label_models.priors import balance, log_prior, logit, strength


@dataclass(frozen=True)
class Parameters:
    """Class balance, evidence of each kind of vote, accuracies."""

    balance: Floats | None
    evidence: Floats
    """(n_sources, k) log odds that a vote adds to its own cell; (n_sources, 1) for select."""
    accuracy: Floats


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """Precisions on the items with gold."""
    share = None if ballots.k is None else balance(ballots, gold)
    known = gold[ballots.items] != UNKNOWN
    width = ballots.k or 1
    types = ballots.sources[known].astype(np.int64) * width + (ballots.labels[known] if ballots.k else 0)
    hit = (gold[ballots.items] == ballots.labels)[known].astype(np.float64)
    size = ballots.n_sources * width
    right, trials = sums(types, hit, size), sums(types, np.ones(len(types)), size)
    source_right, source_trials = right.reshape(-1, width).sum(axis=1), trials.reshape(-1, width).sum(axis=1)
    weight = strength(source_right, source_trials)
    level = (source_right.sum() + 1.5) / (source_trials.sum() + 2)
    accuracy = (source_right + weight * level) / (source_trials + weight)
    within = strength(right, trials)
    rate = (right + within * np.repeat(accuracy, width)) / (trials + within)
    rate = np.clip(rate, *one_coin.LIMITS)
    odds = logit(rate)
    if share is not None:
        odds = odds - logit(np.tile(share.mean(axis=0), ballots.n_sources))
    return Parameters(share, odds.reshape(-1, width), accuracy)


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    if ballots.k is None:
        added = parameters.evidence[ballots.sources, 0] + np.log(np.maximum(ballots.sizes - 1, 1))[ballots.items]
    else:
        added = parameters.evidence[ballots.sources, ballots.labels]
    logits = log_prior(ballots, parameters.balance) + ballots.cell_sums(ballots.weights * added)
    return ballots.normalise(logits)


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) accuracy of each source on gold, smoothed."""
    return parameters.accuracy
