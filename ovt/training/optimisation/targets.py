"""What a task's items should be, ready to be gathered by row: probabilities and weights of the train items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.data.columns import view
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.data.store import Store

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """Probabilistic labels of one task."""

    items: Ints
    """(m,) labelled items, ascending."""
    weights: Floats
    """(m,) above 0."""
    probabilities: Floats
    """(m, k), or for `select` (v,) over the candidates of each item."""
    offsets: Ints | None = None
    """(m + 1,) of `select`."""

    def keep(self, mask: NDArray[np.bool_]) -> Targets:
        """The items where `mask` (m,) is true."""
        if self.offsets is None:
            return Targets(self.items[mask], self.weights[mask], self.probabilities[mask])
        widths = np.diff(self.offsets)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths[mask])])
        return Targets(self.items[mask], self.weights[mask], self.probabilities[np.repeat(mask, widths)], offsets)


@dataclass(frozen=True)
class BatchTargets:
    """The labelled items of one task in a batch."""

    places: Ints
    """(l,) positions in the task's logits, flattened over (B) or (B, T)."""
    probabilities: Floats
    """(l, k); for `select` (l, M), padded with zeros."""
    weights: Floats
    """(l,)."""


def read_targets(labels: Path, store: Store, task: str) -> Targets | None:
    """The labels that the label stage wrote for a task; None if it wrote none."""
    import pyarrow as pa

    path = labels / f"{safe_name(task)}.arrow"
    if not path.is_file():
        return None
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all().combine_chunks()
    if not table.num_rows:
        return None
    items, weights = (view(table.column(name).combine_chunks()) for name in ("item", "weight"))
    column = table.column("probabilities").combine_chunks()
    values = view(column.values).astype(np.float32, copy=False)
    if store.schema.tasks[task].type != "select":
        start, width = column.offset, len(store.classes[task])
        return Targets(items, weights, values.reshape(-1, width)[start:start + len(items)])
    offsets = view(column.offsets).astype(np.int64)
    return Targets(items, weights, values[offsets[0]:offsets[-1]], offsets - offsets[0])


class TargetIndex:
    """Finds the labelled items of rows."""

    def __init__(self, store: Store, task: str, targets: Targets) -> None:
        self.targets = targets
        self.record_level = store.schema.granularity(task) == "record"
        self._offsets = store.item_offsets(task)
        self._slot = np.full(store.n_items(task), -1, np.int64)
        self._slot[targets.items] = np.arange(len(targets.items))
        self._zero = np.zeros(1, np.float32)

    def read(self, rows: Ints) -> BatchTargets:
        """The targets of the labelled items among those of `rows`."""
        if self._offsets is None or self.record_level:
            slots = self._slot[rows]
        else:
            starts = self._offsets[rows]
            lengths = self._offsets[rows + 1] - starts
            steps = np.arange(max(1, int(lengths.max(initial=1))))
            mask = steps < lengths[:, None]
            slots = np.where(mask, self._slot[np.where(mask, starts[:, None] + steps, 0)], -1).reshape(-1)
        places = np.flatnonzero(slots >= 0)
        found = slots[places]
        return BatchTargets(places, self._probabilities(found), self.targets.weights[found])

    def _probabilities(self, slots: Ints) -> Floats:
        offsets = self.targets.offsets
        if offsets is None:
            return self.targets.probabilities[slots]
        starts = offsets[slots]
        lengths = offsets[slots + 1] - starts
        steps = np.arange(max(1, int(lengths.max(initial=1))))
        mask = steps < lengths[:, None]
        if not len(self.targets.probabilities):
            return np.zeros(mask.shape, np.float32)
        return np.where(mask, self.targets.probabilities[np.where(mask, starts[:, None] + steps, 0)], self._zero)
