"""The simulation that the documented figures come from, with fewer pairs: false alarms and power of a whole comparison."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def simulation():
    """`benchmarks/comparison.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("comparison")
    sys.modules.pop("comparison", None)


@pytest.mark.parametrize("regime", [
    "accuracy, one seed, thin slices (30 to 60)", "accuracy, 3 seeds, slices that go up and down with the seed",
])
def test_checks_without_a_difference_rarely_alarm(simulation, regime: str) -> None:
    assert simulation.alarms(simulation.REGIMES[regime], 60, seed=5) <= 0.1


@pytest.mark.slow
def test_no_regime_alarms_more_often_than_it_may(simulation) -> None:
    for regime, world in simulation.REGIMES.items():
        assert simulation.alarms(world, 200, seed=5) <= 0.06, regime


@pytest.mark.parametrize(("world", "where", "drop"), [
    ({"extra": {"hit": 200}}, "hit", 0.15), ({"extra": {"hit": 2000}, "seeds": 3}, "hit", 0.05),
    ({"extra": {"critical": 200}}, "critical", 0.08),
])
def test_what_must_be_seen_is_seen(simulation, world: dict, where: str, drop: float) -> None:
    assert simulation.found(simulation.World(**world), where, drop, 25) >= 0.7


def test_what_cannot_be_seen_is_said_so(simulation) -> None:
    """5 points on 200 records: hardly ever found, and the row says that only more would have been."""
    world = simulation.World(extra={"hit": 200})
    assert simulation.found(world, "hit", 0.05, 25) < 0.3
    assert simulation.typical(world, 5) > 0.08
