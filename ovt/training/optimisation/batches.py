"""Shuffled batches of rows of like length: little padding, the same order for the same seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Ints = NDArray[np.int64]
POOL = 32
"""Batches that are sorted by length together: large enough for little padding, small enough to stay random."""
SMALL_TASK = 0.05
"""Share of the rows below which the rows that a task labels are read several times an epoch."""
MOST_REPEATS = 4


def shuffled_batches(rows: Ints, lengths: Ints, batch: int, random: np.random.Generator) -> list[Ints]:
    """Each row once: shuffled, sorted by length within pools, cut into batches, and the batches shuffled again.

    Args:
        rows: row numbers.
        lengths: how long each of these rows is.
        batch: rows of a batch; only the last may have fewer.
        random: decides the order.
    """
    order = random.permutation(len(rows))
    pool = POOL * batch
    pools = [order[start:start + pool] for start in range(0, len(order), pool)]
    ordered = np.concatenate([found[np.argsort(lengths[found], kind="stable")] for found in pools]) if pools else order
    batches = [rows[ordered[start:start + batch]] for start in range(0, len(ordered), batch)]
    return [batches[place] for place in random.permutation(len(batches))]


def with_repeats(rows: Ints, labelled: Iterable[Ints]) -> Ints:
    """Rows with those of small tasks several times: a task that is seen in every third batch stays alive.

    A larger weight would not do: what a task with twenty labels lacks is steps, not longer ones.

    Args:
        rows: row numbers, ascending.
        labelled: of each task, the rows that it labels (some of `rows`).

    Returns:
        Row numbers, ascending; a row of two small tasks is repeated as the smaller one asks.
    """
    times = np.ones(len(rows), np.int64)
    for found in labelled:
        own = np.unique(found)
        again = min(MOST_REPEATS, math.ceil(SMALL_TASK * len(rows) / max(1, len(own))))
        places = np.searchsorted(rows, own)
        times[places] = np.maximum(times[places], again)
    return np.repeat(rows, times)


def ordered_batches(rows: Ints, lengths: Ints, batch: int) -> Iterator[tuple[Ints, Ints]]:
    """Batches by length, each with the places of its rows in `rows`: for predictions, where order does not matter."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch):
        places = order[start:start + batch]
        yield places, rows[places]
