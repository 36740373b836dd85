"""scipy (which scikit-learn brings) is the oracle of both tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ovt.quality.inputs.distances import between_counts, between_numbers, chi_square, kolmogorov_smirnov

COUNTS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=9)


@settings(deadline=None, max_examples=100)
@given(COUNTS)
def test_chi_square_is_scipys(pairs) -> None:
    a, b = (np.asarray([pair[side] for pair in pairs], float) for side in (0, 1))
    kept = (a + b) > 0
    if kept.sum() < 2 or not a.sum() or not b.sum():
        return
    expected = stats.chi2_contingency([a[kept], b[kept]], correction=False).pvalue
    assert chi_square(a, b) == pytest.approx(expected, abs=1e-9)


def test_kolmogorov_smirnov_is_scipys_nearly() -> None:
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.3, 1.0):
        a, b = rng.normal(0, 1, 300), rng.normal(shift, 1, 200)
        assert kolmogorov_smirnov(a, b) == pytest.approx(stats.ks_2samp(a, b).pvalue, abs=0.02)


def test_the_same_is_no_distance_and_the_opposite_is_all() -> None:
    same = between_counts(np.asarray([5, 5]), np.asarray([50, 50]))
    assert same is not None
    assert (same.total_variation, same.p) == (0, 1)
    other = between_counts(np.asarray([100, 0]), np.asarray([0, 100]))
    assert other is not None
    assert other.total_variation == 1
    assert other.psi > 5
    assert other.p < 1e-6


def test_a_shift_of_two_classes_has_the_psi_of_the_formula() -> None:
    found = between_counts(np.asarray([7000, 3000]), np.asarray([6000, 4000]))
    assert found is not None
    assert found.psi == pytest.approx(0.1 * np.log(7 / 6) + 0.1 * np.log(4 / 3), abs=1e-3)
    assert found.total_variation == pytest.approx(0.1)


def test_numbers_by_tenths_of_the_first_sample() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=2000)
    same, moved = between_numbers(a, rng.normal(size=2000)), between_numbers(a, rng.normal(1, 1, 2000))
    assert same is not None
    assert moved is not None
    assert same.psi < 0.02 < 0.5 < moved.psi
    assert moved.p < 1e-6 < 0.01 < same.p


def test_nothing_has_no_distance() -> None:
    assert between_counts(np.asarray([0, 0]), np.asarray([1, 2])) is None
    assert between_numbers(np.asarray([np.nan]), np.asarray([1.0])) is None
    constant = between_numbers(np.full(10, 3.0), np.full(20, 3.0))
    assert constant is not None
    assert (constant.total_variation, constant.psi, constant.p) == (0, pytest.approx(0, abs=0.05), 1)
