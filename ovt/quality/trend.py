"""One number over the versions: a metric of a task on one slice, with what is missing told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["measured", "thin", "empty", "no slice", "no task", "no metric", "pending", "no model"]
SPLIT = "test"


@dataclass(frozen=True)
class Point:
    """The metric in one version."""

    state: State
    """`thin`: measured on fewer records than the policy asks for; `empty`: the slice has no record with gold; the rest
    says what the version has not."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True)
class Series:
    """What is followed."""

    task: str
    slice: str | None
    """A slice or a tag; None: all test records."""
    metric: str | None = None
    """None: the primary metric of the task in each version."""


def point(report: Mapping[str, Any] | None, series: Series, least: int, *, pending: bool = False) -> Point:
    """Look the metric up in a version's `quality.json`.

    Args:
        report: the report; None: the version has none.
        series: what to look for.
        least: records below which a number is `thin`.
        pending: the version is being trained.
    """
    if report is None:
        return Point("pending" if pending else "no model")
    about = report["tasks"].get(series.task)
    if about is None:
        return Point("no task")
    entry = _entry(about["splits"].get(SPLIT, {}), series.slice)
    if entry is None:
        return Point("no slice")
    n = int(entry["n"])
    found = entry.get(series.metric or about["primary"])
    if not n:
        return Point("empty")
    if not isinstance(found, dict) or "value" not in found:
        return Point("no metric", n=n)
    return Point("measured" if n >= least else "thin", found["value"], found["low"], found["high"], n)


def _entry(split: Mapping[str, Any], name: str | None) -> Mapping[str, Any] | None:
    if name is None:
        overall: Mapping[str, Any] | None = split.get("overall")
        return overall
    found: Mapping[str, Any] | None = split.get("slices", {}).get(name)
    return found if found is not None else split.get("tags", {}).get(name)
