"""GLAD: sources have an ability, items a difficulty (Whitehill et al. 2009).

A source of ability a says the right answer on an item of ease b with log odds a b
over each wrong one: on hard items all are near chance, whoever they are, so their
agreement there says less. Whitehill's ease is a number for each item; here it is
integrated out over a few levels whose shares are learned (the grid that Gaussian
quadrature would take, with free weights). So an item with two votes has no number
of its own to be fitted to them, new items need no fitting at all, and one round of
expectation maximisation is two sums over votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models import one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, sums
from ovt.supervision.label_models.priors import balance, log_prior, logit

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

EASE = np.exp(np.array([-2.0, -1.0, 0.0, 0.7, 1.4]))
"""(levels,) of ease; 1 is ordinary."""
SHARES = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
"""Of items on each level, before votes are seen."""
LEVEL_PRIOR = 20.0
"""Pseudo-items that SHARES are worth."""
ABILITY_PRIOR = 2.0
"""Precision of the Gaussian prior on abilities around their mean."""
LARGEST = 4.0
"""Abilities lie within this: at ordinary ease 98 % right of two answers."""
ROUNDS = 40
TOLERANCE = 1e-3
NEWTON = 2
TINY = 1e-300


@dataclass(frozen=True)
class Parameters:
    """Abilities, and how items are spread over levels of ease."""

    balance: Floats | None
    """(n_groups, k); None for select."""
    ability: Floats
    """(n_sources,)"""
    levels: Floats
    """(levels,) shares of items."""
    accuracy: Floats
    """(n_sources,) over items of all levels."""


@dataclass(frozen=True)
class _Expected:
    """Posterior of answers and levels together."""

    cells: Floats
    """(cells,) log probabilities of answers."""
    joint: list[Floats]
    """For each level (cells,) probability of answer and level."""


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """EM from the one-coin model; gold sets the class balance alone."""
    share = None if ballots.k is None else balance(ballots, gold)
    prior = log_prior(ballots, share)
    others = _others(ballots)
    accuracy = one_coin.fit(ballots, np.full(ballots.n, UNKNOWN, np.int64)).accuracy
    ability = np.clip(logit(accuracy) + np.log(_mean_others(ballots, others)), -LARGEST, LARGEST)
    levels, before = SHARES, np.empty(0)
    for _ in range(ROUNDS):
        found = _expect(ballots, prior, others, (ability, levels))
        ability = _maximise(ballots, found, ability, _mean_others(ballots, others))
        mass = np.array([float(level.sum()) for level in found.joint]) + LEVEL_PRIOR * SHARES
        levels = mass / mass.sum()
        now = np.exp(found.cells)
        moved = float(np.abs(now - before).sum()) / max(ballots.n, 1) if len(before) else 1.0
        before = now
        if moved < TOLERANCE:
            break
    hits = ballots.source_sums(ballots.weights * before[ballots.cells])
    votes = ballots.source_sums(ballots.weights)
    drawn = (hits + (hits.sum() + 1) / (votes.sum() + 2)) / (votes + 1)
    return Parameters(share, ability, levels, drawn)


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    prior = log_prior(ballots, parameters.balance)
    return _expect(ballots, prior, _others(ballots), (parameters.ability, parameters.levels)).cells


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) estimated accuracy of each source."""
    return parameters.accuracy


def _others(ballots: Ballots) -> Floats:
    """(v,) wrong answers that each vote could have been."""
    return np.maximum(ballots.sizes - 1, 1)[ballots.items].astype(np.float64)


def _mean_others(ballots: Ballots, others: Floats) -> Floats:
    """(n_sources,) the same, for each source on average."""
    return np.maximum((ballots.source_sums(others) + 1) / (ballots.source_sums(np.ones(len(others))) + 1), 1.0)


def _expect(ballots: Ballots, prior: Floats, others: Floats, state: tuple[Floats, Floats]) -> _Expected:
    """E-step: given the level, votes on an item are independent, and each adds to its own cell alone."""
    ability, levels = state
    pull = ballots.cell_sums(ballots.weights * ability[ballots.sources])
    logs = []
    for ease, share in zip(EASE, levels, strict=True):
        missing = sums(ballots.items, ballots.weights * _missing(ballots, others, ability * ease), ballots.n)
        logs.append(prior + ease * pull + ballots.spread(np.log(share) - missing))
    peak = ballots.spread(ballots.item_peaks(np.maximum.reduce(logs)))
    joint = [np.exp(each - peak) for each in logs]
    total = np.add.reduce(joint)
    scale = 1 / ballots.spread(ballots.item_sums(total))
    return _Expected(np.log(np.maximum(total * scale, TINY)), [each * scale for each in joint])


def _missing(ballots: Ballots, others: Floats, pull: Floats) -> Floats:
    """(v,) log of the sum over all answers that a vote could have been; by source where items have the same cells."""
    if ballots.k is not None:
        return np.asarray(np.logaddexp(np.log(max(ballots.k - 1, 1)), pull)[ballots.sources])
    return np.asarray(np.logaddexp(np.log(others), pull[ballots.sources]))


def _maximise(ballots: Ballots, found: _Expected, ability: Floats, others: Floats) -> Floats:
    """M-step: Newton's method for each ability, from expected right votes and votes by level."""
    right, votes = [], []
    for joint in found.joint:
        mass = ballots.item_sums(joint)
        right.append(ballots.source_sums(ballots.weights * joint[ballots.cells]))
        votes.append(ballots.source_sums(ballots.weights * mass[ballots.items]))
    total = np.sum(votes, axis=0)
    mean = float(np.average(ability, weights=total + 1e-9)) if len(ability) else 0.0
    for _ in range(NEWTON):
        slope, curved = -ABILITY_PRIOR * (ability - mean), np.full(len(ability), ABILITY_PRIOR)
        for ease, hits, level in zip(EASE, right, votes, strict=True):
            chance = 1 / (1 + others * np.exp(-ability * ease))
            slope = slope + ease * (hits - level * chance)
            curved = curved + ease**2 * level * chance * (1 - chance)
        ability = np.clip(ability + slope / curved, -LARGEST, LARGEST)
    return np.asarray(ability)
