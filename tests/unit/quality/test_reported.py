"""Two reports compared without their predictions."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.intervals import wilson
from ovt.quality.paired import mcnemar
from ovt.quality.policy.thresholds import Policy
from ovt.quality.reported import compare_reports
from ovt.quality.slicediff import SliceDiff, SliceRow
from ovt.settings import Check, SlicePolicy


def estimate(right: int, n: int) -> dict[str, Any]:
    """A subset of a report: accuracy with Wilson's interval."""
    low, high = (float(end) for end in wilson(right, n, 0.95))
    return {"n": n, "accuracy": {"value": right / n, "low": low, "high": high}}


def report(right: int, n: int = 1000, slices: dict[str, tuple[int, int]] | None = None, **more: Any) -> dict[str, Any]:
    split = {"overall": estimate(right, n), "tags": {},
             "slices": {name: estimate(*counts) for name, counts in (slices or {}).items()}}
    return {"format": "ovt.quality/1", "model": f"m{right}", "eval_set": "same",
            "tasks": {"Intent": {"primary": "accuracy", "splits": {"test": split}}}, **more}


def compared(old: dict[str, Any], new: dict[str, Any], check: Check | None = None) -> SliceDiff:
    return compare_reports(old, new, "a", "b", Policy.of(check or Check()))


def row(diff: SliceDiff, name: str | None = None) -> SliceRow:
    return next(found for found in diff.rows if found.slice == name)


def test_a_large_drop_shows_and_a_small_one_does_not() -> None:
    found = row(compared(report(900), report(800)))
    assert found.verdict == "regressed"
    assert (found.old, found.new, found.n) == (0.9, 0.8, 1000)
    assert found.delta == pytest.approx(-0.1)
    assert row(compared(report(900), report(890))).verdict == "unclear"
    assert row(compared(report(800), report(900))).verdict == "improved"


def test_p_is_that_of_two_proportions() -> None:
    """The textbook's unpooled z test; Wilson's interval is a little wider or narrower than Wald's."""
    found = row(compared(report(900), report(870)))
    error = np.sqrt(0.9 * 0.1 / 1000 + 0.87 * 0.13 / 1000)
    assert found.p == pytest.approx(2 * (1 - NormalDist().cdf(0.03 / error)), rel=0.05)
    assert found.low == pytest.approx(-0.03 - 1.96 * error, abs=0.001)


@given(st.integers(50, 400), st.integers(0, 30), st.integers(0, 10))
def test_where_most_answers_agree_it_says_less_than_the_paired_test(right: int, broken: int, fixed: int) -> None:
    """Nothing is called regressed that the exact test on the flips would not call so (n = 500, flips are few)."""
    if right - broken < 20 or right + fixed > 480:
        return
    found = row(compared(report(right, 500), report(right - broken + fixed, 500)))
    if found.verdict == "regressed":
        assert mcnemar(broken, fixed) < 0.05


def test_a_minimum_holds_whatever_the_base_had() -> None:
    check = Check(slices={"rare": SlicePolicy(critical=True, minimum=0.8)})
    diff = compared(report(900, slices={"rare": (70, 100)}), report(900, slices={"rare": (70, 100)}), check)
    assert row(diff, "rare").verdict == "regressed"
    assert "below the minimum" in row(diff, "rare").why
    assert row(diff, "rare").critical
    assert row(diff).verdict == "unclear"


def test_many_slices_are_corrected_together() -> None:
    one = {"s": (90, 100)}
    many = {f"s{number}": (90, 100) for number in range(60)}
    alone = compared(report(900, slices=one), report(900, slices={"s": (78, 100)}))
    among = compared(report(900, slices={**one, **many}), report(900, slices={**many, "s": (78, 100)}))
    assert row(alone, "s").verdict == "regressed"
    assert row(among, "s").verdict == "unclear"


def test_what_cannot_be_compared_is_said() -> None:
    other = report(900, eval_set="other", slices={"s": (9, 10)})
    assert {found.why for found in compared(report(900), other).rows} == {"the test set changed between the versions"}
    diff = compared(report(900, slices={"s": (45, 50), "gone": (45, 50)}), report(900, slices={"s": (50, 60), "new": (1, 2)}))
    assert row(diff, "s").why == "the slice has other test records than before"
    assert row(diff, "gone").why == "the new version has no slice `gone`"
    assert row(diff, "new").why == "the base has no slice `new`"
    renamed = report(900)
    renamed["tasks"]["Other"] = renamed["tasks"].pop("Intent")
    assert sorted(found.why for found in compared(report(900), renamed).rows) == [
        "the base has no gold for `Other` on test", "the new version has no gold for `Intent` on test"]


def test_few_records_are_thin_and_an_empty_slice_too() -> None:
    old, new = report(900, slices={"few": (9, 10)}), report(900, slices={"few": (1, 10)})
    assert row(compared(old, new), "few").verdict == "thin"
    for side in (old, new):
        side["tasks"]["Intent"]["splits"]["test"]["slices"]["none"] = {"n": 0, "items": 0}
    assert row(compared(old, new), "none").why == "no test record with gold"


def test_a_report_without_gold_has_no_rows() -> None:
    assert compared({"tasks": {}}, {"tasks": {}}).rows == ()
