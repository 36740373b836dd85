"""How often a comparison of 31 rows cries wolf where nothing happened, and whether it sees what did."""

from __future__ import annotations

import numpy as np
import pytest

from ovt.quality.compare import Measured, compare_versions
from ovt.quality.policy.thresholds import Policy, Thresholds
from ovt.quality.slicediff import Side

SLICES, RECORDS, PAIRS = 30, 1500, 200


def population(rng) -> dict[str, np.ndarray]:
    """Overlapping slices of 30 to 400 records."""
    sizes = rng.integers(30, 400, SLICES)
    return {f"s{number:02d}": np.sort(rng.choice(RECORDS, size, replace=False)) for number, size in enumerate(sizes)}


def two_versions(graded, rng, form: str, slices, drop=None):
    """Two models that are right on 85 % of what they are asked, on mostly the same of it; `drop` records break."""
    per_record = 1 if form == "multiclass" else 4
    hard = rng.random((RECORDS, per_record)) < 0.2
    sides = []
    for name in "AB":
        wrong = hard & (rng.random(hard.shape) < 0.75)
        if name == "B" and drop is not None:
            wrong[drop] = True
        found = [["x" if token else "B-a" for token in record] for record in wrong]
        part = graded(form, [["B-a"] * per_record] * RECORDS, found, slices=slices)
        sides.append(Measured(Side(name, None, "", name, "e"), {"T": part}, frozenset(slices)))
    return sides


@pytest.mark.parametrize(("form", "critical"), [("multiclass", 0), ("multiclass", 3), ("BIO", 0)])
def test_false_alarms_of_a_whole_comparison(graded, form: str, critical: int) -> None:
    rng = np.random.default_rng(11)
    policy = Policy(slices=tuple((f"s{n:02d}", Thresholds(0.005, 30, critical=True)) for n in range(critical)))
    alarms = 0
    pairs = PAIRS if form == "multiclass" else PAIRS // 2
    for _ in range(pairs):
        diff = compare_versions(*two_versions(graded, rng, form, population(rng)), policy)
        alarms += bool(diff.regressed())
    assert alarms / pairs <= 0.05


def test_a_drop_of_fifteen_points_on_two_hundred_records_is_found(graded) -> None:
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(40):
        slices = population(rng)
        slices["hit"] = np.sort(rng.choice(RECORDS, 200, replace=False))
        broken = rng.choice(slices["hit"], 35, replace=False)  # some are wrong already: 15 points on average
        diff = compare_versions(*two_versions(graded, rng, "multiclass", slices, broken), Policy())
        found += "hit" in {row.slice for row in diff.regressed()}
    assert found / 40 >= 0.8
