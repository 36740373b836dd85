"""`signature.json`: inputs, outputs and classes, from the schema alone: consumers never change when the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.schema.spec import Payload
    from ovt.training.network.network import Blueprint

FORMAT = "ovt.signature/1"


def signature(blueprint: Blueprint) -> dict[str, Any]:
    """What goes into the model and what comes out, by name."""
    schema = blueprint.schema
    inputs = {name: _input(payload) for name, payload in schema.payloads.items()}
    outputs = {}
    for name, task in schema.tasks.items():
        found: dict[str, Any] = {"payload": task.payload, "type": task.type, "per": schema.granularity(name)}
        if task.type == "select":
            found["probabilities"] = "one per member"
        else:
            found["classes"] = list(blueprint.classes[name])
        if task.spans is not None:
            found["spans"] = task.spans
        outputs[name] = found
    return {"format": FORMAT, "inputs": inputs, "outputs": outputs}


def _input(payload: Payload) -> dict[str, Any]:
    found: dict[str, Any] = {"type": payload.type, "nullable": True}
    if payload.type == "singleton":
        found["dtype"] = payload.dtype
    for key in ("base", "range", "max_length", "length"):
        value = getattr(payload, key)
        if value:
            found[key] = list(value) if key == "base" else value
    return found
