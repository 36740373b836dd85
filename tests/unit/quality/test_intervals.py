from __future__ import annotations

import numpy as np
import pytest

from ovt.quality import intervals


def test_wilson_is_the_published_value() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for successes, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                                    (1, 29, 0.0061, 0.1718)):
        assert intervals.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_knows_nothing() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)


def test_poisson_weights_are_poisson() -> None:
    weights = intervals.poisson_weights(500, 1000)
    assert weights.mean() == pytest.approx(1, abs=0.01)
    assert weights.var() == pytest.approx(1, abs=0.01)
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)
    assert (weights == 3).mean() == pytest.approx(np.exp(-1) / 6, abs=0.005)


def test_records_are_dealt_evenly_and_always_alike() -> None:
    assert intervals.deal(5, 10).tolist() == [0, 1, 2, 3, 4]
    dealt = intervals.deal(1001, 10)
    assert np.bincount(dealt).tolist() == [101, *[100] * 9]
    np.testing.assert_array_equal(dealt, intervals.deal(1001, 10))


def test_students_t_is_the_published_value() -> None:
    published = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 29: 2.045, 1000: 1.962}
    found = intervals.t_of(np.asarray(list(published), np.float64))
    np.testing.assert_allclose(found, list(published.values()), rtol=0.01)
    np.testing.assert_allclose(found[3:], list(published.values())[3:], rtol=0.002)


def test_a_metric_with_the_variance_of_a_proportion_has_its_interval() -> None:
    share, n = np.asarray([0.9]), np.asarray([5000.0])
    low, high = intervals.effective_interval(share, share * (1 - share) / n, n, n)
    assert (low[0], high[0]) == pytest.approx(intervals.wilson(4500, 5000), abs=1e-4)


def test_records_that_vary_in_nothing_still_count_as_so_many() -> None:
    low, high = intervals.effective_interval(np.asarray([0.5]), np.zeros(1), np.asarray([20.0]), np.asarray([200.0]))
    assert (low[0], high[0]) == pytest.approx(intervals.wilson(10, 20))


def test_a_lucky_variance_is_not_believed() -> None:
    low, high = intervals.effective_interval(
        np.asarray([0.5]), np.asarray([1e-12]), np.asarray([5.0]), np.asarray([40.0]))
    assert high[0] - low[0] > 0.3


def test_a_loss_keeps_a_positive_interval_that_is_longer_above() -> None:
    low, high = intervals.positive_interval(np.asarray([0.2]), np.asarray([0.01]), np.asarray([30.0]), 34.5)
    assert 0 < low[0] < 0.2 < high[0]
    assert high[0] - 0.2 > 0.2 - low[0]
    low, high = intervals.positive_interval(np.asarray([0.2]), np.asarray([0.0]), np.asarray([1.0]), 34.5)
    assert (low[0], high[0]) == (0, 34.5)


def test_noise_alone_is_no_calibration_error() -> None:
    """Fifteen bins of noise with deviation 0.01 sum to 0.12 on average; the interval reaches zero."""
    spread = np.full((1, 15), 0.01)
    low, high = intervals.folded_interval(np.asarray([0.12]), np.asarray([0.0001]), np.asarray([500.0]), spread)
    assert low[0] == 0
    assert high[0] == pytest.approx(0.12 + 1.965 * 0.01, abs=1e-3)
