from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.training.tuning.pruning import EARLIEST, FEWEST_TRIALS, POINTS, Bar, bar_of


def test_too_few_complete_trials_stop_nobody() -> None:
    assert bar_of([(4, (0.1, 0.2, 0.3, 0.4))] * (FEWEST_TRIALS - 1)) == ()
    assert Bar(()).at(0.9) == -np.inf


def test_the_bar_is_the_median_of_the_best_so_far() -> None:
    curves = [(4, (0.1, 0.4, 0.3, 0.5)), (4, (0.2, 0.2, 0.6, 0.6)), (4, (0.3, 0.3, 0.3, 0.3))]
    bar = Bar(bar_of(curves))
    assert bar.at(0.25) == pytest.approx(0.2)
    assert bar.at(0.5) == pytest.approx(0.3)
    assert bar.at(0.75) == pytest.approx(0.4)
    assert bar.at(1.0) == pytest.approx(0.5)


def test_schedules_of_other_lengths_are_compared_by_progress() -> None:
    long = [(20, tuple(np.linspace(0, 1, 20)))] * 3
    bar = Bar(bar_of(long))
    assert bar.at(0.5) == pytest.approx(np.linspace(0, 1, 20)[9], abs=1e-5)


def test_the_beginning_is_too_early() -> None:
    assert Bar((0.5,) * POINTS).at(EARLIEST - 0.01) == -np.inf


def test_one_that_ended_early_stays_at_its_best() -> None:
    bar = Bar(bar_of([(10, (0.5, 0.9))] * 3))
    assert bar.at(1.0) == pytest.approx(0.9)


@given(st.lists(st.lists(st.floats(0, 2), min_size=1, max_size=8), min_size=3, max_size=7))
def test_the_bar_never_falls_and_the_best_trial_always_passes(curves: list[list[float]]) -> None:
    levels = bar_of([(8, curve) for curve in curves])
    known = [level for level in levels if level > -1e9]
    assert known == sorted(known)
    best = max(max(curve) for curve in curves)
    assert all(level <= best + 1e-6 for level in known)
