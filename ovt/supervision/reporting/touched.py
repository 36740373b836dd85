"""Which slices a source touches: where it votes more often than elsewhere, by lift of coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.collection.crowds import groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.slicing.membership import Membership

RECORDS = 100_000
"""Train records looked at; of more a regular sample is taken."""
LEAST = 5
"""Records of a slice that a source must vote on to be said to touch it."""
LIFT = 1.2
"""Coverage in a slice over coverage of all, from which on it is worth telling."""
SHOWN = 3

Touched = tuple[tuple[str, float], ...]
"""Slices with their lift, the largest first."""


def slices_touched(store: Store, task: str, votes: Votes, membership: Membership) -> dict[str, Touched]:
    """Of each source, as reports tell it, the slices that it touches most.

    Args:
        store: the records.
        task: that the votes are about.
        votes: of all splits.
        membership: of all records.
    """
    if not membership.names or not len(votes.items):
        return {}
    train = np.flatnonzero(store.splits == 0)
    chosen = train[:: max(1, len(train) // RECORDS)]
    place = np.full(store.n, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    names, number = groups(votes.names)
    row = place[store.rows_of_items(task, votes.items)]
    there = row >= 0
    pairs = np.unique(number[votes.sources[there]] * max(len(chosen), 1) + row[there])
    source, row = pairs // max(len(chosen), 1), pairs % max(len(chosen), 1)
    inside = membership.matrix[chosen]
    sizes = inside.sum(axis=0)
    found = {}
    bounds = np.searchsorted(source, np.arange(len(names) + 1))
    for at, name in enumerate(names):
        own = row[bounds[at]:bounds[at + 1]]
        if len(own):
            found[name] = _most(inside[own].sum(axis=0), sizes, len(own) / len(chosen), membership.names)
    return found


def _most(hits: NDArray[np.int64], sizes: NDArray[np.int64], coverage: float, names: tuple[str, ...]) -> Touched:
    lift = hits / np.maximum(sizes, 1) / coverage
    worth = np.flatnonzero((hits >= LEAST) & (lift >= LIFT))
    order = worth[np.argsort(-lift[worth], kind="stable")][:SHOWN]
    return tuple((names[at], round(float(lift[at]), 3)) for at in order.tolist())
