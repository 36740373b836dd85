"""A Schema as the plain values of `schema.json`; parsing them gives the same Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.schema.spec import Payload, Schema, Task


def plain_schema(schema: Schema) -> dict[str, Any]:
    """The schema as plain dicts and lists, without keys that say what is the default."""
    return {
        "payloads": {name: _payload(payload) for name, payload in schema.payloads.items()},
        "tasks": {name: _task(task) for name, task in schema.tasks.items()},
    }


def _payload(payload: Payload) -> dict[str, Any]:
    found: dict[str, Any] = {"type": payload.type}
    if payload.base:
        found["base"] = list(payload.base)
    if payload.dtype != "text":
        found["dtype"] = payload.dtype
    for key in ("range", "max_length", "length"):
        if getattr(payload, key) is not None:
            found[key] = getattr(payload, key)
    return found


def _task(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {"payload": task.payload, "type": task.type}
    if task.classes is not None:
        found["classes"] = list(task.classes)
    for key in ("spans", "guideline"):
        if getattr(task, key) is not None:
            found[key] = getattr(task, key)
    return found
