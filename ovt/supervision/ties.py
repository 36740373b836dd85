"""Sources that err together without being copies: functions that share a keyword list, workers who share a shortcut.

Given the truth, the correlation of two sources is that of their errors. Over all
pairs it is a matrix of rank one, from the truth that all of them see, and a sparse
rest, which is who depends on whom (Varma et al. 2019 find both by robust PCA on
the inverse covariance; `copies.dependence` takes the correlations themselves and a
robust fit of rank one, which abstaining sources allow for). A vote of a tied source
is divided by the design effect of the votes it is tied to on the item: n sources
whose errors correlate by r are worth n / (1 + (n - 1) r) voices (Kish 1965).

What looks like a tie may be something else: two excellent workers among poor ones,
or sources that share a class. So ties are tried before they are believed: answers
must agree better with hidden votes of sources that are tied to nobody, and be right
as often on gold where there is some.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.copies import dependence
from ovt.supervision.held_votes import agreement_with
from ovt.supervision.label_models import one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Ints, Ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.supervision.copies import Agreement

LEAST = 0.1
"""Excess correlation below which two sources are read as independent."""
SURE = 5.0
"""Standard errors above independence: there are as many pairs as sources squared."""
ENOUGH = 50
"""Items with gold from which on they are asked."""
PROVEN = 2.0
"""Standard errors by which answers must be better with ties than without."""


def ties(ballots: Ballots, met: Agreement, gold: Ints, seed: int) -> Ties | None:
    """The ties that make answers better; `met` counts pairs, gold (n,) has a veto where there is enough of it."""
    found = suspected(ballots, met)
    if found is None:
        return None
    loose = replace(ballots, ties=found)
    known = gold != UNKNOWN
    if known.sum() >= ENOUGH and _right(loose, gold, known).sum() < _right(ballots, gold, known).sum():
        return None
    judges = np.ones(ballots.n_sources, bool)
    judges[found.sources] = False
    before, after = (agreement_with(each, one_coin, judges, seed) for each in (ballots, loose))
    gain = after - before
    if not len(gain) or gain.mean() <= PROVEN * gain.std() / np.sqrt(len(gain)):
        return None
    return found


def suspected(ballots: Ballots, met: Agreement) -> Ties | None:
    """Every pair that agrees beyond what accuracies explain, without being near-copies, which share a vote already."""
    pairs = dependence(met)
    tied: NDArray[np.bool_] = (pairs.excess >= LEAST) & (pairs.sure >= SURE)
    if ballots.clusters is not None:
        tied &= ballots.clusters[:, None] != ballots.clusters[None, :]
    sources = np.flatnonzero(tied.any(axis=1))
    if not len(sources):
        return None
    excess = np.where(tied, pairs.excess, 0.0)[np.ix_(sources, sources)]
    return Ties(sources.astype(np.int32), excess.astype(np.float32))


def _right(ballots: Ballots, gold: Ints, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(gold items,) whether the one-coin model, without that gold, answers right."""
    nothing = np.full(ballots.n, UNKNOWN, np.int64)
    few = ballots.pick(known)
    answers = few.answers(one_coin.predict(one_coin.fit(ballots, nothing), few))
    return np.asarray(answers == gold[known], np.float64)
