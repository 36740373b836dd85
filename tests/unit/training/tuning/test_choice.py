from __future__ import annotations

import pytest

from ovt.errors import ProjectError
from ovt.training.tuning.choice import choose
from ovt.training.tuning.cost import Cost, Limits
from ovt.training.tuning.trial import Result


def done(number: int, score: float, parameters: int = 100, **more) -> Result:
    return Result(number, "complete", score=score, error=0.01, parameters=parameters, **more)


def test_the_best_is_chosen_and_the_reason_says_how_sure_that_is() -> None:
    found = choose({0: done(1, 0.90), 1: done(2, 0.95), 2: done(3, 0.945), 3: Result(4, "failed", why="x")})
    assert found.trial == 1
    assert "trial 2 has the best score on dev, 0.9500 (standard error 0.0100)" in found.reason
    assert "1 other lies within one standard error: what sets them apart may be chance" in found.reason
    assert "the defaults (trial 1) score 0.9000" in found.reason


def test_of_equals_the_smaller_then_the_earlier() -> None:
    assert choose({0: done(1, 0.9, 200), 1: done(2, 0.9, 100), 2: done(3, 0.9, 100)}).trial == 1


def test_where_cost_is_preferred_the_cheapest_within_one_standard_error() -> None:
    results = {0: done(1, 0.95, 300), 1: done(2, 0.945, 50), 2: done(3, 0.93, 10)}
    assert choose(results, "cost").trial == 1
    assert choose(results).trial == 0
    fast = {0: done(1, 0.95, 50, latency_ms=2.0), 1: done(2, 0.945, 300, latency_ms=1.0)}
    assert choose(fast, "cost").trial == 1
    assert "is the cheapest within one standard error" in choose(fast, "cost").reason


def test_stopped_trials_are_not_chosen_however_good_they_were() -> None:
    assert choose({0: done(1, 0.5), 1: Result(2, "stopped", score=0.9)}).trial == 0


def test_nothing_complete_names_the_failure() -> None:
    with pytest.raises(ProjectError, match="no trial of the search was completed") as error:
        choose({0: Result(1, "failed", why="out of memory")})
    assert error.value.why == "out of memory"


def test_limits_say_which_is_broken_and_by_how_much() -> None:
    limits = Limits(latency_ms=2.0, size_mb=10.0)
    assert limits
    assert not Limits()
    assert limits.broken(Cost(1.0, 5.0)) == ""
    assert limits.broken(Cost(3.0, 5.0)) == "3 ms of 2 ms"
    assert limits.broken(Cost(3.0, 20.0)) == "3 ms of 2 ms and 20 MB of 10 MB"
    assert limits.excess(Cost(3.0, 5.0)) == pytest.approx(0.5)
    assert limits.excess(Cost(1.0, 5.0)) == pytest.approx(-0.5)
    assert Limits().excess(Cost(1, 1)) == 0.0
