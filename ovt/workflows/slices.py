"""What `ovt slice list` tells: support, definition, quality, overlap and indicator of every slice of the workspace."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError, nearest
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.slicing.membership import Membership


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
    overlap: tuple[str, float] | None = None
    """The other slice that most of its records are in too, and their share; None: it shares none."""
    indicators: dict[str, float] = field(default_factory=dict)
    """Payload → F1 of the model's membership indicator on dev; empty where it was not asked for, or there is none."""
    shut: dict[str, str] = field(default_factory=dict)
    """Payload → why the model's expert there is shut or turned down; empty where it was not asked for."""


def list_slices(project: Project, task: str | None = None, *, indicators: bool = False) -> list[SliceSummary]:
    """All slices by name.

    Args:
        project: the project.
        task: its quality alone; None: every task's.
        indicators: run the model on dev to see how well it knows the slices (kept, so that it is done once a model).

    Raises:
        MissingError: indicators are asked for and there is no model.
        UsageError: no such task.
        ProjectError: a slicing function cannot be loaded.
    """
    from ovt.functions.discover import discover
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    if task is not None and task not in project.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, project.schema.tasks))
    report = read_report(project, resolve(project, "workspace"), "quality.json") or {"tasks": {}}
    support, overlap = _members(project)
    health, shut = (_indicators(project), _shut(project)) if indicators else ({}, {})
    places: dict[str, list[str]] = {}
    for function in discover(project, "slicing"):
        places.setdefault(function.slice or function.name, []).append(function.at)
    return [
        SliceSummary(name, " ".join(at), support.get(name, {}), _quality(report, name, task), overlap.get(name),
                     health.get(name, {}), shut.get(name, {}))
        for name, at in sorted(places.items())
    ]


def _members(project: Project) -> tuple[dict[str, dict[str, int]], dict[str, tuple[str, float]]]:
    """By slice its records per split, and the slice that it shares most of them with."""
    from ovt.data.store import Store
    from ovt.slicing.membership import Membership

    if not (project.build / "slices").is_dir() or not (project.build / "store").is_dir():
        return {}, {}
    store = Store.open(project.build / "store")
    found = Membership.load(project.build / "slices", store.n)
    support = {
        name: {split: int((found.column(name) & (store.splits == code)).sum()) for code, split in enumerate(SPLITS)}
        for name in found.names
    }
    return support, _overlaps(found)


def _overlaps(found: Membership) -> dict[str, tuple[str, float]]:
    import numpy as np

    shared = found.matrix.T.astype(np.float32) @ found.matrix.astype(np.float32)  # exact below 2^24 records
    sizes = np.diagonal(shared).copy()
    np.fill_diagonal(shared, 0)
    top: dict[str, tuple[str, float]] = {}
    for code, name in enumerate(found.names):
        other = int(shared[code].argmax())
        if shared[code, other]:
            top[name] = (found.names[other], float(shared[code, other] / sizes[code]))
    return top


def _indicators(project: Project) -> dict[str, dict[str, float]]:
    """By slice and payload the F1 of its indicator on dev, from the cache or from the model."""
    import json

    from ovt.storage.files import write_bytes

    if not (project.model / "config.json").is_file():
        raise MissingError("there is no model to ask", at=project.shown(project.model), fix="train one, or fetch it",
                           command="ovt run")
    kept = project.cache / "indicators" / f"{_digest(project)}.json"
    try:
        found: dict[str, dict[str, float]] = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        found = _measured(project)
        write_bytes(kept, json.dumps(found).encode())
    return found


def _shut(project: Project) -> dict[str, dict[str, str]]:
    """By slice and payload why the model's expert is shut, or by how much it is turned down."""
    import json

    config = json.loads((project.model / "config.json").read_bytes())
    found: dict[str, dict[str, str]] = {}
    for entry in config.get("training", {}).get("slices", []):
        state = "shut" if entry["scale"] == 0 else f"turned down to {entry['scale']:g}"
        found.setdefault(entry["slice"], {})[entry["payload"]] = f"{state}: {entry['why']}"
    return found


def _measured(project: Project) -> dict[str, dict[str, float]]:
    import numpy as np

    from ovt.data.store import Store
    from ovt.slicing.membership import Membership
    from ovt.training.indicators import indicator_scores

    store = Store.open(project.build / "store")
    membership = Membership.load(project.build / "slices", store.n)
    rows = np.flatnonzero(store.splits == SPLITS.index("dev"))
    found: dict[str, dict[str, float]] = {}
    for score in indicator_scores(project.model, store, membership, rows):
        if score.n:
            found.setdefault(score.slice, {})[score.payload] = round(score.f1, 6)
    return found


def _digest(project: Project) -> str:
    """Of the model and of everything that its indicators are held against."""
    digest = hashlib.sha256()
    slices = project.build / "slices"
    for path in (project.model / "weights.safetensors", *sorted(slices.iterdir()), project.build / "store/store.json"):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _quality(report: dict[str, Any], name: str, task: str | None) -> dict[str, float]:
    found = {}
    for other, about in report["tasks"].items():
        entry = about["splits"].get("test", {}).get("slices", {}).get(name, {})
        value = (entry.get(about["primary"]) or {}).get("value")
        if value is not None and task in {None, other}:
            found[other] = value
    return found
