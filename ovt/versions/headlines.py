"""Each version's quality in one number per task, from an index: a commit's report never changes.

The index lies in `.ovt/cache` and is made again where it is missing, corrupt or
of another form. Without it `ovt log` would parse every report of the history,
half a megabyte each where there are hundreds of slices.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.storage.files import write_bytes
from ovt.storage.git import git_of
from ovt.versions.runs import RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.project import Project
    from ovt.versions.history import Version

INDEX_FILE = "headlines.json"
FORMAT = "ovt.headlines/1"
REPORT = "quality.json"

Headline = dict[str, float]


def headline(project: Project, version: Version) -> Headline:
    """The primary metric of each task on all test records; empty where there is no report."""
    from ovt.versions.artifacts import read_report

    return _of(read_report(project, version, REPORT))


def headlines(project: Project, versions: Sequence[Version]) -> list[Headline]:
    """`headline` of each version, through the index."""
    runs = git_of(project.root).refs(RUNS) if any(version.report == "run" for version in versions) else {}
    names = [_name(version, runs) for version in versions]
    known = _load(project)
    fresh = {name: headline(project, version) for name, version in zip(names, versions, strict=True)
             if name and name not in known}
    if fresh:
        known |= fresh
        _keep(project, known)
    return [known[name] if name else headline(project, version)
            for name, version in zip(names, versions, strict=True)]


def _name(version: Version, runs: dict[str, str]) -> str | None:
    """The commit that holds the report; None where it may change or there is none."""
    if version.report == "tree":
        return version.commit
    return runs.get(f"{RUNS}{version.key}") if version.report == "run" else None


def _of(report: dict[str, Any] | None) -> Headline:
    found = {}
    for name, task in (report or {}).get("tasks", {}).items():
        overall = task["splits"].get("test", {}).get("overall", {})
        value = (overall.get(task["primary"]) or {}).get("value")
        if value is not None:
            found[name] = value
    return found


def _load(project: Project) -> dict[str, Headline]:
    try:
        value: Any = json.loads((project.cache / INDEX_FILE).read_bytes())
        if value["format"] != FORMAT:
            return {}
        return {str(name): {str(task): float(number) for task, number in found.items()}
                for name, found in value["headlines"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(project: Project, known: dict[str, Headline]) -> None:
    try:
        write_bytes(project.cache / INDEX_FILE, json.dumps({"format": FORMAT, "headlines": known}).encode())
    except OSError:
        return  # a read-only folder: computed again next time
