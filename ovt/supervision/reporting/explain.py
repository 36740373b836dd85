"""Why a record got its labels: votes and their weights, the posterior with and without each, corrections, gold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest
from ovt.project import CORRECTIONS
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name
from ovt.supervision.annotation.targetfile import TargetFile
from ovt.supervision.posterior import Learned, load
from ovt.supervision.reporting.opinions import Item, gold_of, items_of, opened, row_of, said, stored_votes
from ovt.supervision.reporting.weighing import Ranked, RecordVotes, Weighed, accuracies, ranked, weigh

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.project import Project

NOTHING = Weighed((), None, ())


@dataclass(frozen=True)
class Corrected:
    """A person's correction of one item or record."""

    source: str
    label: Any
    """As the row has it; None: taken back."""
    position: int | None
    """None: about the whole record."""
    counts: bool
    """It is the last one."""
    at: str
    """FILE:LINE."""


@dataclass(frozen=True)
class ItemExplanation:
    """One item of a record."""

    item: Item
    votes: dict[str, str]
    """Source → label; sources that abstain are left out."""
    weighed: Weighed
    """What the label model makes of them, and of each; empty before it ran."""
    target: Ranked
    """What training is told; empty without a target."""
    weight: float
    """Of the item in training; 0 where no source covers it."""
    corrections: tuple[Corrected, ...]
    """In the order in which they were made."""
    gold: str | None
    """Of a train or dev record; that of test is for evaluation alone."""
    predicted: str | None
    """What the model of the workspace says about a record of dev or test."""
    confidence: float | None


@dataclass(frozen=True)
class TaskExplanation:
    """One task on a record."""

    task: str
    label_model: str | None
    """That the weights come from."""
    accuracies: dict[str, float]
    """Source → its accuracy as the label model estimates it; of sources that vote on the record."""
    items: tuple[ItemExplanation, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything about one record but its text."""

    id: str
    split: str
    slices: tuple[str, ...]
    tasks: tuple[TaskExplanation, ...]


def explain(project: Project, record: str, task: str | None = None, position: int | None = None) -> Explanation:
    """Explain a record of the workspace.

    Args:
        project: compiled; labelled for weights and targets.
        record: its id.
        task: only this one.
        position: only this token or member.

    Raises:
        UsageError: no such record, task or position.
        MissingError: nothing was compiled yet.
    """
    store = opened(project)
    row = row_of(store, record)
    if task is not None and task not in store.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, store.schema.tasks), command="ovt task list")
    tasks = tuple(
        _explain_task(project, store, name, row, position) for name in store.schema.tasks if task in {None, name}
    )
    if position is not None and not any(found.items for found in tasks):
        raise UsageError(f"record `{record}` has no item {position}", why="positions are counted from 0",
                         command=f"ovt explain --record {record}")
    return Explanation(record, SPLITS[store.splits[row]], _slices(project, row, store.n), tasks)


def learned_of(project: Project, task: str) -> Learned | None:
    """The task's label model in the workspace; None before the label stage ran, or where there was nothing to learn."""
    path = project.build / "labels" / f"{safe_name(task)}.model.safetensors"
    return load(path) if path.is_file() else None


def _explain_task(project: Project, store: Store, task: str, row: int, position: int | None) -> TaskExplanation:
    votes = stored_votes(project, store, task).without(project.settings.gold.source)
    opinions, record = said(store, task, row, votes), RecordVotes.of(store, task, row, votes)
    learned = learned_of(project, task)
    gold = {} if SPLITS[store.splits[row]] == "test" else gold_of(project, store, task, row)
    predicted = _prediction(project, task, str(store.ids[row].as_py()))
    corrections = corrections_on(project, str(store.ids[row].as_py()), task)
    targets = _targets(project, task)
    offsets, classes = store.item_offsets(task), store.classes.get(task)
    explained = []
    for item in items_of(store, task, row):
        if position not in {None, item.position}:
            continue
        number = row if offsets is None else int(offsets[row]) + item.position
        target = targets.of_item(number) if targets is not None else None
        label, confidence = predicted.get(item.position, (None, None))
        explained.append(ItemExplanation(
            item, opinions.get(item.position, {}),
            weigh(learned, record, item.position, classes) if learned is not None else NOTHING,
            ranked(store.schema.tasks[task].type, target[1], classes) if target else (), target[0] if target else 0.0,
            tuple(one for one in corrections if one.position in {None, item.position}),
            gold.get(item.position), label, confidence,
        ))
    known = accuracies(learned) if learned is not None else {}
    voting = {name for by_source in opinions.values() for name in by_source}
    return TaskExplanation(task, learned.model if learned is not None else None,
                           {name: known[name] for name in sorted(voting) if name in known}, tuple(explained))


def corrections_on(project: Project, record: str, task: str) -> list[Corrected]:
    """What people corrected on a record, the last word on each item marked."""
    from ovt.supervision.collection.rows import read_lines

    path = project.root / CORRECTIONS
    found: list[Corrected] = []
    for line in read_lines(path, CORRECTIONS) if path.is_file() else ():
        if line.row is None or (line.row.id, line.row.task) != (record, task):
            continue
        label = None if line.row.retracted else line.row.label
        found.append(Corrected(line.row.name, label, line.row.position, counts=True, at=f"{CORRECTIONS}:{line.number}"))
    replaced = [any(later.position in {None, one.position} for later in found[at + 1:]) for at, one in enumerate(found)]
    return [Corrected(one.source, one.label, one.position, not gone and one.label is not None, one.at)
            for one, gone in zip(found, replaced, strict=True)]


def _targets(project: Project, task: str) -> TargetFile | None:
    path = project.build / "labels" / f"{safe_name(task)}.arrow"
    return TargetFile.open(path) if path.is_file() else None


def _prediction(project: Project, task: str, record: str) -> dict[int, tuple[str | None, float | None]]:
    import pyarrow.parquet as pq

    path: Path = project.build / "predictions.parquet"
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
