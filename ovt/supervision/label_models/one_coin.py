"""One-coin model: one accuracy per source, errors spread evenly over the other answers.

The symmetric form of Dawid and Skene (1979), also "truth discovery" with a Beta
prior (Ghosh et al. 2011; Li and Yu 2014). It has one number per source, so it
works with few votes, with thousands of classes, and with candidates that vary
from item to item. Two things keep EM from believing itself: a source is judged
by the *others* (leave-one-out posteriors; without them a source that votes
often confirms its own votes), and accuracies are MAP under a Beta prior whose
mean and strength are those of the pool.

What a round needs to know of votes is two numbers for each source, which add up
over shards (`Counts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.priors import balance, drawn_to_parents, log_prior, logit, strength

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

ROUNDS = 50
TOLERANCE = 1e-4
LIMITS = (0.02, 0.98)
"""No source is trusted or distrusted beyond this: one vote never decides against three good ones."""


@dataclass(frozen=True)
class Parameters:
    """Accuracy of each source, and the class balance."""

    balance: Floats | None
    accuracy: Floats
    """(n_sources,)."""


def bumps(accuracy: Floats, ballots: Ballots) -> Floats:
    """(v,) log odds that a vote adds to its cell: log a - log((1 - a) / (other cells))."""
    others = np.maximum(ballots.sizes - 1, 1)[ballots.items]
    added: Floats = ballots.weights * (logit(accuracy)[ballots.sources] + np.log(others))
    return added


def leave_one_out(ballots: Ballots, posterior: Floats, own: Floats) -> Floats:
    """(v,) posterior of each vote's answer by the other sources alone, from log posteriors of all.

    A vote moves only its own cell, so without it the odds of that cell are
    p e^-b / (1 - p), with p the full posterior and b the vote's bump: exact, and
    O(votes).
    """
    full = posterior[ballots.cells]
    against = np.log(np.maximum(-np.expm1(full), 1e-12))
    alone: Floats = 1.0 / (1.0 + np.exp(np.clip(against - full + ballots.with_own_cluster(own), -500, 500)))
    return alone


def judge(ballots: Ballots, posterior: Floats, own: Floats) -> tuple[Floats, Floats]:
    """(v,) how right each vote is by the others, and how much the others can tell (0 … 1).

    Judges that are unsure make every source look like chance: if they put q on
    the answers, a vote that is right with accuracy a has the expected posterior
    a B + (1 - a)(1 - B) / (k - 1), with B = sum q^2. Solved for a, each vote is
    worth (q - (1 - B) / (k - 1)) out of B - (1 - B) / (k - 1).
    """
    alone = leave_one_out(ballots, posterior, own)
    chances = np.exp(posterior)
    voted = chances[ballots.cells]
    rest = np.maximum(ballots.item_sums(chances**2)[ballots.items] - voted**2, 0.0)
    decisive = np.minimum(alone**2 + rest * ((1 - alone) / np.maximum(1 - voted, 1e-12)) ** 2, 1.0)
    by_chance = (1 - decisive) / np.maximum(ballots.sizes - 1, 1)[ballots.items]
    return alone - by_chance, np.maximum(decisive - by_chance, 0.0)


@dataclass(frozen=True)
class Counts:
    """All that the model needs to know of some votes, given what it believed before: counts of shards add up."""

    right: Floats
    """(n_sources,) how right a source's votes are by the others."""
    trials: Floats
    """(n_sources,) how much of its votes the others can tell."""

    def __add__(self, other: Counts) -> Counts:
        """The counts of both shards together."""
        return Counts(self.right + other.right, self.trials + other.trials)


def count(ballots: Ballots, parameters: Parameters) -> Counts:
    """E-step on one shard."""
    own = bumps(parameters.accuracy, ballots)
    prior = log_prior(ballots, parameters.balance)
    right, trials = judge(ballots, ballots.normalise(prior + ballots.cell_sums(own)), own)
    several = ballots.voices[ballots.items] > 1 + 1e-9
    return Counts(ballots.source_sums(right * several), ballots.source_sums(trials * several))


def learn(counts: Counts, before: Parameters, parents: NDArray[np.int32] | None = None) -> Parameters:
    """M-step on the counts of any number of shards."""
    return Parameters(before.balance, map_accuracy(counts.right, counts.trials, parents))


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """EM with leave-one-out posteriors, from soft majority vote; gold sets the class balance alone."""
    share = None if ballots.k is None else balance(ballots, gold)
    return resume([ballots], Parameters(share, np.full(ballots.n_sources, 0.75)))


def resume(shards: Sequence[Ballots], parameters: Parameters) -> Parameters:
    """EM over shards with the same sources, from where an earlier fit ended: one more shard costs a round or two."""
    for _ in range(ROUNDS):
        counts = reduce(add, [count(shard, parameters) for shard in shards])
        fresh = learn(counts, parameters, shards[0].parents)
        moved = float(np.abs(fresh.accuracy - parameters.accuracy).max(initial=0.0))
        parameters = fresh
        if moved < TOLERANCE:
            break
    return parameters


def map_accuracy(right: Floats, trials: Floats, parents: NDArray[np.int32] | None) -> Floats:
    """(n_sources,) accuracies drawn to the pool's by a Beta prior as strong as sources are alike."""
    pooled = float((right.sum() + 1.5) / (trials.sum() + 2))
    prior = strength(right, trials)
    mean = drawn_to_parents(right, trials, parents, pooled)
    fresh: Floats = np.clip((right + prior * mean) / (trials + prior), *LIMITS)
    return fresh


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    added = ballots.cell_sums(bumps(parameters.accuracy, ballots))
    return ballots.normalise(log_prior(ballots, parameters.balance) + added)


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) estimated accuracy of each source."""
    return parameters.accuracy
