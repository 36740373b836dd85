from __future__ import annotations

from math import comb

import pytest

from ovt.quality.attribution.recovery import Recovery, effect, recovery


def version(graded, right: int, n: int = 40):
    """The first `right` records are right."""
    return graded("multiclass", [["a"]] * n, [["a"]] * right + [["b"]] * (n - right), slices={"s": list(range(n // 2, n))})


def exact(broken: int, fixed: int) -> float:
    flips = broken + fixed
    return min(1.0, 2 * sum(comb(flips, k) for k in range(min(broken, fixed) + 1)) / 2 ** flips)


def test_effect_is_mcnemars_test_where_a_record_has_one_item(graded) -> None:
    found = effect(version(graded, 30), version(graded, 22), None)
    assert (found.n, found.old, found.new) == (40, 0.75, 0.55)
    assert found.p == pytest.approx(exact(8, 0))
    assert found.delta == pytest.approx(-0.2)


def test_effect_in_a_slice_and_on_nothing(graded) -> None:
    assert effect(version(graded, 30), version(graded, 22), "s").n == 20
    assert effect(version(graded, 30), version(graded, 22), "nobody") is None


def test_effect_of_tokens_swaps_records(graded) -> None:
    gold = [["a", "a"]] * 30
    better, worse = graded("multiclass", gold, gold), graded("multiclass", gold, [["a", "b"]] * 12 + [["a", "a"]] * 18)
    assert effect(better, worse, None).p < 0.01


def test_share_is_the_part_of_the_drop_that_is_gone(graded) -> None:
    found = recovery(version(graded, 36), version(graded, 16), version(graded, 31), None)
    assert found.share == pytest.approx(15 / 20)
    assert found.p_gain == pytest.approx(exact(0, 15))
    assert found.p_rest == pytest.approx(exact(5, 0))


def test_without_a_drop_there_is_nothing_to_explain(graded) -> None:
    assert recovery(version(graded, 16), version(graded, 16), version(graded, 31), None) is None


@pytest.mark.parametrize(("change", "candidate"), [
    ({}, True),
    ({"p_gain": 0.03}, False),  # of four suspects one is as good by chance in one of nine cases
    ({"share": 0.4}, False),  # less than half
    ({"without": 0.80, "p_rest": 0.01}, False),  # still down for certain
    ({"without": 0.80, "p_rest": 0.30}, True),  # the rest may be chance
    ({"without": 0.89, "p_rest": 0.01}, True),  # certain, but within the floor
])
def test_candidate(change: dict[str, float], candidate: bool) -> None:
    values = {"base": 0.9, "head": 0.6, "without": 0.9, "share": 1.0, "p_gain": 0.001, "p_rest": 1.0} | change
    assert Recovery(**values).candidate(0.05, 4, 0.02) is candidate
