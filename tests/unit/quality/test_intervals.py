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


def test_interval_holds_its_value_and_stays_in_bounds() -> None:
    low, high = intervals.centred(0.99, np.linspace(0.9, 1.0, 101))
    assert low <= 0.99 <= high <= 1


def test_interval_is_moved_to_the_value() -> None:
    low, high = intervals.centred(0.5, np.linspace(0.2, 0.4, 1001))
    assert (low, high) == pytest.approx((0.405, 0.595), abs=1e-6)
