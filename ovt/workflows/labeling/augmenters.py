"""The transformation functions and generators of a project, as `ovt source list` and `ovt source show` tell them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.project import Project


@dataclass(frozen=True)
class AugmenterRow:
    """One transformation function or generator; None is not known yet."""

    source: str
    kind: str
    """`transformation` or `generator`."""
    at: str
    """FILE:LINE."""
    definition: str
    """Digest of its code and options."""
    labels: Any
    """`carry`, `relabel`, or what its options say by task."""
    parents: int | None = None
    made: int | None = None
    kept: int | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    """By why: `duplicates`, `held_out`, `surplus`, `collisions`."""
    tasks: dict[str, Any] = field(default_factory=dict)
    """Per task: `items`, `coverage`, `labelled`, and `agreement` of labeling functions with the labels they have."""
    stale: bool = False
    """The report does not know this definition: it was added or edited since."""


def list_augmenters(project: Project) -> list[AugmenterRow]:
    """Every transformation function and generator, sorted by name.

    Raises:
        ProjectError: one cannot be loaded.
    """
    from ovt.functions.augmentation.augmenters import discover_augmenters

    path = project.reports / "sources.json"
    report = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    known = {entry["source"]: entry for entry in report.get("generators", [])}
    return [
        _row(augmenter.name, augmenter.function.kind, augmenter.function.at, augmenter.definition,
             augmenter.options.labels, known.get(augmenter.name))
        for augmenter in discover_augmenters(project)
    ]


def _row(name: str, kind: str, at: str, definition: str, labels: Any, told: dict[str, Any] | None) -> AugmenterRow:
    if told is None or told["definition"] != definition:
        return AugmenterRow(name, kind, at, definition, labels, stale=True)
    return AugmenterRow(name, kind, at, definition, labels, told["parents"], told["made"], told["kept"],
                        told["dropped"], told["tasks"])
