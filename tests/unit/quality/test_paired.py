from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality import paired
from ovt.quality.paired import Pairs


def pairs_of(rows) -> Pairs:
    return Pairs(*np.asarray(rows, np.int64).T)


def one_p(pairs: Pairs) -> float:
    (p,) = paired.swap_tests([pairs])
    return p


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_two_tails_of_a_fair_coin(broken: int, fixed: int) -> None:
    flips = broken + fixed
    tail = sum(comb(flips, few) for few in range(min(broken, fixed) + 1)) / 2 ** flips
    assert paired.mcnemar(broken, fixed) == pytest.approx(min(1, 2 * tail), abs=1e-12)


def test_mcnemar_of_very_many_flips_is_finite() -> None:
    assert paired.mcnemar(60_000, 40_000) < 1e-300
    assert paired.mcnemar(50_000, 50_000) == 1


def test_swap_test_is_the_exact_permutation_test_where_all_can_be_listed() -> None:
    rng = np.random.default_rng(5)
    gold = rng.integers(1, 4, 12)
    found = rng.integers(1, 4, (2, 12))
    right = np.minimum(rng.integers(0, 4, (2, 12)), np.minimum(gold, found))
    data = Pairs(2 * right[0], found[0] + gold, 2 * right[1], found[1] + gold)
    old, new = data.values()
    beyond = 0
    for swap in product((False, True), repeat=12):
        mask = np.asarray(swap)
        sides = [np.where(mask, left, right) for left, right in (
            (data.numerator_b, data.numerator_a), (data.denominator_b, data.denominator_a),
            (data.numerator_a, data.numerator_b), (data.denominator_a, data.denominator_b),
        )]
        a, b = Pairs(*sides).values()
        beyond += abs(b - a) >= abs(new - old) - 1e-12
    assert one_p(data) == pytest.approx(beyond / 2 ** 12, abs=0.035)


def test_swap_test_of_single_items_is_mcnemar() -> None:
    for broken, fixed in ((6, 0), (9, 3), (20, 8), (12, 12)):
        rows = [(1, 1, 0, 1)] * broken + [(0, 1, 1, 1)] * fixed + [(1, 1, 1, 1)] * 50
        assert one_p(pairs_of(rows)) == pytest.approx(paired.mcnemar(broken, fixed), abs=0.03)


def test_far_tails_are_told_beyond_what_draws_can_count() -> None:
    rows = [(1, 1, 0, 1)] * 60 + [(1, 1, 1, 1)] * 400
    assert paired.attainable(60) <= one_p(pairs_of(rows)) < 1e-9


def test_few_flips_are_never_significant() -> None:
    for flips in range(6):
        assert one_p(pairs_of([(2, 2, 0, 2)] * flips + [(2, 2, 2, 2)] * 30)) > 0.05


def test_nothing_differs() -> None:
    same = pairs_of([(1, 2, 1, 2)] * 10)
    assert one_p(same) == 1
    assert paired.bootstrap_intervals([same], 0.95)[0] == (0, 0)


def test_more_records_than_groups() -> None:
    rng = np.random.default_rng(2)
    a, b = (rng.random((2, 9000)) < [[0.9], [0.8]]).astype(np.int64)
    ones = np.ones(9000, np.int64)
    data = Pairs(a, ones, b, ones)
    low, high = paired.bootstrap_intervals([data], 0.95)[0]
    wald = 1.96 * np.std(b - a) / np.sqrt(9000)
    assert (low, high) == pytest.approx(((b - a).mean() - wald, (b - a).mean() + wald), abs=0.002)
    assert one_p(data) < 1e-12


def test_interval_of_flips_covers() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(600):
        broken, fixed, _ = rng.multinomial(60, [0.12, 0.04, 0.84])
        low, high = paired.interval_of_flips(int(broken), int(fixed), 60, 0.95)
        inside += low <= -0.08 <= high
    assert inside / 600 > 0.93


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_the_step_up_procedure(values: list[float]) -> None:
    p = np.asarray(values)
    adjusted = paired.benjamini_hochberg(p)
    for alpha in (0.01, 0.05, 0.2, 0.5):
        ranked = sorted(values)
        passing = [rank for rank, value in enumerate(ranked, 1) if value <= alpha * rank / len(p) + 1e-15]
        limit = ranked[passing[-1] - 1] if passing else -1.0
        np.testing.assert_array_equal(adjusted <= alpha + 1e-12, p <= limit)
    assert (adjusted >= p - 1e-15).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_the_step_down_procedure(values: list[float]) -> None:
    p = np.asarray(values)
    adjusted = paired.holm(p)
    order = np.argsort(p, kind="stable")
    for alpha in (0.05, 0.3):
        going, rejected = True, np.zeros(len(p), bool)
        for rank, index in enumerate(order):
            going = going and p[index] * (len(p) - rank) <= alpha + 1e-12
            rejected[index] = going
        np.testing.assert_array_equal(adjusted <= alpha + 1e-12, rejected)


def test_no_rows_to_correct() -> None:
    assert len(paired.benjamini_hochberg(np.empty(0))) == len(paired.holm(np.empty(0))) == 0


def test_many_subsets_at_once_are_what_each_is_alone() -> None:
    rng = np.random.default_rng(9)
    many = [pairs_of(rng.integers([0, 3, 0, 3], [3, 6, 3, 6], (size, 4))) for size in (5, 40, 1200, 1, *[30] * 140)]
    assert paired.swap_tests(many) == [one_p(pairs) for pairs in many]
    assert paired.bootstrap_intervals(many, 0.9) == [paired.bootstrap_intervals([pairs], 0.9)[0] for pairs in many]
    assert paired.swap_tests([]) == paired.bootstrap_intervals([], 0.9) == []
