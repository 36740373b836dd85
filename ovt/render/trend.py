"""A metric over the versions: a sparkline, a table, and plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ovt.quality.metrics import better
from ovt.quality.slicediff import SIGNS
from ovt.render.table import Table, interval, number, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.trend import Point
    from ovt.versions.history import Version

BARS = "▁▂▃▄▅▆▇█"
THIN, NONE = SIGNS["thin"], "·"
"""What stands in a sparkline for a number that is not to be relied on, and for none."""


def sparkline(points: Sequence[Point]) -> str:
    """A character per version: a bar between the lowest and the highest, `░` where thin, `·` where there is nothing."""
    known = [point.value for point in points if point.state == "measured" and point.value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return "".join(_bar(point, low, high) for point in points)


def headline(task: str, slice_: str | None, metric: str, points: Sequence[Point]) -> str:
    """The series in one line.

    Args:
        task: of the series.
        slice_: of the series.
        metric: of the series.
        points: oldest first.
    """
    where = "all test records" if slice_ is None else slice_
    known = [point.value for point in points if point.state == "measured" and point.value is not None]
    ends = f" {number(known[0])} → {number(known[-1])} ({signed(known[-1] - known[0])})" if known else ""
    return f"{task} · {where} · {metric} ({better(metric)} is better)  {sparkline(points)}{ends}"


def trend_table(versions: Sequence[Version], points: Sequence[Point]) -> Table:
    """A row per version, newest first; the change is to the measured version before."""
    rows = []
    for place, (version, point) in enumerate(zip(versions, points, strict=True)):
        before = next((old.value for old in points[place + 1:] if old.state == "measured"), None)
        delta = point.value - before if point.value is not None and before is not None else None
        when = datetime.fromtimestamp(version.when).astimezone().strftime("%Y-%m-%d %H:%M")
        state = f"{SIGNS['thin']} thin" if point.state == "thin" else "" if point.state == "measured" else point.state
        rows.append(((version.commit or version.spec)[:10], when, str(point.n) if point.n else "–",
                     number(point.value), interval(point.low, point.high), signed(delta), state, version.subject))
    return Table(("version", "when", "n", "value", "interval", "change", "state", "message"), tuple(rows),
                 frozenset({2, 3, 5}), drop=(1, 4))


def trend_json(
    task: str, slice_: str | None, metric: str, versions: Sequence[Version], points: Sequence[Point],
) -> dict[str, Any]:
    """``ovt.trend/1``: newest first."""
    return {"format": "ovt.trend/1", "task": task, "slice": slice_, "metric": metric, "better": better(metric),
            "versions": [
                {"commit": version.commit, "subject": version.subject, "author": version.author, "when": version.when,
                 "state": point.state, "value": point.value, "low": point.low, "high": point.high, "n": point.n}
                for version, point in zip(versions, points, strict=True)]}


def day(when: int) -> str:
    """A date that is the same wherever it is read: for pages that are files."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")


def _bar(point: Point, low: float, high: float) -> str:
    if point.state == "thin":
        return THIN
    if point.value is None:
        return NONE
    if high <= low:
        return BARS[len(BARS) // 2]
    return BARS[min(len(BARS) - 1, int((point.value - low) / (high - low) * len(BARS)))]
