"""The model's answers laid beside the gold: arrays of one task on one split, with labels by name.

A bitvector item is one label, the whole set of its names: two items with the
same set have the same label, and equality of labels is exact match.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ovt.data.votes import VOTED
from ovt.quality.predictions import GradedPredictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.quality.membership import RowsByName
    from ovt.quality.metrics import Form


class Answers(Protocol):
    """What a model says about the items of some rows; `ovt.training.predictions.TaskPredictions` is one."""

    @property
    def items(self) -> NDArray[np.int64]:
        """(m,) item numbers."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(m, k), or for a select task (v,) of all candidates one item after the other."""

    @property
    def decoded(self) -> NDArray[np.int32] | NDArray[np.bool_]:
        """(m,) classes or positions, -1 for none; (m, k) bool for a bitvector."""

    @property
    def offsets(self) -> NDArray[np.int64] | None:
        """(m + 1,) the candidates of each item of a select task."""

    def confidence(self) -> NDArray[np.float32]:
        """(m,) the probability of what was decoded."""


@dataclass(frozen=True)
class Question:
    """A task, how it is scored, and what its classes are called."""

    task: str
    form: Form
    classes: Sequence[str]
    """Empty for a select task."""


@dataclass(frozen=True)
class Population:
    """The records of one split, in the order of their ids."""

    split: str
    ids: NDArray[np.object_]
    slices: RowsByName
    tags: RowsByName


def grade(
    question: Question, answers: Answers, gold: Votes | None, owners: NDArray[np.int64], population: Population,
) -> GradedPredictions:
    """Lay answers and gold side by side.

    Args:
        question: the task.
        answers: the model's, on items that lie record by record in the order of the population.
        gold: votes of the gold source on this split; None if it has none.
        owners: (items,) the record of the population that each answer belongs to, ascending.
        population: the records.
    """
    offsets = np.zeros(len(population.ids) + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=len(population.ids)), out=offsets[1:])
    if question.form == "select":
        laid = _select(answers, gold)
    else:
        laid = (_bitvector if question.form == "bitvector" else _multiclass)(question.classes, answers, gold)
    return GradedPredictions(
        task=question.task, form=question.form, split=population.split, ids=population.ids, offsets=offsets,
        labels=laid.labels, gold=laid.gold, predicted=laid.predicted,
        confidence=np.where(laid.predicted >= 0, answers.confidence(), np.float32(0)).astype(np.float32),
        gold_probability=np.where(laid.gold >= 0, laid.gold_probability, np.float32("nan")).astype(np.float32),
        slices=population.slices, tags=population.tags,
    )


@dataclass(frozen=True)
class _Laid:
    labels: tuple[str, ...]
    gold: NDArray[np.int32]
    predicted: NDArray[np.int32]
    gold_probability: NDArray[np.float32]


def _multiclass(classes: Sequence[str], answers: Answers, gold: Votes | None) -> _Laid:
    truth = _one_label(answers.items, gold)
    probability = answers.probabilities[np.arange(len(truth)), np.maximum(truth, 0)]
    return _Laid(tuple(classes), truth, answers.decoded.astype(np.int32), probability)


def _select(answers: Answers, gold: Votes | None) -> _Laid:
    offsets = answers.offsets
    assert offsets is not None
    truth = _one_label(answers.items, gold)
    candidates = np.diff(offsets)
    highest = max(int(candidates.max(initial=0)), int(truth.max(initial=-1)) + 1)
    within = (truth >= 0) & (truth < candidates)
    probability = np.zeros(len(truth), np.float32)
    probability[within] = answers.probabilities[offsets[:-1][within] + truth[within]]
    return _Laid(tuple(str(place) for place in range(highest)), truth, answers.decoded.astype(np.int32), probability)


def _bitvector(classes: Sequence[str], answers: Answers, gold: Votes | None) -> _Laid:
    truth, known = _bits(answers.items, gold, len(classes))
    found = answers.decoded.astype(bool)
    sets, codes = _distinct(np.concatenate([found, truth[known]]))
    m = len(found)
    labels = [json.dumps(sorted(classes[bit] for bit in np.flatnonzero(names).tolist()), ensure_ascii=False,
                         separators=(",", ":")) for names in sets]
    gold_codes = np.full(m, -1, np.int32)
    gold_codes[known] = codes[m:]
    agreed = np.where(truth, answers.probabilities, 1 - answers.probabilities)
    return _Laid(tuple(labels), gold_codes, codes[:m].astype(np.int32), agreed.prod(axis=1).astype(np.float32))


def _distinct(rows: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """The distinct rows of a boolean table, and which of them each row is."""
    packed = np.packbits(rows, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, max(1, packed.shape[1])))).ravel() if (
        packed.shape[1]) else np.zeros(len(rows), np.int8)
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], codes.astype(np.int64)


def _one_label(items: NDArray[np.int64], gold: Votes | None) -> NDArray[np.int32]:
    """The gold label of each item, -1 for none; of two labels the lower, since votes are sorted."""
    if gold is None:
        return np.full(len(items), -1, np.int32)
    by_item = np.full(gold.n_items, -1, np.int32)
    by_item[gold.items[::-1]] = gold.labels[::-1]
    return by_item[items]


def _bits(items: NDArray[np.int64], gold: Votes | None, k: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(items, k) gold names of each item, and (items,) whether it has gold at all."""
    truth, known = np.zeros((len(items), k), bool), np.zeros(len(items), bool)
    if gold is None:
        return truth, known
    place = np.full(gold.n_items, -1, np.int64)
    place[items] = np.arange(len(items))
    rows, labels = place[gold.items], gold.labels
    known[rows[rows >= 0]] = True
    named = (rows >= 0) & (labels != VOTED)
    truth[rows[named], labels[named]] = True
    return truth, known
