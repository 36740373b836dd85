"""The network on many rows: batches by length, probabilities put back in the order that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ovt.training.decoding import THRESHOLD, decode_chain, decode_select, decode_spans
from ovt.training.network.network import Network, to_tensors
from ovt.training.optimisation.batches import ordered_batches
from ovt.training.optimisation.losses import mask_candidates
from ovt.training.predictions import TaskPredictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ovt.data.store import Store
    from ovt.training.decoding import Chain
    from ovt.training.reader import Arrays, Reader

Ints = NDArray[np.int64]
BATCH = 256


class _Collector:
    """The predictions of one task, filled batch by batch."""

    def __init__(self, network: Network, store: Store, task: str, rows: Ints) -> None:
        blueprint = network.blueprint
        self.task = blueprint.schema.tasks[task]
        self.classes = blueprint.classes.get(task, ())
        offsets = store.candidates(task) if self.task.type == "select" else store.item_offsets(task)
        self.counts = np.ones(len(rows), np.int64) if offsets is None else offsets[rows + 1] - offsets[rows]
        self.bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])
        total = int(self.bounds[-1])
        if self.task.type == "select" or offsets is None:
            self.items = rows.astype(np.int64)
        else:
            self.items = np.repeat(offsets[rows] - self.bounds[:-1], self.counts) + np.arange(total)
        self.values = np.zeros(total if self.task.type == "select" else (total, len(self.classes)), np.float32)
        self.decoded = np.zeros(total, np.int32)
        self.chain = network.chain(task)

    def add(self, places: Ints, arrays: Arrays, logits: torch.Tensor) -> None:
        """Take the logits of the rows at `places`."""
        if not self.classes and self.task.type != "select":
            return  # nobody ever named a class
        if self.chain is not None:
            self._add_chain(places, logits.numpy(), self.chain)
            return
        if self.task.type == "select":
            logits = mask_candidates(logits, torch.from_numpy(arrays[f"{self.task.payload}/count"]))
        found = (torch.sigmoid(logits) if self.task.type == "bitvector" else torch.softmax(logits, dim=-1)).numpy()
        if self.task.type != "select" and found.ndim == 2:
            self.values[self.bounds[places]] = found
            return
        mask, index = self._items(places, found.shape[1])
        self.values[index] = found[mask]
        if self.task.spans is not None:
            self.decoded[index] = decode_spans(found, self.counts[places], self.classes)[mask]

    def _add_chain(self, places: Ints, logits: NDArray[np.float32], chain: Chain) -> None:
        mask, index = self._items(places, logits.shape[1])
        classes = self.classes if self.task.spans is not None else None
        found, decoded = decode_chain(logits, self.counts[places], chain, classes)
        self.values[index], self.decoded[index] = found[mask], decoded[mask]

    def _items(self, places: Ints, width: int) -> tuple[NDArray[np.bool_], Ints]:
        """(B, width) where the rows at `places` have items, and the numbers of those among all items."""
        steps = np.arange(width)
        mask = steps < self.counts[places][:, None]
        return mask, (self.bounds[places][:, None] + steps)[mask]

    def result(self) -> TaskPredictions:
        """All of it."""
        if self.task.type == "select":
            return TaskPredictions(self.items, self.values, decode_select(self.values, self.bounds), self.bounds)
        if self.task.type == "bitvector":
            return TaskPredictions(self.items, self.values, self.values >= THRESHOLD)
        if not self.classes:
            return TaskPredictions(self.items, self.values, np.full(len(self.items), -1, np.int32))
        paths = self.task.spans is not None or self.chain is not None
        decoded = self.decoded if paths else self.values.argmax(1).astype(np.int32)
        return TaskPredictions(self.items, self.values, decoded)


@torch.no_grad()
def infer(
    network: Network, reader: Reader, rows: Ints, *, tasks: Iterable[str] | None = None,
    tell: Callable[[int], None] | None = None,
) -> dict[str, TaskPredictions]:
    """Predict tasks (all of them if none are named) on `rows`; `tell` hears how many rows are done."""
    network.eval()
    tasks = list(network.blueprint.schema.tasks if tasks is None else tasks)
    collectors = {task: _Collector(network, reader.store, task, rows) for task in tasks}
    done = 0
    for places, chosen in ordered_batches(rows, reader.lengths(rows), BATCH):
        arrays = reader.read(chosen)
        outputs = network(to_tensors(arrays))
        for task, collector in collectors.items():
            collector.add(places, arrays, outputs.logits[task])
        done += len(chosen)
        if tell is not None:
            tell(done)
    return {task: collector.result() for task, collector in collectors.items()}
