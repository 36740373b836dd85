"""What `supervision/` says about a record holds for the records made of it, where their labels are carried.

Labels inside records are carried when records are made; what people add later
is known only here. Who speaks of a made record itself is heard before what was
said about its parent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.supervision.collection.statements import Outside

def with_carried(outside: Outside, store: Store, task: str) -> Outside:
    """The same with all that is said about parents said about the records made of them too."""
    pairs = _families(store, task, outside.rows)
    if pairs is None:
        return outside
    parents, children = pairs
    starts, ends = _bounds(store, task, parents)
    shift = _bounds(store, task, children)[0] - starts
    votes = outside.votes
    taken, of = _within(votes.items, starts, ends)
    more = Votes.build(votes.items[taken] + shift[of], votes.sources[taken], votes.labels[taken], votes.names,
                       votes.n_items)
    rows, rows_of = _within(outside.rows, parents, parents + 1)
    items, items_of = _within(outside.items, starts, ends)
    return replace(
        outside, votes=Votes.concat([votes, more], votes.n_items),
        rows=np.concatenate([outside.rows, children[rows_of]]),
        sources=np.concatenate([outside.sources, outside.sources[rows]]),
        items=np.concatenate([outside.items, outside.items[items] + shift[items_of]]),
        item_sources=np.concatenate([outside.item_sources, outside.item_sources[items]]),
    )


def _families(
    store: Store, task: str, spoken_of: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Parents and children that share their labels, row by row; not the children that somebody speaks of."""
    lineage = store.lineage
    if lineage is None or task not in lineage.carried:
        return None
    shared = lineage.carried[task] & (lineage.parents >= 0) & ~np.isin(lineage.rows, spoken_of)
    parents, children = lineage.parents[shared], lineage.rows[shared]
    low, high = _bounds(store, task, parents)
    child_low, child_high = _bounds(store, task, children)
    same = high - low == child_high - child_low
    return (parents[same], children[same]) if same.any() else None


def _bounds(store: Store, task: str, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First item of each row, and the one after its last."""
    offsets = store.item_offsets(task)
    if offsets is None:
        return rows, rows + 1
    return np.asarray(offsets[rows], np.int64), np.asarray(offsets[rows + 1], np.int64)


def _within(
    numbers: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of all numbers in each half-open range, range after range, and the range of each position."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    low, high = np.searchsorted(ordered, starts), np.searchsorted(ordered, ends)
    counts = high - low
    of = np.repeat(np.arange(len(starts)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[low[of] + within], of
