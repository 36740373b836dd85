"""Votes as every label model reads them: covered items only, one flat cell per possible answer.

An item's cells are its classes (multiclass), its candidates (select, so their
number varies) or `no` and `yes` (one bit of a bitvector). A posterior is one
float per cell. Everything below is `bincount` or `reduceat` over votes or cells:
no step loops over items in Python.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNKNOWN = -1
"""In an array of gold labels: this item has none."""


def counts(index: NDArray[np.integer], length: int) -> Ints:
    """(length,) how often each number occurs."""
    return np.bincount(index, minlength=length).astype(np.int64, copy=False)


def sums(index: NDArray[np.integer], values: NDArray[Any], length: int) -> Floats:
    """(length,) the values summed by their numbers."""
    return np.bincount(index, values, minlength=length).astype(np.float64, copy=False)


def _ranks(keys: Ints) -> Ints:
    """(v,) the rank of each key among the different ones."""
    return np.unique(keys, return_inverse=True)[1].reshape(-1).astype(np.int64, copy=False)


@dataclass(frozen=True)
class Ties:
    """Sources that agree beyond what their accuracies explain, without being copies of each other."""

    sources: NDArray[np.int32]
    """(t,) ascending."""
    excess: NDArray[np.float32]
    """(t, t) correlation of their errors, 0 … 1; 0 for pairs that are not tied, and on the diagonal."""


@dataclass(frozen=True)
class Ballots:
    """The votes on the items that at least one source covers, sorted by item."""

    offsets: Ints
    """(n + 1,) cells of item i are offsets[i] … offsets[i + 1] - 1; every item has at least one."""
    items: Ints
    """(v,) 0 … n - 1, ascending."""
    sources: NDArray[np.int32]
    """(v,) 0 … n_sources - 1."""
    labels: NDArray[np.int32]
    """(v,) position within the item's cells."""
    n_sources: int
    k: int | None
    """Cells per item; None where it varies (select)."""
    groups: NDArray[np.int32] | None = None
    """(n,) which class balance an item has (the bit of a bitvector); None: all the same."""
    n_groups: int = 1
    clusters: NDArray[np.int32] | None = None
    """(n_sources,) near-copies have the same number and share one vote; None: no copies."""
    parents: NDArray[np.int32] | None = None
    """(n_sources,) sources that are one source's opinions on different bits have that source's number."""
    ties: Ties | None = None
    """Sources whose votes on one item count for less together than one by one; None: no such sources."""

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.offsets) - 1

    @cached_property
    def sizes(self) -> Ints:
        """(n,) cells of each item."""
        return np.diff(self.offsets)

    @cached_property
    def cells(self) -> Ints:
        """(v,) the cell that each vote is for."""
        if self.k is not None:
            return self.items * self.k + self.labels
        return self.offsets[self.items] + self.labels

    @cached_property
    def turnout(self) -> Ints:
        """(n,) votes on each item."""
        return counts(self.items, self.n)

    @cached_property
    def weights(self) -> Floats:
        """(v,) 1, or the share of a vote: copies that vote on one item share one vote, tied sources lose some of it."""
        share = np.ones(len(self.items))
        if self.clusters is not None:
            copied = self._copied
            key = self.items[copied] * (self.n_sources + 1) + self.clusters[self.sources[copied]]
            peers = _ranks(key)
            share[copied] = 1.0 / counts(peers, 0)[peers]
        if self.ties is not None:
            self._loosen(self.ties, share)
        return share

    def _loosen(self, ties: Ties, share: Floats) -> None:
        """Divide the shares of tied votes by the design effect (Kish 1965): 1 + the excess over those beside it."""
        place = np.full(self.n_sources, -1)
        place[ties.sources] = np.arange(len(ties.sources))
        tied = np.flatnonzero(place[self.sources] >= 0)
        column = place[self.sources[tied]]
        item = np.cumsum(np.diff(self.items[tied], prepend=-1) != 0) - 1
        rows = max(TIED_CELLS // max(len(ties.sources), 1), 1)
        edges = np.searchsorted(item, np.arange(0, int(item[-1]) + 1 if len(item) else 0, rows))
        for start, stop in zip(edges, [*edges[1:], len(tied)], strict=True):
            here, at = item[start:stop] - item[start], column[start:stop]
            present = np.zeros((int(here[-1]) + 1, len(ties.sources)), np.float32)
            present[here, at] = share[tied[start:stop]]
            share[tied[start:stop]] /= 1 + (present @ ties.excess)[here, at]

    @cached_property
    def voices(self) -> Floats:
        """(n,) independent voices on each item: votes, with copies counted once."""
        return sums(self.items, self.weights, self.n)

    @cached_property
    def _copied(self) -> Ints:
        """Which votes are of sources that have copies."""
        assert self.clusters is not None
        shared = counts(self.clusters, self.n_sources)[self.clusters] > 1
        return np.flatnonzero(shared[self.sources])

    @cached_property
    def _cluster_on_cell(self) -> Ints:
        """For each of those, the number of its cluster and cell."""
        assert self.clusters is not None
        return _ranks(self.cells[self._copied] * (self.n_sources + 1) + self.clusters[self.sources[self._copied]])

    def with_own_cluster(self, bumps: Floats) -> Floats:
        """(v,) each vote's bump plus those that its near-copies give to the same cell."""
        if self.clusters is None:
            return bumps
        peers, joint = self._cluster_on_cell, bumps.copy()
        joint[self._copied] = sums(peers, bumps[self._copied], 0)[peers]
        return joint

    def cell_sums(self, values: Floats) -> Floats:
        """(cells,) the values of the votes (v,) summed on the cells they are for."""
        return sums(self.cells, values, int(self.offsets[-1]))

    def source_sums(self, values: Floats) -> Floats:
        """(n_sources,) the values of the votes summed by source."""
        return sums(self.sources, values, self.n_sources)

    def spread(self, per_item: Floats) -> Floats:
        """(cells,) a value of each item repeated on its cells."""
        return np.repeat(per_item, self.k if self.k is not None else self.sizes)

    def item_sums(self, per_cell: Floats) -> Floats:
        """(n,) the values of an item's cells summed."""
        if self.k is not None:
            return _across(np.add, per_cell.reshape(-1, self.k))
        return np.add.reduceat(per_cell, self.offsets[:-1]) if self.n else np.zeros(0)

    def item_peaks(self, per_cell: Floats) -> Floats:
        """(n,) the largest value among an item's cells."""
        if self.k is not None:
            return _across(np.maximum, per_cell.reshape(-1, self.k))
        return np.maximum.reduceat(per_cell, self.offsets[:-1]) if self.n else np.zeros(0)

    def normalise(self, logits: Floats) -> Floats:
        """(cells,) log probabilities: each item's logits minus their log-sum-exp, exact for any magnitude."""
        shifted = logits - self.spread(self.item_peaks(logits))
        return shifted - self.spread(np.log(self.item_sums(np.exp(shifted))))

    def answers(self, per_cell: Floats) -> Ints:
        """(n,) position of each item's largest cell, the first of equals."""
        if self.k is not None:
            return np.asarray(per_cell.reshape(-1, self.k).argmax(axis=1), np.int64)
        best = np.flatnonzero(per_cell == self.spread(self.item_peaks(per_cell)))
        first = best[np.searchsorted(best, self.offsets[:-1])] - self.offsets[:-1]
        return np.asarray(first, np.int64)

    def span(self, start: int, stop: int) -> Ballots:
        """The ballots of items start … stop - 1, for prediction in pieces of bounded memory."""
        low, high = np.searchsorted(self.items, (start, stop))
        return replace(
            self,
            offsets=self.offsets[start : stop + 1] - self.offsets[start],
            items=self.items[low:high] - start,
            sources=self.sources[low:high],
            labels=self.labels[low:high],
            groups=None if self.groups is None else self.groups[start:stop],
        )

    def pick(self, chosen: NDArray[np.bool_]) -> Ballots:
        """The ballots of the items where `chosen` (n,) is true, renumbered."""
        number = np.cumsum(chosen) - 1
        keep = chosen[self.items]
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(self.sizes[chosen])]).astype(np.int64),
            items=number[self.items[keep]],
            sources=self.sources[keep],
            labels=self.labels[keep],
            groups=None if self.groups is None else self.groups[chosen],
        )


FEW_COLUMNS = 32
TIED_CELLS = 4_000_000
"""Items times tied sources looked at together."""


def _across(combine: np.ufunc, table: Floats) -> Floats:
    """(n,) the columns of an (n, k) table combined; column by column where k is small, which is ten times faster."""
    if not 0 < table.shape[1] <= FEW_COLUMNS:
        found: Floats = combine.reduce(table, axis=1)
        return found
    result = table[:, 0].copy()
    for column in range(1, table.shape[1]):
        combine(result, table[:, column], out=result)
    return result


def rectangular(
    items: Ints, sources: NDArray[np.int32], labels: NDArray[np.int32], n_sources: int, shape: tuple[int, int]
) -> Ballots:
    """Ballots of a task with the same classes for every item; `shape` is (items, classes)."""
    n, k = shape
    return Ballots(np.arange(n + 1, dtype=np.int64) * k, items, sources, labels, n_sources, k)
