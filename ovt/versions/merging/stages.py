"""`dvc.lock` and `dvc.yaml` merged stage by stage.

An entry of a lock is a fact by itself: with these inputs and settings, these
outputs. It stays true whatever is merged around it, and before it is believed
its hashes are compared with the tree. So where both sides have another entry
for a stage, ours is kept: it does not match the merged inputs, and `ovt run`
computes that stage again. What only one side changed comes from that side,
and runs nowhere if the merged inputs are that side's.

Nothing is parsed and printed again: the text of a stage is copied, so that a
lock is byte for byte what DVC would have written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ovt.project import STAGES
from ovt.stages.pipeline import parse_lock
from ovt.versions.merging.conflict import Conflict, Merged, changed_side

if TYPE_CHECKING:
    from ovt.versions.merging.conflict import Side

LOCK_HEAD = "schema: '2.0'\nstages:\n"
_STAGES = re.compile(r"^stages:[ \t]*$", re.MULTILINE)
_ENTRY = re.compile(r"^  (?P<name>[^\s#][^\n]*?):[ \t]*$", re.MULTILINE)
_OUTSIDE = re.compile(r"^\S", re.MULTILINE)


def merge_lock(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """Merge a `dvc.lock`; always decided."""
    names = [_blocks(content.decode(errors="replace"))[1] for content in (base, ours, theirs)]
    entries, again = {}, []
    for name in _in_order({**names[1], **names[2]}):
        before, here, there = (found.get(name) for found in names)
        side = changed_side(before, here, there)
        if side is None:
            again.append(name)
        entry = {"ours": here, "theirs": there, None: here or there}[side]
        if entry is not None:
            entries[name] = entry
    text = LOCK_HEAD + "".join(entries.values())
    parse_lock(text)
    notes = (f"dvc.lock: {', '.join(again)} differ on both sides: `ovt run` makes them for the merged inputs",)
    return Merged(text.encode(), notes=notes if again else ())


def merge_pipeline(base: bytes, ours: bytes, theirs: bytes, prefer: Side | None) -> Merged:
    """Merge a `dvc.yaml`: ovt's four stages as they are here (`ovt run` keeps them up to date), others by stage."""
    texts = [content.decode(errors="replace") for content in (base, ours, theirs)]
    parts = [_blocks(text) for text in texts]
    head, head_conflict = _merge_text("outside the stages", [part[0] for part in parts], prefer)
    tail, tail_conflict = _merge_text("below the stages", [part[2] for part in parts], prefer)
    conflicts = [*head_conflict, *tail_conflict]
    entries = {}
    for name in dict.fromkeys([*parts[1][1], *parts[2][1]]):
        here, there = parts[1][1].get(name, ""), parts[2][1].get(name, "")
        if name in STAGES:
            entries[name] = here or there
            continue
        entries[name], found = _merge_text(f"stage {name}", [parts[0][1].get(name, ""), here, there], prefer)
        conflicts += found
    return Merged(f"{head}{''.join(entries.values())}{tail}".encode(), tuple(conflicts))


def _merge_text(what: str, texts: list[str], prefer: Side | None) -> tuple[str, list[Conflict]]:
    base, ours, theirs = texts
    side = changed_side(base, ours, theirs)
    told = [] if side or prefer else [Conflict(f"dvc.yaml, {what}", "one text", "another")]
    return (theirs if (side or prefer) == "theirs" else ours), told


def _in_order(names: dict[str, str]) -> list[str]:
    """The four stages in the order in which they run, as DVC writes them; others behind."""
    return [*(name for name in STAGES if name in names), *(name for name in names if name not in STAGES)]


def _blocks(text: str) -> tuple[str, dict[str, str], str]:
    """What stands before the stages, each stage with all its lines, and what stands behind them."""
    start = _STAGES.search(text)
    if start is None:
        return text, {}, ""
    head, rest = text[: start.end() + 1], text[start.end() + 1 :]
    outside = _OUTSIDE.search(rest)
    body, tail = (rest[: outside.start()], rest[outside.start() :]) if outside else (rest, "")
    if body and not body.endswith("\n"):
        body += "\n"
    entries = list(_ENTRY.finditer(body))
    ends = [entry.start() for entry in entries[1:]] + [len(body)]
    found = {entry["name"].strip("'\""): body[entry.start() : end] for entry, end in zip(entries, ends, strict=True)}
    return head + (body[: entries[0].start()] if entries else body), found, tail
