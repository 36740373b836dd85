from __future__ import annotations

import pytest

from ovt.quality.flips import NOTHING, list_flips


@pytest.fixture
def versions(graded):
    gold = [["a", "b"], ["a", None], ["b", "b"]]
    a = graded("multiclass", gold, [["a", "a"], ["a", "a"], ["b", None]], slices={"s": [0, 2], "t": [0]},
               confidence=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    b = graded("multiclass", gold, [["b", "b"], ["b", "b"], ["a", "a"]], slices={"s": [0, 2], "t": [0]},
               confidence=[0.5, 0.6, 0.7, 0.8, 0.95, 0.2])
    return a, b


def test_flips_broken_first_and_the_surest_mistakes_on_top(versions) -> None:
    flips = list_flips(*versions, None)
    assert [(flip.kind, flip.id, flip.position, flip.gold, flip.old, flip.new) for flip in flips] == [
        ("broken", "r00002", 0, "b", "b", "a"), ("broken", "r00001", 0, "a", "a", "b"),
        ("broken", "r00000", 0, "a", "a", "b"), ("fixed", "r00000", 1, "b", "a", "b"),
    ]
    assert (flips[0].old_confidence, flips[0].new_confidence) == (0.5, 0.95)
    assert flips[0].slices == ("s",)
    assert flips[-1].slices == ("s", "t")


def test_flips_of_a_slice(versions) -> None:
    assert {flip.id for flip in list_flips(*versions, "t")} == {"r00000"}
    assert list_flips(*versions, "nobody") == []


def test_records_whose_gold_changed_are_no_flips(graded) -> None:
    a = graded("multiclass", [["a"], ["a"]], [["a"], ["b"]])
    b = graded("multiclass", [["b"], ["a"]], [["a"], ["a"]])
    assert [(flip.id, flip.kind) for flip in list_flips(a, b, None)] == [("r00001", "fixed")]


def test_records_are_matched_by_id(graded) -> None:
    a = graded("select", [["0"], ["1"]], [["0"], ["1"]], ids=["p", "r"])
    b = graded("select", [["2"], ["1"]], [["0"], [None]], ids=["q", "r"])
    (flip,) = list_flips(a, b, None)
    assert (flip.id, flip.kind, flip.old, flip.new) == ("r", "broken", "1", NOTHING)
