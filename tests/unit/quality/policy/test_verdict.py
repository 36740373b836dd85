from __future__ import annotations

import pytest

from ovt.quality.policy.verdict import judge
from ovt.quality.slicediff import Side, SliceDiff, SliceRow

SIDE = Side("A", None, "", "m", "e")


def diff(*verdicts) -> SliceDiff:
    rows = tuple(
        SliceRow("T", f"s{number}" if number else None, "accuracy", 50, 0.9, 0.8, -0.1, -0.2, -0.05, 0.01, verdict, 5, 0,
                 why="p 0.010 after correction")
        for number, verdict in enumerate(verdicts)
    )
    return SliceDiff(SIDE, SIDE, rows)


@pytest.mark.parametrize(("verdicts", "verdict", "code"), [
    (("unclear", "thin", "improved"), "pass", 0),
    (("unclear", "regressed"), "fail", 1),
    (("not_comparable", "improved"), "cannot compare", 4),
    (("not_comparable", "regressed"), "fail", 1),
    ((), "advisory", 0),
])
def test_a_regression_beats_what_cannot_be_compared(verdicts, verdict: str, code: int) -> None:
    result = judge(diff(*verdicts))
    assert (result.verdict, result.exit_code) == (verdict, code)


def test_reasons_name_task_slice_and_numbers() -> None:
    assert judge(diff("unclear", "regressed")).reasons == (
        "T on slice s1: accuracy 0.900 → 0.800, p 0.010 after correction",
    )
    assert judge(diff("regressed")).reasons[0].startswith("T on all test records: ")
    assert "label some" in judge(diff()).reasons[0]
