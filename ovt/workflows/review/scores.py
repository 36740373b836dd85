"""A version's quality in one number per task: what `log` and `status` show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version


def headline(project: Project, version: Version) -> dict[str, float]:
    """The primary metric of each task on all test records; empty where there is no report."""
    from ovt.versions.artifacts import read_report

    report = read_report(project, version, "quality.json")
    found = {}
    for name, task in (report or {}).get("tasks", {}).items():
        overall = task["splits"].get("test", {}).get("overall", {})
        value = (overall.get(task["primary"]) or {}).get("value")
        if value is not None:
            found[name] = value
    return found
