"""Overlap features of the members of a store, kept once they were computed: each epoch reads the same ones.

Comparing names with texts was nine tenths of the time of reading a batch with
sets; a member's features depend on its record alone, so a gather gives the
same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ovt.training.network.overlap import FEATURES

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Places = tuple[Ints, NDArray[np.bool_]]
MOST_BYTES = 256 * 2**20
"""A store whose members need more than this computes them anew: memory must not grow with the data."""


class KnownOverlaps:
    """The overlap features of one set payload, by record."""

    def __init__(self, offsets: Ints) -> None:
        """Make room for the members; record `i` has those from `offsets[i]` to `offsets[i + 1]`."""
        members = int(offsets[-1])
        self._fits = 4 * FEATURES * members <= MOST_BYTES
        # Pages of zeros that are never written take no memory.
        self._table = np.zeros((members if self._fits else 0, FEATURES), np.float32)
        self._known = np.zeros(len(offsets) - 1 if self._fits else 0, np.bool_)

    def recall(self, rows: Ints, places: Places) -> Floats | None:
        """(B, M, FEATURES) of some records, whose members are at `places`; None if one of them is not known yet."""
        if not self._fits or not self._known[rows].all():
            return None
        index, mask = places
        if not len(self._table):
            return np.zeros((*mask.shape, FEATURES), np.float32)
        return self._table[index] * mask[:, :, None]

    def keep(self, rows: Ints, places: Places, found: Floats) -> None:
        """Remember the features (B, M, FEATURES) of some records."""
        if not self._fits:
            return
        index, mask = places
        self._table[index[mask]] = found[mask]
        self._known[rows] = True
