"""MAP Dawid–Skene: a confusion matrix per source, with hierarchical priors.

Dawid and Skene (1979) with the priors of a hierarchical model (Kim and
Ghahramani 2012; Paun et al. 2018): one pooled confusion for all sources, moved
to each source's own accuracy, with a Dirichlet prior around it whose strength is
how alike the sources are. A worker with ten votes is an average worker, one with
a thousand is whatever the votes say.

Dawid–Skene explains which answer a source gave, *given that it answered*. A
source that only ever gives one answer (a "unipolar" labeling function) then says
nothing at all: each answer was certain whatever the truth. Such sources get the
**precision form**: P(truth = l | it voted l), estimated from the leave-one-out
posteriors of the others, drawn to the pooled precision, and read as evidence
relative to the class balance (the naive Bayes of a vote's presence, with absence
read as no information). A source counts as such if it leaves out a class that
its number of votes should have met; annotators who see all classes do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models import majority, one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, counts, sums
from ovt.supervision.label_models.priors import BALANCE_STRENGTH, balance, log_prior, logit, strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

ROUNDS = 60
TOLERANCE = 1e-3
"""Mean absolute change of the posteriors, summed over classes, at which EM stops."""
MISSED = 5.0
"""A class is left out by a source that should have met it this often and voted for it a tenth as often or less."""
PRECISION = (0.5, 0.98)
"""Where the precision of a restricted source may lie: nobody writes a function that is wrong more often than right."""
HITS = (0.02, 0.98)
"""Where the diagonal of a prior confusion may lie."""


@dataclass(frozen=True)
class Parameters:
    """Class balance and a table of evidence."""

    balance: Floats
    """(n_groups, k)."""
    evidence: Floats
    """(k, n_sources * k): what source s voting l (column s * k + l) adds to the logit of each class."""
    accuracy: Floats
    """(n_sources,)."""
    trace: tuple[float, ...] = ()
    """Penalised log-likelihood by round; never falls while every source has a confusion matrix."""


@dataclass(frozen=True)
class _Problem:
    """What stays the same from round to round."""

    ballots: Ballots
    types: Ints
    """(v,) kind of each vote: source * k + label."""
    balance: Floats
    """(n_groups, k) to start from."""
    learned: bool
    """Whether the balance is estimated with the rest: without gold, if the sources see all classes."""
    prior: Floats
    """(n_sources, k truth, k voted) Dirichlet pseudo-votes."""
    partial: NDArray[np.bool_]
    """(n_sources,) whose evidence has the precision form."""

    def expected(self, posterior: Floats) -> Floats:
        """(n_sources, k truth, k voted) expected votes."""
        return _expected(self.ballots, self.types, posterior)

    @property
    def share(self) -> Floats:
        """(k,) class balance over all groups."""
        return np.asarray(self.balance.mean(axis=0))

    def logits(self, balance: Floats, table: Floats) -> Floats:
        """(n, k) for a class balance and a table of evidence."""
        base = log_prior(self.ballots, balance).reshape(self.ballots.n, -1)
        return _logits(self.ballots, self.types, base, table)

    def balance_of(self, posterior: Floats) -> Floats:
        """(n_groups, k) of the posteriors, drawn to where it started."""
        group = self.ballots.groups
        if group is None:
            seen = posterior.sum(axis=0, keepdims=True)
        else:
            columns = [sums(group, posterior[:, c], len(self.balance)) for c in range(posterior.shape[1])]
            seen = np.stack(columns, axis=1)
        mixed = seen + BALANCE_STRENGTH * self.balance
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def fit(ballots: Ballots, gold: Ints) -> Parameters:
    """Majority vote, then priors from the pool, then EM over all sources; gold, if any, sets the class balance."""
    assert ballots.k is not None
    share = balance(ballots, gold)
    start = np.exp(majority.predict(majority.fit(ballots, gold), ballots)).reshape(-1, ballots.k)
    types = _types(ballots)
    prior = _priors(ballots, _expected(ballots, types, start), gold)
    partial = restricted(ballots, share)
    learned = not partial.any() and bool((gold == UNKNOWN).all())
    return _maximise(_Problem(ballots, types, share, learned, prior, partial), start)


def restricted(ballots: Ballots, share: Floats) -> NDArray[np.bool_]:
    """(n_sources,) which sources leave classes out, so that the precision form is theirs."""
    assert ballots.k is not None
    k = ballots.k
    given = counts(_types(ballots), ballots.n_sources * k).reshape(-1, k)
    if ballots.groups is None:
        expected = given.sum(axis=1, keepdims=True) * share
    else:
        balances = share[ballots.groups[ballots.items]]
        expected = np.stack([ballots.source_sums(balances[:, c]) for c in range(k)], axis=1)
    left_out: NDArray[np.bool_] = ((expected >= MISSED) & (given <= expected / 10)).any(axis=1)
    return left_out


def _types(ballots: Ballots) -> Ints:
    assert ballots.k is not None
    return ballots.sources.astype(np.int64) * ballots.k + ballots.labels


def _expected(ballots: Ballots, types: Ints, posterior: Floats) -> Floats:
    k = posterior.shape[1]
    weight, size = ballots.weights, ballots.n_sources * k
    columns = [sums(types, weight * posterior[ballots.items, c], size) for c in range(k)]
    expected: Floats = np.stack(columns).reshape(k, -1, k).swapaxes(0, 1)
    return expected


def _logits(ballots: Ballots, types: Ints, base: Floats, table: Floats) -> Floats:
    logits = np.empty_like(base)
    for c in range(base.shape[1]):
        logits[:, c] = base[:, c] + sums(ballots.items, ballots.weights * table[c][types], ballots.n)
    return logits


def _priors(ballots: Ballots, expected: Floats, gold: Ints) -> Floats:
    """(n_sources, k, k) pseudo-votes: each source's prior confusion times how alike the sources are."""
    k = expected.shape[1]
    pooled = expected.sum(axis=0) + 1.0
    pooled[np.diag_indices(k)] += k
    pooled /= pooled.sum(axis=1, keepdims=True)
    rows = np.arange(k)
    trials = expected.sum(axis=2)
    alike = strength(expected[:, rows, rows].ravel(), trials.ravel())
    if ballots.parents is None:
        level = np.average(pooled[rows, rows], weights=trials.sum(axis=0) + 1e-9)
        mean = _at_accuracy(pooled, one_coin.fit(ballots, gold).accuracy, level)
    else:
        family = np.zeros((int(ballots.parents.max(initial=0)) + 1, k, k))
        np.add.at(family, ballots.parents, expected)
        family += alike * pooled
        mean = (family / family.sum(axis=2, keepdims=True))[ballots.parents]
    pseudo: Floats = mean * alike + 1e-3
    return pseudo


def _at_accuracy(pooled: Floats, accuracy: Floats, level: Floats) -> Floats:
    """(n_sources, k, k) the pooled confusion with its diagonal moved, in log odds, as far as the source is from it."""
    rows = np.arange(len(pooled))
    hit = pooled[rows, rows]
    moved = logit(hit)[None, :] + (logit(accuracy) - logit(level))[:, None]
    diagonal = np.clip(1 / (1 + np.exp(-moved)), *HITS)
    mean = pooled[None] * ((1 - diagonal) / np.maximum(1 - hit, 1e-9))[:, :, None]
    mean[:, rows, rows] = diagonal
    mean /= mean.sum(axis=2, keepdims=True)
    return mean


def _maximise(problem: _Problem, posterior: Floats) -> Parameters:
    ballots, k, share = problem.ballots, posterior.shape[1], problem.balance
    trace: list[float] = []
    table = np.zeros((k, ballots.n_sources * k))
    for _ in range(ROUNDS):
        confusion = problem.expected(posterior) + problem.prior
        confusion /= confusion.sum(axis=2, keepdims=True)
        fresh = np.log(confusion).swapaxes(0, 1).reshape(k, -1)
        if problem.partial.any():
            _put_precision(fresh, problem, table)
        if problem.learned:
            share = problem.balance_of(posterior)
        table = fresh
        logits = problem.logits(share, table)
        peak = logits.max(axis=1, keepdims=True)
        total = np.exp(logits - peak).sum(axis=1, keepdims=True)
        beliefs = (problem.prior * np.log(confusion)).sum() + BALANCE_STRENGTH * (problem.balance * np.log(share)).sum()
        trace.append(float((peak + np.log(total)).sum() + beliefs))
        updated = np.exp(logits - peak) / total
        moved = float(np.abs(updated - posterior).sum(axis=1).mean()) if ballots.n else 0.0
        posterior = updated
        if moved < TOLERANCE:
            break
    return Parameters(share, table, _accuracy(ballots, posterior), tuple(trace))


def _accuracy(ballots: Ballots, posterior: Floats) -> Floats:
    """(n_sources,) mean posterior of what a source said, drawn to that of all by one vote."""
    hits = ballots.source_sums(ballots.weights * posterior[ballots.items, ballots.labels])
    votes = ballots.source_sums(ballots.weights)
    drawn: Floats = (hits + (hits.sum() + 1) / (votes.sum() + 2)) / (votes + 1)
    return drawn


def _put_precision(fresh: Floats, problem: _Problem, table: Floats) -> None:
    """Overwrite the columns of restricted sources with the precision form; table is the last round's evidence."""
    ballots, types, k = problem.ballots, problem.types, len(problem.share)
    ours = problem.partial[ballots.sources]
    own = ballots.weights * (table[ballots.labels, types] if table.any() else 0.0)
    agreed = one_coin.leave_one_out(ballots, ballots.normalise(problem.logits(problem.balance, table).reshape(-1)), own)
    judged = ours & (ballots.voices[ballots.items] > 1 + 1e-9)
    size = ballots.n_sources * k
    right, trials = sums(types[judged], agreed[judged], size), sums(types[judged], judged[judged], size)
    pooled = (right.sum() + 3.0) / (trials.sum() + 4.0)
    prior = strength(right, trials)
    precision = np.clip((right + prior * pooled) / (trials + prior), *PRECISION)
    bump = np.maximum(logit(precision) - logit(np.tile(problem.share, ballots.n_sources)), 0.0)
    columns = np.flatnonzero(np.repeat(problem.partial, k))
    fresh[:, columns] = 0.0
    fresh[columns % k, columns] = bump[columns]


def predict(parameters: Parameters, ballots: Ballots) -> Floats:
    """(cells,) log probabilities."""
    assert ballots.k is not None
    base = log_prior(ballots, parameters.balance).reshape(-1, ballots.k)
    return ballots.normalise(_logits(ballots, _types(ballots), base, parameters.evidence).reshape(-1))


def accuracies(parameters: Parameters) -> Floats:
    """(n_sources,) estimated accuracy of each source."""
    return parameters.accuracy
