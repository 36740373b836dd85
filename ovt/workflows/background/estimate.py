"""How long a run will take, told from how long its stages took here before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ovt.project import STAGES
from ovt.stages.pipeline import downstream, locked_stages, stage_specs
from ovt.storage.files import write_json
from ovt.workflows.committing.staleness import stale_reason

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project

LONG = 300.0
"""Seconds from which the user is told before a run, and offered the background."""


def remember(project: Project, stage: str, seconds: float) -> None:
    """Keep how long a stage took on this machine."""
    path = _file(project)
    write_json(path, {**_read(path), stage: round(seconds, 1)})


def expected_seconds(project: Project) -> float | None:
    """What the stale stages, and those after the first of them, took last time; None if one has never run here."""
    locked, specs, known = locked_stages(project), stage_specs(project), _read(_file(project))
    first = next((name for name in STAGES if stale_reason(project, specs[name], locked.get(name))), None)
    stages = downstream(first) if first else ()
    if any(name not in known for name in stages):
        return None
    return sum(known[name] for name in stages)


def remembered(project: Project, *stages: str) -> float | None:
    """Seconds that these stages took here last time; None if one of them has never run here."""
    known = _read(_file(project))
    return sum(known[name] for name in stages) if all(name in known for name in stages) else None


def warning(project: Project) -> str | None:
    """What to say before a long run; None before a short one, or one that nothing is known of."""
    seconds = expected_seconds(project)
    if seconds is None or seconds < LONG:
        return None
    return (f"this is expected to take about {seconds / 60:.0f} minutes; "
            "`ovt commit --train background` commits now and trains meanwhile")


def _file(project: Project) -> Path:
    return project.cache / "seconds.json"


def _read(path: Path) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
