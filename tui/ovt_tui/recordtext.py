"""A record and its labels the way a person reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt_tui.bits import against, names
from ovt_tui.columns import Cell
from ovt_tui.tokengrid import token_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.quality.answers import Answer
    from ovt.quality.slicediff import Flip
    from ovt.schema.spec import Schema
    from ovt_tui.columns import Tone

    Item = Flip | Answer


def readable(label: str, task: str, schema: Schema, record: Mapping[str, Any] | None = None) -> str:
    """A label of a task: the names of a bitvector, a candidate with its id, any other as it stands."""
    kind = schema.tasks[task].type if task in schema.tasks else None
    if kind == "bitvector":
        return _names(label)
    if kind == "select" and record is not None:
        name = _candidate(record, schema.tasks[task].payload, label)
        return f"{label} {name}" if name else label
    return label


def _names(label: str) -> str:
    if label == "[]":
        return "(none)"
    return ", ".join(names(label)) or label


def _candidate(record: Mapping[str, Any], payload: str, label: str) -> str | None:
    member = _members(record, payload).get(label)
    return str(member["id"]) if isinstance(member, dict) and "id" in member else None


def answer(label: str, item: Item, schema: Schema, record: Mapping[str, Any] | None = None) -> str:
    """What a version answered: of a bitvector with `+` and `-` where it differs from gold."""
    if schema.tasks.get(item.task) and schema.tasks[item.task].type == "bitvector" and label[:1] == "[":
        return against(label, item.gold)
    return readable(label, item.task, schema, record)


def detail(
    record: Mapping[str, Any] | None, item: Item, schema: Schema, answers: Sequence[Answer], width: int,
) -> list[list[Cell]]:
    """The record as a person reads it: its text; its tokens with all answers below them; its candidates by name."""
    text = [Cell(summary(record, item, schema))]
    task = schema.tasks.get(item.task)
    if record is None or task is None:
        return [text]
    tokens = record.get("payloads", {}).get(task.payload)
    if schema.granularity(item.task) == "token" and isinstance(tokens, list) and answers:
        return token_grid([str(token) for token in tokens], answers, task, item.position, width)
    if task.type == "select":
        return [text, *([found] if (found := _candidates(record, task.payload, item)) else [])]
    return [text]


def _candidates(record: Mapping[str, Any], payload: str, item: Item) -> list[Cell]:
    """Every candidate by name, with who chose it."""
    cells: list[Cell] = []
    for key, member in _members(record, payload).items():
        chosen = [side for side in ("gold", "old", "new") if getattr(item, side) == key]
        name = str(member.get("id", "")) if isinstance(member, dict) else str(member)
        right = "✓" if "gold" in chosen else "✗" if chosen else ""
        tone: Tone = "good" if "gold" in chosen else "bad" if chosen else ""
        said = f" ← {', '.join(chosen)} {right}" if chosen else ""
        cells += [Cell(" · " if cells else "candidates "), Cell(f"{key} {name}{said}", tone)]
    return cells


def summary(record: Mapping[str, Any] | None, flip: Item, schema: Schema) -> str:
    """The record's text in one line; the token or member that the flip is about stands in ⟦ ⟧."""
    if record is None:
        return f"{flip.id} is neither in data/ of the working tree nor in a store of these versions on this machine"
    payloads = record.get("payloads", {})
    task = schema.tasks.get(flip.task)
    if task and schema.granularity(flip.task) != "record" and isinstance(payloads.get(task.payload), list):
        return _spelled(payloads[task.payload], flip.position)
    texts = [value for value in payloads.values() if isinstance(value, str)]
    if not texts:
        texts = [_spelled(value, None) for value in payloads.values() if isinstance(value, list)]
    return " · ".join(texts) or json.dumps(payloads, ensure_ascii=False)


BEFORE = 2
"""Tokens before the one that it is about, in the short text."""


def short(record: Mapping[str, Any], item: Item, schema: Schema) -> str:
    """The same for a column: from shortly before the token that it is about."""
    text = summary(record, item, schema)
    head, mark, rest = text.partition("⟦")
    words = head.split()
    if not mark or len(words) <= BEFORE:
        return text
    return f"… {' '.join(words[-BEFORE:])} {mark}{rest}"


def _members(record: Mapping[str, Any], payload: str) -> dict[str, Any]:
    """The members of a set by their label: position in a list, or key."""
    members = record.get("payloads", {}).get(payload)
    if isinstance(members, list):
        return {str(index): member for index, member in enumerate(members)}
    return members if isinstance(members, dict) else {}


def _spelled(items: list[Any], position: int | None) -> str:
    words = [str(item.get("id", item)) if isinstance(item, dict) else str(item) for item in items]
    return " ".join(f"⟦{word}⟧" if index == position else word for index, word in enumerate(words))
