"""Where the model disagrees with gold or with its supervision, and where supervision leaves a label open.

Each kind is sorted so that the most telling comes first: model errors by the
model's confidence, disagreements with the sources by the product of both
probabilities, open labels by how little the label model prefers its answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.quality.predictions import GradedPredictions

DisagreementKind = Literal["gold", "sources", "open", "silent"]
MOST = 1000
"""Rows of one kind and split; more would not be read."""
SURE = 0.9
"""A training target at least so sure is not open."""


@dataclass(frozen=True)
class Disagreement:
    """One item that somebody is wrong about."""

    kind: DisagreementKind
    """gold: the model has it wrong; sources: the model and the label model differ (dev); open: sources leave a train
    item open; silent: no source votes on a train record."""
    split: str
    task: str
    id: str
    position: int
    predicted: str | None
    """By the model; None on train, where build/ has no predictions."""
    confidence: float | None
    gold: str | None
    sources: str | None
    """What the label model makes of the votes; None where no source votes."""
    sources_confidence: float | None
    text: str = ""


@dataclass(frozen=True)
class Answers:
    """What the label model says about some items of the store."""

    items: NDArray[np.int64]
    """(c,) ascending."""
    labels: NDArray[np.object_]
    """(c,) spelled as in predictions.parquet."""
    confidence: NDArray[np.float64]
    """(c,) of that label; of a bitvector the product over its bits."""

    def on(self, items: NDArray[np.int64]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """Label and probability of each item; None and NaN where there is none."""
        labels = np.full(len(items), None, object)
        confidence = np.full(len(items), np.nan)
        if len(self.items):
            at = np.minimum(np.searchsorted(self.items, items), len(self.items) - 1)
            there = self.items[at] == items
            labels[there], confidence[there] = self.labels[at[there]], self.confidence[at[there]]
        return labels, confidence


def answers(
    items: NDArray[np.int64], values: NDArray[np.floating], offsets: NDArray[np.int64] | None, kind: str,
    classes: Sequence[str] | None,
) -> Answers:
    """The most probable label of each item.

    Args:
        items: (c,) ascending.
        values: (c, k); for select (cells,).
        offsets: (c + 1,) for select.
        kind: of the task.
        classes: of the task; None for select.
    """
    if not len(items):
        return Answers(items, np.empty(0, object), np.empty(0))
    if kind == "select":
        return _of_candidates(items, values, offsets)
    names = list(classes or ())
    table = np.asarray(values, np.float64)
    if kind == "bitvector":
        yes = table >= 0.5
        sets, which = np.unique(yes, axis=0, return_inverse=True)
        spelled = np.array([spelled_set([names[at] for at in np.flatnonzero(row)]) for row in sets], object)
        return Answers(items, spelled[which.ravel()], np.where(yes, table, 1 - table).prod(axis=1))
    best = table.argmax(axis=1)
    return Answers(items, np.array(names, object)[best], table[np.arange(len(table)), best])


def spelled_set(names: Sequence[str]) -> str:
    """The names of a bitvector's label as predictions.parquet spells them."""
    return json.dumps(sorted(names), ensure_ascii=False, separators=(",", ":"))


def _of_candidates(
    items: NDArray[np.int64], values: NDArray[np.floating], offsets: NDArray[np.int64] | None,
) -> Answers:
    assert offsets is not None
    best = [int(values[start:stop].argmax()) for start, stop in pairwise(offsets.tolist())]
    top = [float(values[start + at]) for start, at in zip(offsets, best, strict=False)]
    return Answers(items, np.array([str(at) for at in best], object), np.array(top))


def disagreeing(
    part: GradedPredictions, store: Store, said: Answers, slice_: str | None, *, with_sources: bool,
) -> list[Disagreement]:
    """The model's errors on one split, and where it says something else than the sources.

    Args:
        part: predictions of a task on dev or test.
        store: of the same version.
        said: by the label model, about the store's items.
        slice_: only its members; None: all.
        with_sources: list disagreements with the sources too.
    """
    member = np.ones(len(part.ids), bool) if slice_ is None else part.slices.mask(slice_)
    rows = store.rows_of(part.ids.tolist())
    starts = _starts(store, part.task, rows)
    items = starts[part.item_rows] + np.arange(len(part.predicted)) - part.offsets[part.item_rows]
    items[rows[part.item_rows] < 0] = -1
    labels, certain = said.on(items)
    names = np.array([*part.labels, None], object)
    predicted, gold = names[part.predicted], names[part.gold]
    here = member[part.item_rows] & (part.predicted >= 0)
    wrong = np.flatnonzero(here & (part.gold >= 0) & ~part.correct)
    wrong = wrong[np.argsort(-part.confidence[wrong], kind="stable")][:MOST]
    other = np.empty(0, np.int64)
    if with_sources:
        other = np.flatnonzero(here & (labels != None) & (labels != predicted))  # noqa: E711 - elementwise
        other = other[np.argsort(-part.confidence[other] * certain[other], kind="stable")][:MOST]

    def row(kind: DisagreementKind, item: int) -> Disagreement:
        return Disagreement(
            kind, part.split, part.task, str(part.ids[part.item_rows[item]]), part.position(item), predicted[item],
            float(part.confidence[item]), gold[item], labels[item],
            None if labels[item] is None else float(certain[item]),
        )

    return [row("gold", item) for item in wrong.tolist()] + [row("sources", item) for item in other.tolist()]


def errors_in(part: GradedPredictions, slice_: str | None) -> tuple[int, int]:
    """Items of a slice that the model has wrong, and items with gold."""
    member = np.ones(len(part.ids), bool) if slice_ is None else part.slices.mask(slice_)
    graded = member[part.item_rows] & (part.gold >= 0)
    return int((graded & ~part.correct).sum()), int(graded.sum())


def open_items(store: Store, task: str, said: Answers, wanted: NDArray[np.bool_]) -> list[Disagreement]:
    """Train items whose target is not sure, the least sure first.

    Args:
        store: the records.
        task: the task.
        said: the training targets.
        wanted: (n,) records that are looked at.
    """
    rows = store.rows_of_items(task, said.items)
    torn = np.flatnonzero(wanted[rows] & (said.confidence < SURE))
    torn = torn[np.argsort(said.confidence[torn], kind="stable")][:MOST]
    starts = _starts(store, task, rows[torn])
    ids = store.ids.take(rows[torn]).to_pylist() if len(torn) else []
    return [
        Disagreement("open", "train", task, record, int(said.items[at] - start), None, None, None, said.labels[at],
                     float(said.confidence[at]))
        for at, start, record in zip(torn.tolist(), starts.tolist(), ids, strict=True)
    ]


def silent_records(
    store: Store, task: str, voted: NDArray[np.int64], wanted: NDArray[np.bool_],
) -> tuple[list[Disagreement], int]:
    """Train records on none of whose items a source votes (the first of them), and how many there are.

    Args:
        store: the records.
        task: the task.
        voted: items that some source votes on.
        wanted: (n,) records that are looked at.
    """
    heard = np.zeros(store.n, bool)
    heard[store.rows_of_items(task, voted)] = True
    rows = np.flatnonzero(wanted & ~heard)
    ids = store.ids.take(rows[:MOST]).to_pylist() if len(rows) else []
    return [Disagreement("silent", "train", task, record, 0, None, None, None, None, None) for record in ids], len(rows)


def _starts(store: Store, task: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first item of each record."""
    offsets = store.item_offsets(task)
    return np.asarray(rows, np.int64) if offsets is None else np.asarray(offsets[rows], np.int64)
