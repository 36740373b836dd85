from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ovt.data.votes import VOTED, Votes
from ovt.quality.grade import Population, Question, grade
from ovt.quality.membership import RowsByName


@dataclass(frozen=True)
class Said:
    """What a model said."""

    items: np.ndarray
    probabilities: np.ndarray
    decoded: np.ndarray
    offsets: np.ndarray | None = None
    sure: tuple[float, ...] = ()

    def confidence(self) -> np.ndarray:
        return np.asarray(self.sure or [0.5] * len(self.items), np.float32)


def population(n: int) -> Population:
    names = np.asarray([f"r{row}" for row in range(n)], object)
    return Population("test", names, RowsByName(n, {"s": np.asarray([0])}), RowsByName(n, {}))


def votes(rows, n_items: int) -> Votes:
    items, labels = np.asarray(rows).reshape(-1, 2).T
    return Votes.build(items.astype(np.int64), np.zeros(len(items), np.int32), labels.astype(np.int32), ("gold",), n_items)


def test_multiclass() -> None:
    said = Said(np.asarray([7, 2, 4]), np.asarray([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32),
                np.asarray([0, 1, -1], np.int32))
    part = grade(Question("T", "multiclass", ["a", "b"]), said, votes([(2, 0), (7, 0), (9, 1)], 10),
                 np.asarray([0, 1, 2]), population(3))
    assert part.labels == ("a", "b")
    assert part.gold.tolist() == [0, 0, -1]
    assert part.predicted.tolist() == [0, 1, -1]
    assert part.gold_probability.tolist()[:2] == pytest.approx([0.9, 0.2])
    assert np.isnan(part.gold_probability[2])
    assert part.confidence.tolist() == [0.5, 0.5, 0]  # nothing is sure of an answer it could not give
    assert part.offsets.tolist() == [0, 1, 2, 3]


def test_records_without_items_stay() -> None:
    said = Said(np.asarray([0, 1]), np.ones((2, 1), np.float32), np.zeros(2, np.int32))
    part = grade(Question("T", "multiclass", ["a"]), said, None, np.asarray([1, 1]), population(3))
    assert part.offsets.tolist() == [0, 0, 2, 2]
    assert part.gold.tolist() == [-1, -1]
    assert part.slices.of("s").tolist() == [0]


def test_bitvector_items_are_sets() -> None:
    said = Said(np.asarray([0, 1, 2]), np.asarray([[0.9, 0.2], [0.6, 0.7], [0.5, 0.5]], np.float32),
                np.asarray([[True, False], [True, True], [False, False]]))
    gold = votes([(0, VOTED), (0, 0), (1, VOTED), (2, VOTED), (2, 0), (2, 1)], 3)
    part = grade(Question("T", "bitvector", ["z", "é"]), said, gold, np.asarray([0, 1, 2]), population(3))
    shown = [part.labels[code] for code in part.predicted]
    assert shown == ['["z"]', '["z","é"]', "[]"]
    assert [part.labels[code] for code in part.gold] == ['["z"]', "[]", '["z","é"]']
    assert part.correct.tolist() == [True, False, False]
    assert part.gold_probability.tolist() == pytest.approx([0.9 * 0.8, 0.4 * 0.3, 0.25])


def test_bitvector_without_gold_or_classes() -> None:
    said = Said(np.asarray([0]), np.empty((1, 0), np.float32), np.empty((1, 0), bool))
    part = grade(Question("T", "bitvector", []), said, None, np.asarray([0]), population(1))
    assert (part.labels, part.gold.tolist(), part.predicted.tolist()) == (("[]",), [-1], [0])


def test_select_is_by_position() -> None:
    said = Said(np.asarray([0, 1, 2, 3]), np.asarray([0.3, 0.7, 1, 0.2, 0.8], np.float32),
                np.asarray([1, 0, -1, 1], np.int32), np.asarray([0, 2, 3, 3, 5]))
    part = grade(Question("T", "select", []), said, votes([(0, 0), (1, 0), (3, 4)], 4), np.arange(4), population(4))
    assert part.labels == ("0", "1", "2", "3", "4")
    assert part.correct.tolist() == [False, True, False, False]
    assert part.gold_probability.tolist()[:2] == pytest.approx([0.3, 1])
    assert part.gold_probability[3] == 0  # gold beyond the candidates: no probability was given to it
