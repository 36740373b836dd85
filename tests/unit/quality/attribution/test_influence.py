from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ovt.quality.attribution.influence import NONE, influence, train_items, wrong_classes

CLASSES = ["a", "b", "c"]


def targets(items, probabilities, weights=None, offsets=None):
    values = np.asarray(probabilities, np.float32)
    return SimpleNamespace(
        items=np.asarray(items), weights=np.asarray(weights or [1.0] * len(items), np.float32), probabilities=values,
        offsets=None if offsets is None else np.asarray(offsets))


def test_mistakes_count_for_the_class_said_and_against_the_right_one(graded) -> None:
    gold = [["a"]] * 3 + [["c"]]
    a, b = graded("multiclass", gold, gold), graded("multiclass", gold, [["b"], ["b"], ["a"], ["b"]])
    assert wrong_classes(a, b, None, CLASSES).tolist() == [-2 / 3, 1.0, -1 / 3]


def test_mistakes_of_a_bitvector_are_names(graded, names) -> None:
    gold = [[names("a")], [names("a", "b")]]
    a, b = graded("bitvector", gold, gold), graded("bitvector", gold, [[names()], [names("a", "c")]])
    assert wrong_classes(a, b, None, CLASSES).tolist() == [-0.5, -0.5, 0.5]


def test_mistakes_of_select_are_positions(graded) -> None:
    gold = [["1"], ["1"]]
    a, b = graded("select", gold, gold), graded("select", gold, [["3"], [None]])
    assert wrong_classes(a, b, None, None).tolist() == [0, -1, 0, 0.5]


def test_influence_is_probability_moved_towards_the_mistakes() -> None:
    mask, wrong = np.asarray([True, True, False]), np.asarray([-1.0, 1.0, 0.0])
    with_change = targets([0, 1, 2], [[0.2, 0.8, 0.0], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    without = targets([0, 2], [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    found = influence(with_change, without, mask, wrong)
    # per item of the slice: b gains 1.3, a loses 0.3
    assert found.towards_wrong == pytest.approx((1.3 + 0.3) / 2)
    assert found.moved == pytest.approx(0.4)
    assert influence(without, with_change, mask, wrong).towards_wrong == pytest.approx(-0.8)


def test_influence_on_select_reads_positions() -> None:
    with_change = targets([0, 1], [0.1, 0.9, 1.0, 0.0, 0.0], offsets=[0, 2, 5])
    without = targets([0, 1], [0.9, 0.1, 1.0, 0.0, 0.0], offsets=[0, 2, 5])
    found = influence(with_change, without, np.asarray([True, True]), np.asarray([-1.0, 1.0]))
    assert found.towards_wrong == pytest.approx(0.8)


def test_no_train_item_no_influence() -> None:
    assert influence(None, targets([0], [[1.0, 0.0]]), np.zeros(1, bool), np.zeros(2)) is NONE


def test_train_items_are_those_of_train_records_of_the_slice() -> None:
    records = SimpleNamespace(splits=np.asarray([0, 0, 2], np.int8), item_offsets=lambda _: None)
    tokens = SimpleNamespace(splits=records.splits, item_offsets=lambda _: np.asarray([0, 2, 3, 5]))
    assert train_items(records, "T", None).tolist() == [True, True, False]
    assert train_items(tokens, "T", np.asarray([True, False, True])).tolist() == [True, True, False, False, False]
