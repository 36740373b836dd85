"""Near-copies among the sources: those that agree beyond what their accuracies explain share one vote.

If sources err independently given the truth, the correlation of two of them is
the product of how well each knows the truth, u_i u_j: the matrix of correlations
has rank one off its diagonal (Parisi et al. 2014). u is fitted robustly, as the
median of r_ij / u_j, so that a few copies do not bend it. A pair whose
correlation stands far above u_i u_j copies: r = rho + (1 - rho) u_i u_j, and rho
is the share of its answers that is copied. Sources that give one answer only
have no correlation; they are copies if they fire on the same items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.ballots import counts, sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Ballots, Floats

LEAST_SHARED = 30
"""Items that both sources of a pair voted on, to say anything about the pair."""
COPIED = 0.6
"""Share of answers explained by copying alone, from which on two sources are one voice."""
SAME_ITEMS = 0.8
"""Share of the items of either that both vote on, from which on sources with one answer are copies."""
CO_FIRING = 0.5
"""The same share, below which sources are no copies however well they agree: what both find is the easy part."""
LINKED = 0.5
"""Share of the pairs between two clusters that must be copies to join them."""
SURE = 5.0
"""Standard errors above independence: there are as many pairs as sources squared."""
MOST_PAIRS = 4_000_000
"""Pairs of votes looked at; beyond it a regular sample of the items is taken."""
MOST_SOURCES = 2_000
"""With more sources (crowds) pairs rarely meet often enough; copies are then not looked for."""


@dataclass(frozen=True)
class Agreement:
    """How often pairs of sources meet and agree, (m, m)."""

    shared: Floats
    agreed: Floats
    chance: Floats
    """Expected agreement if both answered at random with their own habits."""
    same_items: Floats
    """Items both voted on, of the items of either."""


def clusters(ballots: Ballots, found: Agreement | None = None) -> NDArray[np.int32] | None:
    """(n_sources,) the cluster of each source, named by its first member; None where no source copies another.

    `found` is their agreement, if it was counted already.
    """
    m = ballots.n_sources
    if not comparable(ballots):
        return None
    root = linked(copying(agreement(ballots) if found is None else found))
    return root if (root != np.arange(m)).any() else None


def comparable(ballots: Ballots) -> bool:
    """Whether pairs of sources can be looked at: there are two, not too many, and each has one opinion an item."""
    return 2 <= ballots.n_sources <= MOST_SOURCES and ballots.parents is None


def linked(pairs: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(m,) clusters of sources in which each is a copy of half of the others or more: chains do not run together."""
    root = np.arange(len(pairs), dtype=np.int32)
    for i, j in np.argwhere(np.triu(pairs)):
        if root[i] != root[j]:
            ours, theirs = np.flatnonzero(root == root[i]), np.flatnonzero(root == root[j])
            if pairs[np.ix_(ours, theirs)].mean() >= LINKED:
                root[np.concatenate([ours, theirs])] = min(root[i], root[j])
    return root


def named(clusters: NDArray[np.int32] | None, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The names of the sources of each cluster of more than one."""
    if clusters is None:
        return ()
    groups = [np.flatnonzero(clusters == first) for first in np.unique(clusters)]
    return tuple(tuple(names[i] for i in group.tolist()) for group in groups if len(group) > 1)


def agreement(ballots: Ballots) -> Agreement:
    """Count every pair of votes on one item, in a sample that bounds the work."""
    m = ballots.n_sources
    ballots = _sample(ballots)
    turnout = ballots.turnout
    repeats = turnout[ballots.items]
    left = np.repeat(np.arange(len(ballots.items)), repeats)
    first = np.concatenate([[0], np.cumsum(turnout)])[ballots.items]
    offset = np.arange(len(left)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    right = np.repeat(first, repeats) + offset
    pair = ballots.sources[left].astype(np.int64) * m + ballots.sources[right]
    same = (ballots.labels[left] == ballots.labels[right]).astype(np.float64)
    shared = counts(pair, m * m).reshape(m, m).astype(np.float64)
    agreed = sums(pair, same, m * m).reshape(m, m)
    if ballots.k is None:
        chance = sums(pair, 1.0 / ballots.sizes[ballots.items[left]], m * m).reshape(m, m) / np.maximum(shared, 1)
    else:
        given = counts(ballots.sources.astype(np.int64) * ballots.k + ballots.labels, m * ballots.k).reshape(m, -1)
        habits = given / np.maximum(given.sum(axis=1, keepdims=True), 1)
        chance = habits @ habits.T
    votes = np.diag(shared)
    either = votes[:, None] + votes[None, :] - shared
    return Agreement(shared, agreed, chance, shared / np.maximum(either, 1))


def _sample(ballots: Ballots) -> Ballots:
    work = float((ballots.turnout.astype(np.float64) ** 2).sum())
    if work <= MOST_PAIRS:
        return ballots
    keep = np.arange(ballots.n) % int(np.ceil(work / MOST_PAIRS)) == 0
    return ballots.pick(keep)


@dataclass(frozen=True)
class Dependence:
    """How far pairs of sources agree beyond their accuracies, (m, m): what is left beside the matrix of rank one."""

    excess: Floats
    """Share of their agreement that accuracies do not explain, where it can be known; else 0."""
    sure: Floats
    """The same in standard errors."""
    speaks: NDArray[np.bool_]
    """Whether both give more than one answer."""
    usable: NDArray[np.bool_]
    """Whether they meet often enough."""


def dependence(found: Agreement) -> Dependence:
    """Correlations of pairs as a matrix of rank one, fitted robustly, and a sparse rest (see the top of this file)."""
    usable = found.shared >= LEAST_SHARED
    np.fill_diagonal(usable, val=False)
    scale = np.sqrt(np.outer(1 - np.diag(found.chance), 1 - np.diag(found.chance)))
    speaks = scale > 0.02
    rate = found.agreed / np.maximum(found.shared, 1)
    correlation = np.clip((rate - found.chance) / np.maximum(scale, 0.02), -1, 1)
    known = usable & speaks
    knowledge = _rank_one(correlation, known)
    explained = np.clip(np.outer(knowledge, knowledge), -0.99, 0.99)
    error = (1 - explained**2) / np.sqrt(np.maximum(found.shared, 1))
    met = known.sum(axis=1) >= 3
    judged = known & met[:, None] & met[None, :]
    excess = np.where(judged, (correlation - explained) / (1 - explained), 0.0)
    return Dependence(excess, np.where(judged, (correlation - explained) / error, 0.0), speaks, usable)


def copying(found: Agreement) -> NDArray[np.bool_]:
    """(m, m) which pairs are one voice."""
    pairs = dependence(found)
    by_answers = (found.same_items >= CO_FIRING) & (pairs.excess >= COPIED) & (pairs.sure >= SURE)
    rate = found.agreed / np.maximum(found.shared, 1)
    by_items = pairs.usable & ~pairs.speaks & (rate > 0.95) & (found.same_items >= SAME_ITEMS)
    joined: NDArray[np.bool_] = by_answers | by_items
    return joined


def _rank_one(correlation: Floats, known: NDArray[np.bool_]) -> Floats:
    """(m,) u with correlation ~ u_i u_j, by medians."""
    masked = np.where(known, correlation, np.nan)
    any_known = known.any(axis=1)
    u = np.zeros(len(correlation))
    if not any_known.any():
        return u
    u[any_known] = np.sqrt(np.clip(np.nanmedian(masked[any_known], axis=1), 0.01, 1))
    for _ in range(30):
        ratio = masked[any_known] / np.where(np.abs(u) > 0.1, u, np.nan)[None, :]
        empty = np.isnan(ratio).all(axis=1)
        ratio[empty] = 0.0
        fresh = u.copy()
        fresh[any_known] = np.clip(np.nanmedian(ratio, axis=1), -1, 1)
        moved = np.abs(fresh - u).max()
        u = 0.5 * u + 0.5 * fresh
        if moved < 1e-4:
            break
    return u
