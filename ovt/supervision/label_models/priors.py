"""What the label models believe before they look: class balance, and how far sources differ from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints, counts, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

BALANCE_STRENGTH = 4.0
"""Pseudo-items by which the balance seen in gold is drawn to the balance of the votes."""
STRENGTHS = (2.0, 200.0)
"""Between sources that hardly resemble each other and sources that are all alike."""


def balance(ballots: Ballots, gold: Ints) -> Floats:
    """(n_groups, k) class balance: of gold where there is some, else guessed from the votes; never zero.

    Annotators' votes show how common classes are: the guess is the mean vote share
    of the items. Votes of sources with one answer show what was looked for (all may
    look for the rare class): as far as votes come from such, the guess is halfway
    to an even balance.
    """
    assert ballots.k is not None
    shape = (ballots.n_groups, ballots.k)
    group = np.zeros(ballots.n, np.int64) if ballots.groups is None else ballots.groups.astype(np.int64)
    shares = ballots.weights / np.maximum(ballots.voices, 1e-12)[ballots.items]
    index = group[ballots.items] * ballots.k + ballots.labels
    voted = sums(index, shares, shape[0] * shape[1]).reshape(shape) + 0.5
    blind = 0.5 * one_sided(ballots)
    voted = (1 - blind) * voted / voted.sum(axis=1, keepdims=True) + blind / ballots.k
    known = gold != UNKNOWN
    seen = counts(group[known] * ballots.k + gold[known], shape[0] * shape[1]).reshape(shape)
    mixed = seen + BALANCE_STRENGTH * voted
    share: Floats = mixed / mixed.sum(axis=1, keepdims=True)
    return share


def one_sided(ballots: Ballots) -> float:
    """Share of the votes that come from sources which only ever give one answer."""
    if ballots.k is None or ballots.groups is not None or not len(ballots.items):
        return 0.0
    given = counts(ballots.sources.astype(np.int64) * ballots.k + ballots.labels, ballots.n_sources * ballots.k)
    given = given.reshape(-1, ballots.k)
    return float(given[(given > 0).sum(axis=1) == 1].sum() / given.sum())


def log_prior(ballots: Ballots, share: Floats | None) -> Floats:
    """(cells,) log of the class balance on every cell; uniform over candidates where they vary (None)."""
    if share is None or ballots.k is None:
        return -ballots.spread(np.log(ballots.sizes))
    rows = np.log(share)
    return rows.repeat(ballots.n, axis=0).reshape(-1) if ballots.groups is None else rows[ballots.groups].reshape(-1)


def strength(right: Floats, trials: Floats) -> float:
    """Pseudo-votes of the Beta prior on a source's accuracy, from how far sources differ.

    The method of moments for the beta-binomial (Kleinman 1973): the spread of
    the observed accuracies beyond what counting noise explains. Alike sources
    give a strong prior, so a source with few votes is read as an average one.
    """
    usable = trials > 1
    if usable.sum() < 3:
        return 10.0
    rates, weight = np.clip(right[usable] / trials[usable], 0, 1), trials[usable]
    mean = float(np.average(rates, weights=weight))
    noise = mean * (1 - mean)
    if noise <= 1e-9:
        return STRENGTHS[1]
    total = float(weight.sum())
    scatter = float((weight * (rates - mean) ** 2).sum())
    spread = (scatter - noise * (len(rates) - 1)) / (total - float((weight**2).sum()) / total)
    if spread <= 0:
        return STRENGTHS[1]
    return float(np.clip(noise / spread - 1, *STRENGTHS))


def drawn_to_parents(right: Floats, trials: Floats, parents: NDArray[np.int32] | None, level: float) -> Floats:
    """(n_sources,) what each source's rate is drawn to: its parent's, itself drawn to the pool's `level`."""
    if parents is None:
        return np.full(len(right), level)
    above_right, above_trials = sums(parents, right, 0), sums(parents, trials, 0)
    prior = strength(above_right, above_trials)
    family: Floats = (above_right + prior * level) / (above_trials + prior)
    return family[parents]


def logit(rate: Floats) -> Floats:
    """Log odds; a rate of 0 or 1 is read as a millionth away from it."""
    inside = np.clip(rate, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds
