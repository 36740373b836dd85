"""What `ovt slice list` tells: support, definition and quality of every slice of the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from ovt.project import Project


@dataclass(frozen=True)
class SliceSummary:
    """One slice."""

    name: str
    at: str
    """FILE:LINE of each function that defines it."""
    support: dict[str, int]
    """Split → records; empty before the first run."""
    quality: dict[str, float]
    """Task → primary metric on test."""


def list_slices(project: Project, task: str | None = None) -> list[SliceSummary]:
    """All slices by name.

    Raises:
        UsageError: no such task.
        ProjectError: a slicing function cannot be loaded.
    """
    from ovt.functions.discover import discover
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    if task is not None and task not in project.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, project.schema.tasks))
    report = read_report(project, resolve(project, "workspace"), "quality.json") or {"tasks": {}}
    support = _support(project)
    places: dict[str, list[str]] = {}
    for function in discover(project, "slicing"):
        places.setdefault(function.slice or function.name, []).append(function.at)
    return [
        SliceSummary(name, " ".join(at), support.get(name, {}), _quality(report, name, task))
        for name, at in sorted(places.items())
    ]


def _support(project: Project) -> dict[str, dict[str, int]]:
    from ovt.data.store import Store
    from ovt.slicing.membership import Membership

    if not (project.build / "slices").is_dir() or not (project.build / "store").is_dir():
        return {}
    store = Store.open(project.build / "store")
    found = Membership.load(project.build / "slices", store.n)
    return {
        name: {split: int((found.column(name) & (store.splits == code)).sum()) for code, split in enumerate(SPLITS)}
        for name in found.names
    }


def _quality(report: dict[str, Any], name: str, task: str | None) -> dict[str, float]:
    found = {}
    for other, about in report["tasks"].items():
        entry = about["splits"].get("test", {}).get("slices", {}).get(name, {})
        value = (entry.get(about["primary"]) or {}).get("value")
        if value is not None and task in {None, other}:
            found[other] = value
    return found
