"""A hidden Markov model over the sources: how labels follow each other, learned from votes alone.

The label of a token is the hidden state, and the votes of all sources on it are
its emission: their likelihood is what the label model says about the token over
how common each label is, so every source keeps the reliability that it was found
to have (Nguyen et al. 2017; Lison et al. 2020, whose emissions count a source's
silence as a vote). Transitions are learned by expectation maximisation (Baum et
al. 1970) with a Dirichlet prior, and forbid what BIO forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats
    from ovt.supervision.sequences.lattice import Lattice

ROUNDS = 15
SETTLED = 1e-3
"""Change of the log-likelihood by token at which EM stops."""
PRIOR = 5.0
"""Pseudo-tokens for each label, dealt out by how common the labels are."""


@dataclass(frozen=True)
class Chain:
    """How labels follow each other."""

    share: Floats
    """(k,) how common each label is."""
    transitions: Floats
    """(k, k) log probability of a label (column) after another (row)."""
    starts: Floats
    """(k,) log probability of the first label."""


def fit(lattice: Lattice, base: Floats, known: NDArray[np.bool_], forbidden: Floats, may_start: Floats) -> Chain:
    """Learn transitions.

    Args:
        lattice: of the sequences.
        base: (t, k) log probabilities of each token by itself.
        known: (t,) tokens of which that says anything.
        forbidden: (k, k) 0 where a label may follow another, -inf elsewhere.
        may_start: (k,) the same for the first label.
    """
    share = np.exp(base[known]).mean(axis=0) + 1e-6
    share = share / share.sum()
    chain = Chain(share, _log_rates(np.tile(PRIOR * share, (len(share), 1)), forbidden),
                  _log_rates(PRIOR * share[None, :], may_start[None, :])[0])
    likelihood = -np.inf
    for _ in range(ROUNDS):
        found = lattice.marginals(emissions(base, known, chain), chain.transitions, chain.starts)
        chain = Chain(share, _log_rates(found.pairs + PRIOR * share, forbidden),
                      _log_rates((found.starts + PRIOR * share)[None, :], may_start[None, :])[0])
        if found.log_z - likelihood < SETTLED * max(len(base), 1):
            break
        likelihood = found.log_z
    return chain


def emissions(base: Floats, known: NDArray[np.bool_], chain: Chain) -> Floats:
    """(t, k) log likelihood of the votes on each token, up to a constant."""
    return np.where(known[:, None], base - np.log(chain.share), 0.0)


def _log_rates(counts: Floats, forbidden: Floats) -> Floats:
    """Rows as log probabilities over what is allowed."""
    allowed = np.where(np.isfinite(forbidden), counts + 1e-3, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(allowed / allowed.sum(axis=1, keepdims=True)))
