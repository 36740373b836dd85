"""How good a version is, in short: what travels with its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version

FORMAT = "ovt.quality-summary/1"


def quality_summary(project: Project, version: Version) -> dict[str, Any]:
    """The primary metric of each task on test, overall and by slice, with its interval; no counts of single records."""
    from ovt.versions.artifacts import read_report

    report = read_report(project, version, "quality.json") if version.report is not None else None
    if report is None:
        return {"format": FORMAT, "tasks": {}}
    tasks = {name: _task(about) for name, about in report["tasks"].items()}
    return {"format": FORMAT, "model": report["model"], "eval_set": report["eval_set"], "tasks": tasks}


def _task(about: dict[str, Any]) -> dict[str, Any]:
    metric = about["primary"]
    split = about["splits"].get("test", {})
    found: dict[str, Any] = {"metric": metric}
    if metric in split.get("overall", {}):
        found["overall"] = _cell(split["overall"], metric)
    found["slices"] = {name: _cell(row, metric) for name, row in split.get("slices", {}).items() if metric in row}
    return found


def _cell(row: dict[str, Any], metric: str) -> dict[str, Any]:
    return {"n": row["n"], **row[metric]}
