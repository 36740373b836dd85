"""A record and its labels the way a person reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.quality.slicediff import Flip
    from ovt.schema.spec import Schema


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
    try:
        names = json.loads(label)
    except ValueError:
        return label
    if not isinstance(names, list):
        return label
    return ", ".join(str(name) for name in names) or "(none)"


def _candidate(record: Mapping[str, Any], payload: str, label: str) -> str | None:
    members = record.get("payloads", {}).get(payload)
    if isinstance(members, list):
        members = {str(index): member for index, member in enumerate(members)}
    member = members.get(label) if isinstance(members, dict) else None
    return str(member["id"]) if isinstance(member, dict) and "id" in member else None


def summary(record: Mapping[str, Any] | None, flip: Flip, schema: Schema) -> str:
    """The record's text in one line; the token or member that the flip is about stands in ⟦ ⟧."""
    if record is None:
        return f"{flip.id} is not in data/ of the working tree"
    payloads = record.get("payloads", {})
    task = schema.tasks.get(flip.task)
    if task and schema.granularity(flip.task) != "record" and isinstance(payloads.get(task.payload), list):
        return _spelled(payloads[task.payload], flip.position)
    texts = [value for value in payloads.values() if isinstance(value, str)]
    if not texts:
        texts = [_spelled(value, None) for value in payloads.values() if isinstance(value, list)]
    return " · ".join(texts) or json.dumps(payloads, ensure_ascii=False)


def _spelled(items: list[Any], position: int | None) -> str:
    words = [str(item.get("id", item)) if isinstance(item, dict) else str(item) for item in items]
    return " ".join(f"⟦{word}⟧" if index == position else word for index, word in enumerate(words))
