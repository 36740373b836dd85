from __future__ import annotations

import pytest

from ovt.render.show import confusion_table, quality_table
from ovt.render.table import as_text


def entry(n: int, value: float) -> dict:
    return {"n": n, "items": n, "accuracy": {"value": value, "low": value - 0.1, "high": value + 0.05},
            "f1_macro": {"value": 0.5, "low": 0.4, "high": 0.6}, "log_loss": {"value": 0.25, "low": 0.2, "high": 0.3},
            "ece": {"value": 0.01, "low": 0, "high": 0.02},
            "confusion": {"a": {"a": 9, "b": 1}, "b": {"a": 3, "b": 2}}}


@pytest.fixture
def report() -> dict:
    test = {"overall": entry(100, 0.9), "slices": {"s": entry(30, 0.8), "none": {"n": 0, "items": 0}},
            "tags": {"date:1": entry(50, 0.85)}}
    dev = {"overall": entry(10, 0.7), "slices": {}, "tags": {}}
    return {"format": "ovt.quality/1", "tasks": {
        "Intent": {"primary": "accuracy", "splits": {"test": test, "dev": dev}},
        "Arg": {"primary": "accuracy", "splits": {"dev": dev}},
    }}


def test_a_row_per_subset(report) -> None:
    assert as_text(quality_table(report)) == """\
task    split  subset        n  metric    value  interval       f1 macro  log-loss  calibration error
Intent  test   (all)       100  accuracy  0.900  0.800 … 0.950     0.500     0.250              0.010
Intent  test   none          0  accuracy      –  –                     –         –                  –
Intent  test   s            30  accuracy  0.800  0.700 … 0.850     0.500     0.250              0.010
Intent  test   tag date:1   50  accuracy  0.850  0.750 … 0.900     0.500     0.250              0.010"""


def test_what_was_asked_for(report) -> None:
    assert [row[0] for row in quality_table(report, split="dev").rows] == ["Arg", "Intent"]
    assert [row[2] for row in quality_table(report, task="Intent", kinds=("slices",)).rows] == ["none", "s"]
    assert quality_table(report, task="Arg").rows == ()


def test_confusion_lists_mistakes(report) -> None:
    overall = report["tasks"]["Intent"]["splits"]["test"]["overall"]
    assert confusion_table(overall).rows == (("b", "a", "3"), ("a", "b", "1"))
    assert confusion_table({"n": 0}).rows == ()


def test_confusion_of_a_bitvector() -> None:
    bits = {"x": {"hit": 5, "false": 0, "missed": 1}, "y": {"hit": 2, "false": 3, "missed": 0}}
    assert confusion_table({"confusion": bits}).rows == (("y", "2", "3", "0"), ("x", "5", "0", "1"))
