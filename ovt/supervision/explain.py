"""Why a record got its labels: each source's vote, the target they were combined into, gold, and the prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import view
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name
from ovt.supervision.opinions import Item, gold_of, items_of, opened, row_of, said, stored_votes
from ovt.supervision.sources import list_sources

if TYPE_CHECKING:
    from collections.abc import Collection

    from ovt.data.store import Store
    from ovt.project import Project


Ranked = tuple[tuple[str, float], ...]
"""Labels with their probabilities, the most probable first."""


@dataclass(frozen=True)
class ItemExplanation:
    """One item of a record."""

    item: Item
    votes: dict[str, str]
    """Source → label; sources that abstain are left out."""
    target: Ranked
    """What training is told; empty without a target."""
    weight: float
    """Of the item in training; 0 where no source covers it."""
    gold: str | None
    predicted: str | None
    """What the model of the workspace says about a record of dev or test."""
    confidence: float | None


@dataclass(frozen=True)
class TaskExplanation:
    """One task on a record."""

    task: str
    accuracies: dict[str, float]
    """Source → its accuracy as the label model estimates it."""
    items: tuple[ItemExplanation, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything about one record but its text."""

    id: str
    split: str
    slices: tuple[str, ...]
    tasks: tuple[TaskExplanation, ...]


def explain(project: Project, record: str) -> Explanation:
    """Explain a record of the workspace.

    Raises:
        UsageError: no such record.
        MissingError: nothing was compiled yet.
    """
    store = opened(project)
    row = row_of(store, record)
    accuracies: dict[str, dict[str, float]] = {task: {} for task in store.schema.tasks}
    for source in list_sources(project):
        if source.accuracy is not None:
            accuracies[source.task][source.source] = source.accuracy
    tasks = tuple(
        TaskExplanation(task, accuracies[task], _explain_task(project, store, task, row)) for task in store.schema.tasks
    )
    return Explanation(record, SPLITS[store.splits[row]], _slices(project, row, store.n), tasks)


def _explain_task(project: Project, store: Store, task: str, row: int) -> tuple[ItemExplanation, ...]:
    opinions = said(store, task, row, stored_votes(project, store, task))
    gold = gold_of(project, store, task, row)
    predicted = _prediction(project, task, str(store.ids[row].as_py()))
    explained = []
    for item in items_of(store, task, row):
        weight, target = _target(project, store, task, row, item.position)
        votes = {name: label for name, label in opinions.get(item.position, {}).items()
                 if name != project.settings.gold.source}
        label, confidence = predicted.get(item.position, (None, None))
        explained.append(ItemExplanation(item, votes, target, weight, gold.get(item.position), label, confidence))
    return tuple(explained)


def _target(project: Project, store: Store, task: str, row: int, position: int) -> tuple[float, Ranked]:
    import pyarrow as pa

    path = project.build / "labels" / f"{safe_name(task)}.arrow"
    if not path.is_file():
        return 0.0, ()
    offsets = store.item_offsets(task)
    item = row if offsets is None else int(offsets[row]) + position
    with pa.memory_map(str(path)) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
        at = int(np.searchsorted(view(batch.column(0)), item))
        if at == len(batch) or batch.column(0)[at].as_py() != item:
            return 0.0, ()
        probabilities = batch.column(2)[at].as_py()
        weight = float(batch.column(1)[at].as_py())
    names = store.classes.get(task) or [str(number) for number in range(len(probabilities))]
    ranked = sorted(zip(names, probabilities, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return weight, tuple(ranked)


def _prediction(project: Project, task: str, record: str) -> dict[int, tuple[str | None, float | None]]:
    import pyarrow.parquet as pq

    path = project.build / "predictions.parquet"
    if not path.is_file():
        return {}
    columns = ["predicted", "confidence"]
    found: list[dict[str, Any]] = pq.read_table(
        path, columns=columns, filters=[("task", "==", task), ("id", "==", record)]).to_pylist()
    if not found:
        return {}
    return dict(enumerate(zip(found[0]["predicted"], found[0]["confidence"], strict=True)))


def _slices(project: Project, row: int, n: int) -> tuple[str, ...]:
    from ovt.slicing.membership import Membership

    if not (project.build / "slices").is_dir():
        return ()
    membership = Membership.load(project.build / "slices", n)
    return _named(membership.names, membership.matrix[row].tolist())


def _named(names: Collection[str], member: list[bool]) -> tuple[str, ...]:
    return tuple(name for name, inside in zip(names, member, strict=True) if inside)
