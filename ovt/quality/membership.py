"""Which records carry which names (slices, tags): rows by name, so that 300 slices cost what their members cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class RowsByName:
    """Rows of each name, ascending."""

    n: int
    """How many rows there are to be members."""
    rows: Mapping[str, NDArray[np.int64]]
    """Sorted by name."""

    @classmethod
    def from_columns(cls, names: Sequence[str], columns: NDArray[np.bool_]) -> RowsByName:
        """Of a boolean table (n, names)."""
        rows = {name: np.flatnonzero(columns[:, index]) for index, name in enumerate(names)}
        return cls(len(columns), dict(sorted(rows.items())))

    @classmethod
    def from_lists(
        cls, names: Sequence[str], codes: NDArray[np.integer], offsets: NDArray[np.integer],
    ) -> RowsByName:
        """Of one list of names per row: `codes[offsets[i]:offsets[i + 1]]` index `names`."""
        n = len(offsets) - 1
        owners = np.repeat(np.arange(n, dtype=np.int64), np.diff(offsets))
        # A stable sort of 16-bit numbers is a radix sort: three times as fast.
        small = codes.astype(np.uint16) if len(names) < 2 ** 16 else codes
        order = np.argsort(small, kind="stable")
        bounds = np.zeros(len(names) + 1, np.int64)
        np.cumsum(np.bincount(codes, minlength=len(names)), out=bounds[1:])
        by_name = {
            name: owners[order[bounds[code]:bounds[code + 1]]]
            for code, name in sorted(enumerate(names), key=lambda pair: pair[1])
        }
        return cls(n, by_name)

    def to_lists(self) -> tuple[list[str], NDArray[np.int32], NDArray[np.int32]]:
        """Names, codes and offsets of one sorted list of names per row."""
        names = sorted(self.rows)
        owners = np.concatenate([np.empty(0, np.int64), *(self.rows[name] for name in names)])
        codes = np.repeat(np.arange(len(names), dtype=np.int32), [len(self.rows[name]) for name in names])
        order = np.argsort(owners, kind="stable")
        offsets = np.zeros(self.n + 1, np.int32)
        np.cumsum(np.bincount(owners, minlength=self.n), out=offsets[1:])
        return names, codes[order].astype(np.int32), offsets

    def of(self, name: str) -> NDArray[np.int64]:
        """Rows of one name; none if nothing carries it."""
        return self.rows.get(name, np.empty(0, np.int64))

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(n,) whether each row carries the name."""
        found = np.zeros(self.n, bool)
        found[self.of(name)] = True
        return found

    def take(self, rows: NDArray[np.int64]) -> RowsByName:
        """The same names on a selection of rows, renumbered in its order; names without a row stay."""
        place = np.full(self.n, -1, np.int64)
        place[rows] = np.arange(len(rows))
        kept = {name: place[members] for name, members in self.rows.items()}
        return RowsByName(len(rows), {name: np.sort(found[found >= 0]) for name, found in kept.items()})

    def without_empty(self) -> RowsByName:
        """Only the names that some row carries."""
        return RowsByName(self.n, {name: found for name, found in self.rows.items() if len(found)})

    def names_by_row(self, rows: Sequence[int] | None = None) -> list[tuple[str, ...]]:
        """The sorted names of some rows; None: of each."""
        names, codes, offsets = self.to_lists()
        wanted = range(self.n) if rows is None else rows
        return [tuple(names[code] for code in codes[offsets[row]:offsets[row + 1]].tolist()) for row in wanted]
