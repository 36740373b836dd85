"""Reports, the tuning lock and pinned models: files that ovt writes whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.functions.pins import Pin, format_pins, parse_pins
from ovt.versions.merging.conflict import ABSENT, Conflict, Merged, changed_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.versions.merging.conflict import Side

TUNING = "tuning.lock.yaml"


def merge_report(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """A report is never mixed: it is that of the side whose lock entry stands (see `merge_lock`), whole."""
    side = changed_side(base, ours, theirs)
    chosen = theirs if side == "theirs" else ours
    if not _is_json(chosen):  # what someone's earlier merge left; the other side is at least a report
        chosen = next((content for content in (ours, theirs, base) if _is_json(content)), b"{}\n")
    return Merged(chosen)


def merge_tuning(base: bytes, ours: bytes, theirs: bytes, prefer: Side | None) -> Merged:
    """Values of two searches are never mixed: of two that answer the same question, those that scored higher on dev."""
    side = changed_side(base, ours, theirs)
    if side is not None:
        return Merged(ours if side == "ours" else theirs)
    if prefer is not None:
        return Merged(ours if prefer == "ours" else theirs)
    here, there = (_mapping(content, TUNING) for content in (ours, theirs))
    if here.get("answers") == there.get("answers"):
        scores = float(here.get("score") or 0.0), float(there.get("score") or 0.0)
        if scores[0] == scores[1]:
            return Merged(max(ours, theirs), notes=(f"{TUNING}: two searches for the same question, one is kept",))
        told = f"{TUNING}: the search that scored {max(scores):g} on dev is kept, not the one with {min(scores):g}"
        return Merged(ours if scores[0] > scores[1] else theirs, notes=(told,))
    # Neither is certain to answer the merged question: `ovt run` looks, and searches again if it must.
    told = f"{TUNING}: both sides searched; `ovt run` searches again if what is kept does not answer the merged spec"
    return Merged(max(ours, theirs), notes=(told,))


def merge_pins(
    base: bytes, ours: bytes, theirs: bytes, prefer: Side | None, is_ancestor: Callable[[str, str], bool],
) -> Merged:
    """`labelers/predictions.lock` by revision; a pin that was moved by both goes to the later of the two commits.

    Args:
        base: the file both started from.
        ours: the file here.
        theirs: the file that comes in.
        prefer: whose pin stands where neither commit is the later one.
        is_ancestor: whether the first commit is an ancestor of the second.
    """
    pins = [parse_pins(content.decode()) for content in (base, ours, theirs)]
    merged: dict[str, Pin] = {}
    conflicts = []
    for name in sorted({*pins[1], *pins[2]}):
        before, here, there = (side.get(name, ABSENT) for side in pins)
        side = changed_side(before, here, there) or _later(here, there, is_ancestor) or prefer
        if side is None:
            conflicts.append(Conflict(f"predictions of {name}", _model(here), _model(there)))
        pin = there if side == "theirs" else here
        if isinstance(pin, Pin):
            merged[name] = pin
    return Merged(format_pins(merged).encode(), tuple(conflicts))


def _later(here: Any, there: Any, is_ancestor: Callable[[str, str], bool]) -> Side | None:
    if not isinstance(here, Pin) or not isinstance(there, Pin):
        return None
    if is_ancestor(here.commit, there.commit):
        return "theirs"
    return "ours" if is_ancestor(there.commit, here.commit) else None


def _model(pin: Any) -> str:
    return f"model {pin.model[:8]} of {pin.commit[:10]}" if isinstance(pin, Pin) else "no pin"


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _mapping(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = parse_document(content.decode(errors="replace"), name).value
    except ProjectError:
        return {}
    return value if isinstance(value, dict) else {}
