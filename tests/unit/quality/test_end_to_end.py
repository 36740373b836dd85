from __future__ import annotations

import json

import numpy as np

from ovt.quality.end_to_end import EndToEnd
from ovt.quality.intervals import wilson
from ovt.quality.report import flat_metrics, quality_report, report_text


def two_tasks(graded):
    return [
        graded("multiclass", [["a"], ["b"], ["b"], [None]], [["a"], ["a"], ["b"], ["a"]], task="Intent",
               slices={"s": [0, 1]}, tags={"t": [2]}),
        graded("multiclass", [["x", "y"], ["x"], [None, "y"], ["x"]], [["x", "y"], ["x"], ["y", "y"], ["x"]], task="POS",
               slices={"s": [0, 1]}, tags={"t": [2]}),
    ]


def test_a_record_is_right_if_everything_is(graded) -> None:
    together = EndToEnd.of(two_tasks(graded))
    assert together is not None
    assert together.counted.tolist() == [True, True, True, False]  # the last has no gold on Intent
    assert together.right.tolist() == [True, False, True, False]
    n, estimate = together.measure(np.arange(4))
    assert estimate is not None
    assert (n, estimate.value, (estimate.low, estimate.high)) == (3, 2 / 3, wilson(2, 3))
    assert together.measure(np.asarray([3])) == (0, None)


def test_a_record_without_items_has_nothing_to_get_wrong(graded) -> None:
    together = EndToEnd.of([
        graded("multiclass", [["a"], ["a"]], [["a"], ["a"]], task="Intent"),
        graded("multiclass", [["x"], []], [["x"], []], task="POS"),
    ])
    assert together is not None
    assert together.right.tolist() == [True, True]


def test_one_task_or_other_records_have_no_end_to_end(graded) -> None:
    one = graded("multiclass", [["a"]], [["a"]], task="Intent")
    other = graded("multiclass", [["a"]], [["a"]], task="Other", ids=["elsewhere"])
    ungraded = graded("multiclass", [[None]], [["a"]], task="Other")
    assert EndToEnd.of([one]) is EndToEnd.of([one, other]) is EndToEnd.of([one, ungraded]) is None


def test_the_report_has_it_under_a_key_of_its_own(graded) -> None:
    report = quality_report(two_tasks(graded), "m", ["s", "empty"])
    assert report["end_to_end"]["tasks"] == ["Intent", "POS"]
    test = report["end_to_end"]["splits"]["test"]
    assert test["overall"]["n"] == 3
    assert test["overall"]["exact_match"]["value"] == 0.666667
    assert test["slices"]["s"]["exact_match"]["value"] == 0.5
    assert test["slices"]["empty"] == {"n": 0}
    assert test["tags"]["t"]["n"] == 1
    assert flat_metrics(report)["end_to_end.test.exact_match"] == 0.666667
    assert "end_to_end" not in quality_report(two_tasks(graded)[:1], "m", [])


def test_the_file_says_the_same_with_a_metric_per_line(graded) -> None:
    report = quality_report(two_tasks(graded), "m", ["s"])
    text = report_text(report)
    assert json.loads(text) == report
    assert text == report_text(json.loads(text))
    assert any(line.strip().startswith('"accuracy": {"high"') for line in text.splitlines())
    assert len(text) < 0.8 * len(json.dumps(report, sort_keys=True, indent=1))
