"""`build/labels/NAME.arrow` read back: the training targets of a task, as views of the mapped file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import view

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class TargetFile:
    """Targets of the items that have one."""

    items: NDArray[np.int64]
    """(c,) ascending."""
    weights: NDArray[np.float32]
    """(c,)"""
    values: NDArray[np.float32]
    """(cells,) probabilities, item after item."""
    offsets: NDArray[np.int64]
    """(c + 1,) where each item's cells begin."""

    @classmethod
    def open(cls, path: Path) -> TargetFile:
        """Map a file that the label stage wrote."""
        import pyarrow as pa

        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
        return cls(view(batch.column(0)), view(batch.column(1)), *_cells(batch.column(2)))

    @property
    def owner(self) -> NDArray[np.int64]:
        """(cells,) position of the item that each cell belongs to."""
        return np.repeat(np.arange(len(self.items)), np.diff(self.offsets))

    def of_item(self, item: int) -> tuple[float, NDArray[np.float32]] | None:
        """Weight and probabilities of an item, None if it has no target."""
        at = int(np.searchsorted(self.items, item))
        if at == len(self.items) or self.items[at] != item:
            return None
        return float(self.weights[at]), self.values[self.offsets[at]:self.offsets[at + 1]]


def _cells(column: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    import pyarrow as pa

    if isinstance(column, pa.FixedSizeListArray):
        values = view(column.values)
        return values, np.arange(len(column) + 1, dtype=np.int64) * column.type.list_size
    offsets = view(column.offsets)
    return view(column.values), offsets.astype(np.int64)
