from __future__ import annotations

from ovt.quality.trend import Point, Series, point


def report(**entry) -> dict:
    split = {"overall": {"n": 100, "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}, "slices": {"s": entry},
             "tags": {"t": {"n": 40, "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}}}
    return {"tasks": {"Intent": {"primary": "accuracy", "splits": {"test": split}}}}


FOUND = {"accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}}


def test_every_reason_for_a_missing_number_is_told_apart() -> None:
    series = Series("Intent", "s")
    assert point(report(n=50, **FOUND), series, 30) == Point("measured", 0.7, 0.6, 0.8, 50)
    assert point(report(n=29, **FOUND), series, 30) == Point("thin", 0.7, 0.6, 0.8, 29)
    assert point(report(n=0), series, 30).state == "empty"
    assert point(report(n=50, **FOUND), Series("Intent", "other"), 30).state == "no slice"
    assert point(report(n=50, **FOUND), Series("POS", "s"), 30).state == "no task"
    assert point(report(n=50, **FOUND), Series("Intent", "s", "span_f1"), 30).state == "no metric"
    assert point(None, series, 30).state == "no model"
    assert point(None, series, 30, pending=True).state == "pending"


def test_all_records_and_tags_can_be_followed() -> None:
    assert point(report(n=1), Series("Intent", None), 30).value == 0.9
    assert point(report(n=1), Series("Intent", "t"), 30).value == 0.5
