"""How good predictions are on dev: the primary metric of each task, over all records and over each slice.

The epoch (or trial) that is kept has the largest

    mean over tasks of the metric on dev + slice_weight × mean of it over tasks and slices
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.data.votes import VOTED, Votes
from ovt.quality.metrics import ClassCounts, f1_micro
from ovt.quality.spans import SpanLabels, span_counts
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.training.predictions import TaskPredictions

Ints = NDArray[np.int64]
MIN_SLICE_ITEMS = 10
"""Slices with fewer dev items with gold do not take part: their metric is chance."""


@dataclass(frozen=True)
class DevGold:
    """The truth on dev, aligned with predictions on its rows."""

    rows: Ints
    """Dev rows on which some task has gold, ascending."""
    answers: dict[str, NDArray[np.int32] | NDArray[np.bool_]]
    """By task with gold: (m,) labels of the items of `rows`, or (m, k) bool; see `known`."""
    known: dict[str, NDArray[np.bool_]]
    """(m,) whether an item has gold."""
    owners: dict[str, Ints]
    """(m,) the place in `rows` of the row that an item belongs to."""


@dataclass(frozen=True)
class DevScore:
    """What dev says about one state of a model."""

    criterion: float
    tasks: dict[str, float]
    """The primary metric of each task with gold."""

    def __str__(self) -> str:
        return " · ".join(f"{task} {value:.3f}" for task, value in self.tasks.items())


def read_gold(folder: Path, store: Store) -> DevGold | None:
    """Read `build/gold/dev`; None where no task has gold."""
    votes: dict[str, Votes] = {}
    for task in store.schema.tasks:
        path = folder / f"{safe_name(task)}.arrow"
        if path.is_file():
            found = Votes.load(path, store.n_items(task))
            if len(found.items):
                votes[task] = found
    return align_gold(votes, store) if votes else None


def align_gold(votes: Mapping[str, Votes], store: Store) -> DevGold:
    """Gold votes as arrays over the items of the rows that have any."""
    rows = np.unique(np.concatenate([store.rows_of_items(task, found.items) for task, found in votes.items()]))
    answers: dict[str, NDArray[np.int32] | NDArray[np.bool_]] = {}
    known, owners = {}, {}
    for task, found in votes.items():
        items, owners[task] = items_of_rows(store, task, rows)
        places = np.searchsorted(items, found.items)
        known[task] = np.zeros(len(items), bool)
        known[task][places] = True
        if store.schema.tasks[task].type == "bitvector":
            table = np.zeros((len(items), len(store.classes[task])), bool)
            positive = found.labels != VOTED
            table[places[positive], found.labels[positive]] = True
            answers[task] = table
        else:
            labels = np.full(len(items), -1, np.int32)
            labels[places] = found.labels
            answers[task] = labels
    return DevGold(rows, answers, known, owners)


def items_of_rows(store: Store, task: str, rows: Ints) -> tuple[Ints, Ints]:
    """The items of some rows in order, and for each the place of its row in `rows`."""
    offsets = store.item_offsets(task)
    if offsets is None:
        return rows, np.arange(len(rows))
    counts = offsets[rows + 1] - offsets[rows]
    owners = np.repeat(np.arange(len(rows)), counts)
    starts = np.cumsum(counts) - counts
    return offsets[rows][owners] + np.arange(len(owners)) - starts[owners], owners


def score(
    predictions: Mapping[str, TaskPredictions], gold: DevGold, store: Store, members: NDArray[np.bool_],
    slice_weight: float,
) -> DevScore:
    """Score predictions on `gold.rows`.

    Args:
        predictions: of every task on `gold.rows`.
        gold: the truth.
        store: for classes and task types.
        members: (len(gold.rows), slices) membership.
        slice_weight: how much the mean over slices counts.
    """
    tasks: dict[str, float] = {}
    sliced: list[float] = []
    for task in gold.answers:
        tallies = _tallies(task, predictions[task], gold, store)
        tasks[task] = _metric(tallies.sum(0))
        for column in range(members.shape[1]):
            inside = members[:, column]
            if tallies[inside, 3].sum() >= MIN_SLICE_ITEMS:
                sliced.append(_metric(tallies[inside].sum(0)))
    overall = float(np.mean(list(tasks.values())))
    return DevScore(overall + slice_weight * (float(np.mean(sliced)) if sliced else 0.0), tasks)


def subset_scores(
    predictions: Mapping[str, TaskPredictions], gold: DevGold, store: Store, members: NDArray[np.bool_],
) -> dict[str, list[tuple[int, float]]]:
    """By task, for each column of `members` (len(gold.rows), subsets): items with gold, and the primary metric."""
    found = {}
    for task in gold.answers:
        tallies = _tallies(task, predictions[task], gold, store)
        sums = [tallies[members[:, column]].sum(0) for column in range(members.shape[1])]
        found[task] = [(int(each[3]), _metric(each)) for each in sums]
    return found


def right_items(predictions: Mapping[str, TaskPredictions], gold: DevGold) -> dict[str, NDArray[np.bool_]]:
    """By task with gold whether each item with gold is answered rightly, in the order of `gold.answers`."""
    found = {}
    for task, answers in gold.answers.items():
        same = predictions[task].decoded == answers
        found[task] = (same.all(1) if same.ndim == 2 else same)[gold.known[task]]
    return found


def _tallies(task: str, found: TaskPredictions, gold: DevGold, store: Store) -> NDArray[np.int64]:
    """(rows, 4) right, predicted, true, items: each primary metric is an F1 of these (accuracy is F1 of one each)."""
    spec, known, owners = store.schema.tasks[task], gold.known[task], gold.owners[task]
    answers, rows = gold.answers[task], len(gold.rows)
    if spec.spans is not None:
        counts = np.bincount(owners, minlength=rows)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        codes, decoded = answers.astype(np.int32), found.decoded.astype(np.int32)
        three = span_counts(codes, decoded, offsets, SpanLabels.of(store.classes[task]))
        return np.column_stack([three, _by_row(owners, known, rows)])
    if spec.type == "bitvector":
        right = ((found.decoded & answers).sum(1) * known, found.decoded.sum(1) * known, answers.sum(1) * known)
        return np.column_stack([*(_by_row(owners, column, rows) for column in right), _by_row(owners, known, rows)])
    items = _by_row(owners, known, rows)
    return np.column_stack([_by_row(owners, (found.decoded == answers) & known, rows), items, items, items])


def _by_row(owners: Ints, values: NDArray[np.generic], rows: int) -> NDArray[np.int64]:
    return np.bincount(owners, weights=values, minlength=rows).astype(np.int64)


def _metric(tally: NDArray[np.int64]) -> float:
    right, predicted, true = (np.asarray([value], np.float64) for value in tally[:3])
    return float(f1_micro(ClassCounts(right, predicted, true)))
