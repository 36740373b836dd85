"""Two changes of one record, put together by cell: a payload, a source's label on a task, a tag.

Two people who label the same record with different sources, or tag it
differently, do not contradict each other, whatever the lines look like.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.versions.merging.conflict import ABSENT, Conflict, changed_side, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.versions.merging.conflict import Side

Path = tuple[str, ...]
DEPTH = {"payloads": 2, "tasks": 3}
"""How many keys name a cell: `payloads/query`, `tasks/Intent/crowd`; one for any other key."""


def merge_cells(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], prefer: Side | None,
) -> tuple[dict[str, Any], list[Conflict]]:
    """The record that has both sides' changes, and the cells that both changed differently."""
    cells = [_flat(value) for value in (base, ours, theirs)]
    # In the order of the record before, then by name: the same whichever side is called ours.
    order = [*cells[0], *sorted({*cells[1], *cells[2]} - set(cells[0]))]
    name = str(ours.get("id", theirs.get("id", "without an id")))
    merged: dict[Path, Any] = {}
    conflicts = []
    for path in order:
        before, here, there = (side.get(path, ABSENT) for side in cells)
        if path == ("tags",):
            value = _merge_sets(before, here, there)
        else:
            side = changed_side(before, here, there)
            if side is None:
                conflicts.append(_conflict(name, path, here, there))
            value = there if (side or prefer) == "theirs" else here
        if value is not ABSENT:
            merged[path] = value
    undecided = conflicts if prefer is None else []
    return _nested(merged), undecided


def line_of(record: Mapping[str, Any]) -> bytes:
    """A record as a line."""
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _flat(value: Mapping[str, Any]) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    for key, inner in value.items():
        _put(found, (key,), inner, DEPTH.get(key, 1))
    return found


def _put(found: dict[Path, Any], path: Path, value: Any, depth: int) -> None:
    if len(path) == depth or not isinstance(value, dict) or not value:
        found[path] = value
        return
    for key, inner in value.items():
        _put(found, (*path, key), inner, depth)


def _nested(cells: Mapping[Path, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for path, value in cells.items():
        here = record
        for key in path[:-1]:
            inner = here.setdefault(key, {})
            if not isinstance(inner, dict):  # a side has `null`, the other labels: labels say more
                inner = here[key] = {}
            here = inner
        if not isinstance(here.get(path[-1]), dict) or value not in ({}, None):
            here[path[-1]] = value
    return record


def _merge_sets(base: Any, ours: Any, theirs: Any) -> Any:
    """Tags: what a side added is there, what a side removed is not."""
    side = changed_side(base, ours, theirs)
    if side is not None:
        return ours if side == "ours" else theirs
    before, here, there = (value if isinstance(value, list) else [] for value in (base, ours, theirs))
    kept = [tag for tag in before if tag in here and tag in there]
    return [*kept, *sorted({str(tag) for tag in (*here, *there) if tag not in before})]


def _conflict(name: str, path: Path, here: Any, there: Any) -> Conflict:
    if path[0] == "tasks" and len(path) == 3:
        return Conflict(f"record {name}, task {path[1]}, source {path[2]}", shown(here), shown(there))
    if path[0] == "payloads":  # text of records stays out of messages
        return Conflict(f"record {name}, payload {path[-1]}", "one value", "another")
    return Conflict(f"record {name}, {'/'.join(path)}", shown(here), shown(there))
