"""`signature.json`: inputs, outputs and classes, from the schema alone: consumers never change when the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.training.decoding import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.schema.spec import Payload, Schema
    from ovt.training.network.network import Blueprint

FORMAT = "ovt.signature/1"
ANY = -1
"""In a shape: as many as the record has."""
VALUES = {"text": "text", "category": "text", "number": "number", "vector": "number"}
"""Kind of a value by the dtype of a singleton."""


def signature(blueprint: Blueprint) -> dict[str, Any]:
    """What goes into the model and what comes out, by name."""
    return signature_of(blueprint.schema, blueprint.classes)


def signature_of(schema: Schema, classes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What goes into any model of a schema and what comes out.

    Args:
        schema: payloads become inputs, tasks outputs.
        classes: of each multiclass and bitvector task.

    Returns:
        `inputs`: of each payload its type, whether it may be null, what its `value` is and in which `shape` (-1: any
        number). `outputs`: of each task what a `label` is, of which shape; the same shape has the `confidence`.
    """
    return {"format": FORMAT, "inputs": {name: _input(payload) for name, payload in schema.payloads.items()},
            "outputs": {name: _output(schema, name, classes.get(name, ())) for name in schema.tasks}}


def _input(payload: Payload) -> dict[str, Any]:
    found: dict[str, Any] = {"type": payload.type, "nullable": True}
    if payload.type == "singleton":
        found |= {"dtype": payload.dtype, "value": VALUES[payload.dtype],
                  "shape": [payload.length] if payload.dtype == "vector" else []}
    else:
        found |= {"value": "text" if payload.type == "sequence" else "object", "shape": [ANY]}
    for key in ("base", "range", "max_length", "length"):
        value = getattr(payload, key)
        if value:
            found[key] = list(value) if key == "base" else value
    return found


def _output(schema: Schema, name: str, classes: Sequence[str]) -> dict[str, Any]:
    task, per = schema.tasks[name], schema.granularity(name)
    found: dict[str, Any] = {"payload": task.payload, "type": task.type, "per": per,
                             "shape": [] if per == "record" else [ANY]}
    if task.type == "select":
        found |= {"label": "position of a member, null without any", "probabilities": "one per member"}
    elif task.type == "bitvector":
        found |= {"label": "list of classes", "classes": list(classes), "threshold": THRESHOLD}
    else:
        found |= {"label": "class", "classes": list(classes)}
    if task.spans is not None:
        found["spans"] = task.spans
    return found
