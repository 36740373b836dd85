"""A metric of one slice over the versions: read from reports alone, so that twenty versions take no time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.project import Project
    from ovt.quality.trend import Point, Series
    from ovt.versions.history import Version


@dataclass(frozen=True)
class Trend:
    """Versions, newest first, with the metric in each."""

    task: str
    slice: str | None
    metric: str
    versions: tuple[Version, ...]
    points: tuple[Point, ...]


def trend(project: Project, versions: Sequence[Version], asked: Series) -> Trend:
    """Follow a metric.

    Args:
        project: the project.
        versions: newest first, as `history` gives them.
        asked: task (empty: the only one there is), slice or tag, metric.

    Raises:
        MissingError: none of the versions has a report.
        UsageError: no version has that task, slice or metric.
    """
    from ovt.quality.trend import Series, point
    from ovt.versions.artifacts import read_report

    reports = [read_report(project, version, "quality.json") for version in versions]
    known = [report for report in reports if report is not None]
    if not known:
        raise MissingError("none of these versions has a model yet", why="there is no quality to follow",
                           fix="train one", command="ovt run")
    series = Series(_task(known, asked.task), asked.slice, asked.metric)
    _check(known, series)
    primary = next(report["tasks"][series.task]["primary"] for report in known if series.task in report["tasks"])
    least = _least(project, series.slice)
    points = tuple(point(report, series, least, pending=version.state == "pending")
                   for version, report in zip(versions, reports, strict=True))
    return Trend(series.task, series.slice, series.metric or primary, tuple(versions), points)


def _task(reports: Sequence[dict[str, Any]], wanted: str) -> str:
    tasks: list[str] = sorted({task for report in reports for task in report["tasks"]})
    if wanted in tasks:
        return wanted
    if not wanted and len(tasks) == 1:
        return tasks[0]
    if not wanted:
        raise UsageError("which task?", why=f"there are several: {', '.join(tasks)}", fix="name one with --task",
                         command=f"ovt log --task {tasks[0]}" if tasks else "ovt log")
    raise UsageError(f"no task `{wanted}` in these versions", why=nearest(wanted, tasks), command="ovt log")


def _check(reports: Sequence[dict[str, Any]], series: Series) -> None:
    """Whether some version has the slice and the metric at all."""
    splits = [report["tasks"][series.task]["splits"].get("test", {})
              for report in reports if series.task in report["tasks"]]
    names = {name for split in splits for kind in ("slices", "tags") for name in split.get(kind, {})}
    if series.slice is not None and series.slice not in names:
        raise UsageError(f"no slice and no tag `{series.slice}` in these versions",
                         why=nearest(series.slice, names) or "there are none", command="ovt slice list")
    metrics = {name for split in splits for name, found in split.get("overall", {}).items()
               if isinstance(found, dict) and "value" in found}
    if series.metric is not None and series.metric not in metrics:
        raise UsageError(f"no metric `{series.metric}` of `{series.task}`", why=nearest(series.metric, metrics),
                         command="ovt log --help")


def _least(project: Project, slice_: str | None) -> int:
    """The records that the policy wants before it says anything about a slice."""
    check = project.settings.check
    own = check.slices.get(slice_ or "")
    return check.min_support if own is None or own.min_support is None else own.min_support
