"""What the list of versions says about each: how good it was, and on which exam."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ovt_tui.trend import metric_of

if TYPE_CHECKING:
    from ovt.versions.history import Version

Quality = Mapping[str, Any]


def spec_of(version: Version) -> str:
    """What to ask for when this version is meant: its commit, or `workspace`."""
    return version.commit or version.spec


def label(version: Version) -> str:
    """Its branches and tags, or else the start of its commit."""
    if version.commit is None:
        return version.spec
    short = version.commit[:7]
    return f"{short} {' '.join(version.refs)}" if version.refs else short


def day(version: Version) -> str:
    """When it was committed, to the minute, UTC."""
    return datetime.fromtimestamp(version.when, UTC).strftime("%Y-%m-%d %H:%M") if version.when else ""


def model_state(version: Version) -> str:
    """Whether there is a model, with a word for each case."""
    if version.state == "pending":
        return f"pending {100 * version.progress:.0f} %" if version.progress is not None else "pending"
    return "ready" if version.state == "ready" else "no model"


def overall(report: Quality | None) -> str:
    """The primary metric of each task on all test records."""
    found = (
        metric_of(section.get("overall", {}), primary) for _, primary, section in _tests(report)
    )
    return " ".join(f"{value:.3f}" for value in found if value is not None)


def worst_slice(report: Quality | None, least: int = 30) -> str:
    """The slice with the lowest primary metric among those with enough test records to be believed."""
    found = [
        (value, name)
        for _, primary, section in _tests(report)
        for name, entry in section.get("slices", {}).items()
        if (value := metric_of(entry, primary)) is not None and entry.get("n", 0) >= least
    ]
    return "{1} {0:.3f}".format(*min(found)) if found else ""


def exam(report: Quality | None, reference: Quality | None) -> str:
    """Whether it was examined on the same test set as the version it would be compared with."""
    if not report or not reference:
        return ""
    return "same" if report.get("eval_set") == reference.get("eval_set") else "other"


def _tests(report: Quality | None) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(task, primary metric, test section) of each task."""
    tasks = (report or {}).get("tasks", {})
    return [
        (task, entry.get("primary", "accuracy"), entry.get("splits", {}).get("test", {}))
        for task, entry in sorted(tasks.items())
    ]
