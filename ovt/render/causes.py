"""Flips with their causes: a line for each, or a line for each source that stands behind some."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ovt.quality.attribution.causes import ENOUGH_SEEDS, by_source
from ovt.quality.slicediff import SIGNS
from ovt.render.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovt.quality.attribution.causes import Cause, FlipCause, FlipGroup
    from ovt.quality.slicediff import Flip
    from ovt.workflows.attribution.causes import FlipCauses

NOBODY = "–"
WORDS: dict[Cause, str] = {
    "vote": "votes otherwise on these records",
    "weight": "is trusted more, or less",
    "learned": "votes otherwise on train records like these",
    "training noise": "training noise: most seeds do not flip",
    "unknown": "unknown",
}


def flip_table(found: Sequence[FlipCauses]) -> Table:
    """Every flip with its cause; ids and labels only."""
    headers = ("flip", "task", "id", "position", "gold", "old", "new", "cause", "source", "slices")
    rows = tuple(
        _line(flip, cause) for part in found for flip, cause in zip(part.flips, part.causes, strict=True)
    )
    return Table(headers, rows, frozenset({3}), drop=(9, 3))


def group_table(found: Sequence[FlipCauses], *, merge: bool) -> Table:
    """A line for each cause and source, or (`merge`) for each source whatever way it worked."""
    headers = ("task", "source", "change", "flips", "broken", "fixed", "why", "examples")
    rows = tuple(_group_line(part, group) for part in found for group in _groups(part, merge=merge))
    return Table(headers, rows, frozenset({3, 4, 5}), drop=(7, 2))


def summary(found: Sequence[FlipCauses]) -> Iterator[str]:
    """What the reader must know of each task."""
    for part in found:
        broken = sum(flip.kind == "broken" for flip in part.flips)
        yield f"{part.task}: {SIGNS['regressed']} {broken} broken, {SIGNS['improved']} {len(part.flips) - broken} fixed"
    few = min((part.seeds for part in found), default=ENOUGH_SEEDS)
    if few < ENOUGH_SEEDS:
        yield (f"note: {few} seed{'s' * (few > 1)} of a version: training noise cannot be told from `unknown` "
               f"(`train: {{replicates: {ENOUGH_SEEDS}}}` in ovt.yaml)")


def causes_json(found: Sequence[FlipCauses], *, merge: bool) -> dict[str, Any]:
    """``ovt.flip_causes/1``: by task the groups, and every flip with its cause."""
    return {"format": "ovt.flip_causes/1", "tasks": [_task_json(part, merge=merge) for part in found]}


def _task_json(part: FlipCauses, *, merge: bool) -> dict[str, Any]:
    flips = [
        {**asdict(flip), "slices": list(flip.slices), "cause": cause.cause, "source": cause.source}
        for flip, cause in zip(part.flips, part.causes, strict=True)
    ]
    groups = [{**asdict(group), "examples": list(group.examples)} for group in _groups(part, merge=merge)]
    return {"task": part.task, "slice": part.slice, "seeds": part.seeds,
            "sources_changed": part.changed, "groups": groups, "flips": flips}


def _groups(part: FlipCauses, *, merge: bool) -> Sequence[FlipGroup]:
    return by_source(part.groups) if merge else part.groups


def _line(flip: Flip, cause: FlipCause) -> tuple[str, ...]:
    sign = SIGNS["regressed" if flip.kind == "broken" else "improved"]
    return (f"{sign} {flip.kind}", flip.task, flip.id, str(flip.position), flip.gold, flip.old, flip.new, cause.cause,
            cause.source or NOBODY, " ".join(flip.slices))


def _group_line(part: FlipCauses, group: FlipGroup) -> tuple[str, ...]:
    why = WORDS[group.cause]
    if group.cause == "unknown" and not part.changed:
        why += ": no source of the task changed a vote"
    counts = (str(group.count), str(group.broken), str(group.fixed))
    return (part.task, group.source or NOBODY, group.kind or NOBODY, *counts, why, " ".join(group.examples))
