"""How sure an estimated accuracy is: votes count as far as the others can tell whether they were right.

If it were known of each of a source's n votes whether it was right, its
accuracy a would have the information n / (a (1 - a)). What is known is the
probability q that it was; by the missing information principle (Louis 1982) the
variance of what is unknown is taken off:

    n_eff = n - sum q (1 - q) / (a (1 - a))

A vote that nobody else can judge has q = a and counts nothing; one that gold or
many others settle counts whole. The interval is Wilson's (1927) with n_eff
trials. It tells how far chance could have moved the estimate; not whether the
label model's assumptions hold: for that there is dev accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import VOTED, Votes
from ovt.supervision.label_models.ballots import counts, sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats
    from ovt.supervision.tally import Kind
    from ovt.supervision.targets import Combined

CELLS = 20_000_000
"""Judged votes looked at; beyond it a regular sample of the items is taken and counted up."""
Z = 1.959963984540054
"""For 95 %."""


def wilson(rate: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a rate seen in some trials, which may be no whole number; (0, 1) without any."""
    if trials <= 0:
        return 0.0, 1.0
    centre = rate + Z * Z / (2 * trials)
    spread = Z * float(np.sqrt(max(rate * (1 - rate), 0.0) / trials + Z * Z / (4 * trials * trials)))
    scale = 1 + Z * Z / trials
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def effective_votes(votes: Votes, combined: Combined, kind: Kind, accuracies: Mapping[str, float]) -> Floats:
    """(m,) how many votes each source's accuracy is known as well from as if they had been checked.

    Args:
        votes: on train items, without gold's.
        combined: the targets that the label model made of them.
        kind: of the task; of a bitvector each bit is a vote.
        accuracies: source → estimated accuracy.
    """
    m, width = len(votes.names), _width(combined, kind)
    if not len(votes.items) or not len(combined.items) or not accuracies:
        return np.zeros(m)
    step = int(np.ceil(len(votes.items) * width / CELLS))
    sample = votes if step == 1 else votes.on_items(np.arange(votes.n_items) % step == 0)
    sources, right = _chances(sample, combined, kind)
    known: Floats = np.array([accuracies.get(name, 0.5) for name in votes.names])
    scale = np.maximum(known * (1 - known), 1e-3)
    unknown: Floats = sums(sources, right * (1 - right), m) / scale
    known_votes: Floats = np.maximum((counts(sources, m) - unknown) * step, 0.0)
    return known_votes


def _width(combined: Combined, kind: Kind) -> int:
    return combined.probabilities.shape[1] if kind == "bitvector" else 1


def _chances(votes: Votes, combined: Combined, kind: Kind) -> tuple[NDArray[np.int32], Floats]:
    """Source and probability of being right of each vote on an item with a target."""
    at = np.minimum(np.searchsorted(combined.items, votes.items), len(combined.items) - 1)
    there = combined.items[at] == votes.items
    if kind == "bitvector":
        return _bits(votes, combined.probabilities, at, there)
    at, sources, labels = at[there], votes.sources[there], votes.labels[there]
    if kind == "select":
        assert combined.offsets is not None
        cells = np.minimum(combined.offsets[at] + labels, combined.offsets[at + 1] - 1)
        return sources, combined.probabilities[cells].astype(np.float64)
    chances: Floats = combined.probabilities[at, labels].astype(np.float64)
    return sources, chances


def _bits(
    votes: Votes, table: NDArray[np.float32], at: NDArray[np.int64], there: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], Floats]:
    opinion = there & (votes.labels == VOTED)
    rows, sources = at[opinion], votes.sources[opinion]
    said = np.zeros((len(rows), table.shape[1]), bool)
    # Votes are sorted by item, source and label, and VOTED comes first.
    owner = np.cumsum(opinion) - 1
    positive = there & (votes.labels != VOTED)
    said[owner[positive], votes.labels[positive]] = True
    chances = table[rows].astype(np.float64)
    right = np.where(said, chances, 1 - chances)
    return np.repeat(sources, table.shape[1]), right.ravel()
