"""What two versions' sources said on the same items: who changed, and the votes with one change taken back.

Everything here is about votes on one line of items (those of the newer
version); `carry` brings the older version's votes onto it where the records
are not the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.data.votes import VOTED, Votes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ovt.data.store import Store

Ints = NDArray[np.int64]
NOWHERE = -1


@dataclass(frozen=True)
class VoteChanges:
    """Votes that one version has and the other has not: of an edited opinion, both halves."""

    items: Ints
    """(c,) ascending."""
    sources: NDArray[np.int32]
    """(c,) indices into `names`."""
    labels: NDArray[np.int32]
    """(c,)"""
    signs: NDArray[np.int8]
    """(c,) +1: said now and not before; -1: said before and not now."""
    names: tuple[str, ...]
    """All sources of both versions, sorted."""
    n_items: int

    def by_source(self) -> dict[str, int]:
        """How many (item, label) pairs changed of each source that changed at all."""
        counts = np.bincount(self.sources, minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, counts.tolist(), strict=True) if count}


def touched(changes: VoteChanges, names: Collection[str], mask: NDArray[np.bool_]) -> int:
    """How many items of `mask` (n_items,) some of these sources changed a vote on."""
    wanted = np.asarray([name in names for name in changes.names] or [False])
    return len(np.unique(changes.items[wanted[changes.sources] & mask[changes.items]]))


def vote_changes(before: Votes, after: Votes) -> VoteChanges:
    """The votes in which two versions differ; both are about the same items."""
    names = tuple(sorted({*before.names, *after.names}))
    place = {name: number for number, name in enumerate(names)}
    width = 2 + max(int(before.labels.max(initial=0)), int(after.labels.max(initial=0)))
    old, new = (_codes(votes, place, width) for votes in (before, after))
    gone, come = np.setdiff1d(old, new, assume_unique=True), np.setdiff1d(new, old, assume_unique=True)
    codes = np.concatenate([gone, come])
    signs = np.repeat(np.asarray([-1, 1], np.int8), [len(gone), len(come)])
    order = np.argsort(codes, kind="stable")
    codes, signs = codes[order], signs[order]
    pairs, labels = np.divmod(codes, width)
    items, sources = np.divmod(pairs, max(len(names), 1))
    return VoteChanges(items, sources.astype(np.int32), (labels - 1).astype(np.int32), signs, names, after.n_items)


def take_back(after: Votes, before: Votes, names: Collection[str]) -> Votes:
    """The newer votes with those of some sources as they were: dropped, restored or put back."""
    kept = only(after, set(after.names) - set(names))
    restored = only(before, names)
    return Votes.concat([kept, restored], after.n_items) if len(restored.items) else kept


@dataclass(frozen=True)
class Carried:
    """Votes of one version on the items of another."""

    votes: Votes
    shared: NDArray[np.bool_]
    """(n_items,) items of the other version that this one has too."""


def carry(votes: Votes, task: str, store_from: Store, store_to: Store) -> Carried:
    """Votes on the items of one store as votes on those of another: by record id and position, labels by name.

    A record that the other store lacks, or that has another number of items
    there, loses its votes; so does a class that the other does not know.
    """
    places = _item_map(task, store_from, store_to)
    items = places[votes.items]
    labels = _label_map(store_from.classes.get(task), store_to.classes.get(task), votes.labels)
    keep = (items != NOWHERE) & (labels >= VOTED)
    n_items = store_to.n_items(task)
    shared = np.zeros(n_items, bool)
    shared[places[places != NOWHERE]] = True
    return Carried(Votes.build(items[keep], votes.sources[keep], labels[keep], votes.names, n_items), shared)


def carry_outside(
    carried: Votes, after: Votes, shared: NDArray[np.bool_], functions: Collection[str],
) -> Votes:
    """What sources that are no functions said: the older votes where it has the item, else the newer ones."""
    old = only(carried, set(carried.names) - set(functions)).on_items(shared)
    new = only(after, set(after.names) - set(functions)).on_items(~shared)
    return Votes.concat([old, new], after.n_items)


def only(votes: Votes, names: Collection[str]) -> Votes:
    """The votes of some sources."""
    wanted = np.asarray([name in names for name in votes.names] or [False])
    chosen = wanted[votes.sources]
    place = (np.cumsum(wanted) - 1).astype(np.int32)
    return Votes(votes.items[chosen], place[votes.sources[chosen]], votes.labels[chosen],
                 tuple(name for name in votes.names if name in names), votes.n_items)


def same_items(task: str, one: Store, other: Store) -> bool:
    """Whether item numbers and class numbers mean the same in both stores."""
    return (
        [shard.digest for shard in one.shards] == [shard.digest for shard in other.shards]
        and one.classes.get(task) == other.classes.get(task)
        and one.schema.tasks[task] == other.schema.tasks[task]
        and np.array_equal(_bounds(task, one), _bounds(task, other))
    )


def _codes(votes: Votes, place: dict[str, int], width: int) -> Ints:
    """(v,) one number for each vote, ascending; -1 (VOTED) is label 0."""
    table = np.asarray([place[name] for name in votes.names] or [0], np.int64)
    sources = table[votes.sources] if len(votes.sources) else np.empty(0, np.int64)
    return (votes.items * max(len(place), 1) + sources) * width + (votes.labels.astype(np.int64) + 1)


def _bounds(task: str, store: Store) -> Ints:
    """(n + 1,) where the items of each record begin."""
    offsets = store.item_offsets(task)
    return np.arange(store.n + 1, dtype=np.int64) if offsets is None else offsets


def _item_map(task: str, one: Store, other: Store) -> Ints:
    """(items of one,) the item of the other store; NOWHERE where it has none."""
    bounds, there = _bounds(task, one), _bounds(task, other)
    rows = other.rows_of(one.ids.to_pylist())
    lengths = np.diff(bounds)
    known = rows >= 0
    known[known] = np.diff(there)[rows[known]] == lengths[known]
    begins = np.where(known, there[np.where(known, rows, 0)], NOWHERE)
    starts = np.repeat(begins, lengths)
    steps = np.arange(int(bounds[-1])) - np.repeat(bounds[:-1], lengths)
    return np.where(starts >= 0, starts + steps, NOWHERE).astype(np.int64)


def _label_map(
    one: Sequence[str] | None, other: Sequence[str] | None, labels: NDArray[np.int32],
) -> NDArray[np.int32]:
    if one is None or other is None or list(one) == list(other):
        return labels
    place = {name: number for number, name in enumerate(other)}
    table = np.asarray([VOTED, *(place.get(name, VOTED - 1) for name in one)], np.int32)
    mapped: NDArray[np.int32] = table[labels + 1]
    return mapped
