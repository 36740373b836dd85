"""How a slice's metric went over the last versions, drawn as a sparkline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BLOCKS = "▁▂▃▄▅▆▇█"
VERSIONS = 10
"""How many versions a sparkline goes back."""

Trends = Mapping[tuple[str, str | None, str], tuple[float | None, ...]]
"""Oldest first, by (task, slice, metric)."""


def section(report: Mapping[str, Any] | None, task: str, slice_: str | None) -> dict[str, Any]:
    """The test numbers of a task on a slice (a tag that is monitored counts too) in a quality report; {} if none."""
    test = ((report or {}).get("tasks", {}).get(task, {}).get("splits", {})).get("test", {})
    if slice_ is None:
        found = test.get("overall")
    else:
        found = test.get("slices", {}).get(slice_) or test.get("tags", {}).get(slice_)
    return found if isinstance(found, dict) else {}


def metric_of(entry: Mapping[str, Any], metric: str) -> float | None:
    """The value of a metric, which stands with its interval or alone."""
    found = entry.get(metric)
    value = found.get("value") if isinstance(found, dict) else found
    return float(value) if isinstance(value, int | float) else None


def trends(reports: Sequence[Mapping[str, Any] | None], rows: Iterable[tuple[str, str | None, str]]) -> Trends:
    """The values of each (task, slice, metric) in reports that are given oldest first."""
    return {
        (task, slice_, metric): tuple(metric_of(section(report, task, slice_), metric) for report in reports)
        for task, slice_, metric in rows
    }


def sparkline(values: Sequence[float | None]) -> str:
    """One block a version, from the least to the largest of them; a dot where a version has no value."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    least, most = min(known), max(known)
    return "".join("·" if value is None else _block(value, least, most) for value in values)


def _block(value: float, least: float, most: float) -> str:
    if most == least:
        return BLOCKS[len(BLOCKS) // 2]
    return BLOCKS[round((value - least) / (most - least) * (len(BLOCKS) - 1))]
