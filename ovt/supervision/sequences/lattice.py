"""Forward-backward over many sequences at once (Rabiner 1989), for HMMs and CRFs over tokens.

Sequences are sorted by length and cut into batches, so that padding stays small;
within a batch every step is one matrix product over all its sequences. Messages
are scaled at each step, so a sequence of any length neither vanishes nor overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats, Ints

BATCH = 128
"""Sequences read at once."""
WIDEST = 40.0
"""Nats that a label may be below the best of its token: a wrong certainty must not forbid all sequences."""


@dataclass(frozen=True)
class Marginals:
    """What the lattice says about its tokens."""

    log_z: float
    """Log of the sum over all labellings, of all sequences together."""
    tokens: Floats
    """(tokens, k) probability of each label."""
    pairs: Floats
    """(k, k) expected number of times that a label (row) is followed by another (column)."""
    starts: Floats
    """(k,) expected number of sequences that begin with a label."""


@dataclass(frozen=True)
class Lattice:
    """Sequences laid out for forward-backward; tokens are numbered from 0, sequence after sequence."""

    tokens: tuple[Ints, ...]
    """For each batch (sequences, longest): token numbers, 0 beyond the end."""
    real: tuple[NDArray[np.bool_], ...]
    """For each batch: which of them are tokens."""
    n: int

    @classmethod
    def of(cls, lengths: Ints) -> Lattice:
        """For sequences of these lengths, none of them 0."""
        first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        order = np.argsort(lengths, kind="stable")
        tokens, real = [], []
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            steps = np.arange(int(lengths[batch].max()))
            inside = steps[None, :] < lengths[batch][:, None]
            tokens.append(np.where(inside, first[batch][:, None] + steps[None, :], 0))
            real.append(inside)
        return cls(tuple(tokens), tuple(real), int(first[-1]))

    def marginals(self, scores: Floats, transitions: Floats, starts: Floats) -> Marginals:
        """Sum over all labellings.

        Args:
            scores: (tokens, k) log potentials.
            transitions: (k, k) log potentials of a label (row) followed by another (column); -inf forbids it.
            starts: (k,) log potentials of beginning with a label; -inf forbids it.
        """
        k = scores.shape[1]
        found, pairs, begun, log_z = np.empty((self.n, k)), np.zeros((k, k)), np.zeros(k), 0.0
        follow, begin = np.exp(transitions), np.exp(starts)
        peak = scores.max(axis=1)
        potential = np.exp(np.maximum(scores - peak[:, None], -WIDEST))
        for tokens, real in zip(self.tokens, self.real, strict=True):
            emission = potential[tokens]
            forward, norm = _forward(emission, follow, begin)
            log_z += float((np.log(norm) + peak[tokens])[real].sum())
            both = _backward(emission, (forward, norm), follow, (real, pairs))
            found[tokens[real]] = both[real]
            begun += both[:, 0].sum(axis=0)
        return Marginals(log_z, found, pairs, begun)


def _forward(emission: Floats, follow: Floats, begin: Floats) -> tuple[Floats, Floats]:
    """(sequences, longest, k) filtered probabilities and (sequences, longest) what each step was divided by."""
    forward = emission.copy()
    norm = np.empty(emission.shape[:2])
    for at in range(emission.shape[1]):
        here = forward[:, at]
        here *= forward[:, at - 1] @ follow if at else begin
        norm[:, at] = here.sum(axis=1)
        here /= norm[:, at, None]
    return forward, norm


def _backward(
    emission: Floats, passed: tuple[Floats, Floats], follow: Floats, tally: tuple[NDArray[np.bool_], Floats]
) -> Floats:
    """(sequences, longest, k) marginals; adds the expected pairs to the tally's second."""
    (forward, norm), (real, pairs) = passed, tally
    marginal = forward.copy()
    behind = np.ones((len(emission), emission.shape[2]))
    for at in range(emission.shape[1] - 2, -1, -1):
        goes_on = real[:, at + 1]
        ahead = behind * emission[:, at + 1] / norm[:, at + 1, None]
        pairs += follow * (forward[goes_on, at].T @ ahead[goes_on])
        behind = np.where(goes_on[:, None], ahead @ follow.T, 1.0)
        marginal[:, at] *= behind
    return marginal
