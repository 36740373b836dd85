"""A trained model on rows of the store.

predict(model, store, rows) -> {task: TaskPredictions}
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import MissingError
from ovt.progress import Progress, Silent
from ovt.schema.write import plain_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.schema.spec import Schema, Task
    from ovt.training.predictions import TaskPredictions


def predict(
    model: Path, store: Store, rows: NDArray[np.int64], progress: Progress | None = None, *,
    weights: Path | None = None,
) -> dict[str, TaskPredictions]:
    """Predict every task that the model and the store both have, on the items of `rows`.

    Args:
        model: the folder that the train stage wrote.
        store: the compiled records, of the model's own version or of another; it has the payloads that the model was
            made for, and may have more. Classes may differ: predictions are in the store's, a class the model does
            not know has probability 0, and one that the store does not know is left out (decoded as -1 where it was
            the answer).
        rows: row numbers, in any order; items come in this order.
        progress: told how many rows are done.
        weights: those of another seed of the model; None: its own.

    Raises:
        MissingError: there is no model, or the store lacks a payload that it reads, or has another in its place.
    """
    from ovt.training.inference import infer
    from ovt.training.model_files import load_model
    from ovt.training.reader import Reader
    from ovt.training.threads import use_threads

    listener = progress or Silent()
    use_threads(1)  # several would sum in another order from run to run
    network, lexicon = load_model(model, weights)
    own = network.blueprint.schema
    _check_payloads(own, store.schema, model)

    def tell(done: int) -> None:
        listener.update("evaluate", f"predicted {done:,} of {len(rows):,} records", done, len(rows))

    rows = np.asarray(rows, np.int64)
    shared = [task.name for task in own.tasks.values() if _same_task(store.schema, task)]
    found = infer(network, Reader(store, lexicon, own), rows, tasks=shared, tell=tell)
    return {
        task: answers if store.schema.tasks[task].type == "select"
        else in_classes(answers, network.blueprint.classes[task], store.classes[task])
        for task, answers in found.items()
    }


def in_classes(found: TaskPredictions, own: Sequence[str], wanted: Sequence[str]) -> TaskPredictions:
    """Predictions over one list of classes, as predictions over another."""
    if list(own) == list(wanted):
        return found
    index = {name: place for place, name in enumerate(wanted)}
    places = np.asarray([index.get(name, -1) for name in own], np.int32)
    known = places >= 0
    probabilities = np.zeros((len(found.items), len(wanted)), np.float32)
    probabilities[:, places[known]] = found.probabilities[:, known]
    if found.decoded.ndim == 1:
        return replace(found, probabilities=probabilities, decoded=places[found.decoded])
    decoded = np.zeros((len(found.items), len(wanted)), bool)
    decoded[:, places[known]] = found.decoded[:, known]
    return replace(found, probabilities=probabilities, decoded=decoded)


def _check_payloads(own: Schema, found: Schema, model: Path) -> None:
    wanted, there = plain_schema(own)["payloads"], plain_schema(found)["payloads"]
    changed = sorted(name for name, payload in wanted.items() if there.get(name) != payload)
    if changed:
        what = "changed since it was trained" if changed[0] in there else "is gone"
        raise MissingError("the model reads other payloads", at=str(model), why=f"payload `{changed[0]}` {what}",
                           fix="train again", command="ovt run")


def _same_task(schema: Schema, task: Task) -> bool:
    found = schema.tasks.get(task.name)
    return found is not None and (found.payload, found.type) == (task.payload, task.type)
