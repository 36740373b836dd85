"""Snorkel's trainer on the network of `plain_network`, beside the tight loop of the same: for `training.py`.

    python run_snorkel_training.py RECORDS EPOCHS ROUNDS

writes one JSON line: records per CPU second of each, the best of the rounds, taken in turn.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import torch
from plain_network import BATCH, CLASSES, SECOND, SIZE, Encoder, made_data, tight_loop
from snorkel.classification import DictDataLoader, DictDataset, MultitaskClassifier, Operation, Task, Trainer
from snorkel.slicing import SliceAwareClassifier
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {"lr": 1e-3, "progress_bar": False, "logging": False, "checkpointing": False}


def multitask(kind: str, epochs: int, data: tuple[Tensor, ...]) -> None:
    """`MultitaskClassifier` with the two tasks."""
    words, first, second = data[:3]
    encoder = Encoder(kind)
    tasks = [_task(name, encoder, classes) for name, classes in (("one", CLASSES), ("two", SECOND))]
    dataset = DictDataset("made", "train", {"words": words}, {"one": first, "two": second})
    Trainer(n_epochs=epochs, **SETTINGS).fit(MultitaskClassifier(tasks), [_loader(dataset)])


def slice_aware(kind: str, epochs: int, data: tuple[Tensor, ...]) -> None:
    """`SliceAwareClassifier`, which knows two classes alone, with three slices."""
    words, first, _, slices = data
    names = ["a", "b", "c"]
    model = SliceAwareClassifier(Encoder(kind), SIZE, names, input_data_key="words", task_name="one")
    dataset = DictDataset("made", "train", {"words": words}, {"one": first % 2})
    members = _members(slices.numpy(), names)
    loader = model.make_slice_dataloader(dataset, members, batch_size=BATCH, shuffle=True)
    Trainer(n_epochs=epochs, **SETTINGS).fit(model, [loader])


def _members(slices: object, names: list[str]) -> object:
    import numpy as np

    table = np.asarray(slices)
    return np.rec.fromarrays([table[:, place] for place in range(table.shape[1])], names=names)


def _task(name: str, encoder: nn.Module, classes: int) -> Task:
    pool = nn.ModuleDict({"encoder": encoder, f"{name}_head": nn.Linear(SIZE, classes)})
    steps = [Operation("encoder", [("_input_", "words")]), Operation(f"{name}_head", ["encoder"])]
    return Task(name, pool, steps)


def _loader(dataset: DictDataset) -> DictDataLoader:
    return DictDataLoader(dataset, batch_size=BATCH, shuffle=True)


def main() -> None:
    """Measure all of them, in turn."""
    records, epochs, rounds = (int(word) for word in sys.argv[1:])
    data = made_data(records)
    found: dict[str, float] = {}
    methods: dict[str, Callable[[str, int, tuple[Tensor, ...]], None]] = {
        "hand-written": tight_loop, "multitask": multitask, "slice-aware": slice_aware,
    }
    for _ in range(rounds):
        for kind in ("cnn", "lstm"):
            for name, method in methods.items():
                torch.manual_seed(0)
                began = time.process_time()
                method(kind, epochs, data)
                speed = records * epochs / (time.process_time() - began)
                found[f"{name} {kind}"] = max(found.get(f"{name} {kind}", 0.0), round(speed, 1))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
