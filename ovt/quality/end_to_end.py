"""Exact match over all tasks of a record: what one sees of a product that needs every answer to be right.

A record counts if every task that has items in it also has gold on it, and is
right if every item with gold is, in every task. A record whose payload is
null has nothing to get wrong in the tasks on that payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.intervals import wilson
from ovt.quality.subset import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.quality.predictions import GradedPredictions


@dataclass(frozen=True)
class EndToEnd:
    """The records of one split over all its tasks with gold."""

    tasks: tuple[str, ...]
    counted: NDArray[np.bool_]
    """(n,) records with gold on every task that has items in them."""
    right: NDArray[np.bool_]
    """(n,) of them, right in everything."""

    @classmethod
    def of(cls, parts: Sequence[GradedPredictions]) -> EndToEnd | None:
        """Of the tasks of one split; None where fewer than two tasks have gold, or they are on different records."""
        graded = sorted((part for part in parts if part.graded.any()), key=lambda part: part.task)
        if len(graded) < 2 or any(not np.array_equal(part.ids, graded[0].ids) for part in graded[1:]):
            return None
        n = len(graded[0].ids)
        counted, right, some = np.ones(n, bool), np.ones(n, bool), np.zeros(n, bool)
        for part in graded:
            wrong = (part.gold >= 0) & ~part.correct
            counted &= part.graded | (np.diff(part.offsets) == 0)
            some |= part.graded
            right[part.item_rows[wrong]] = False
        counted &= some
        return cls(tuple(part.task for part in graded), counted, right & counted)

    def measure(self, rows: NDArray[np.int64]) -> tuple[int, Estimate | None]:
        """How many of some records count, and the share of them that is right in everything."""
        n = int(self.counted[rows].sum())
        if not n:
            return 0, None
        hits = int(self.right[rows].sum())
        return n, Estimate(hits / n, *wilson(hits, n))
