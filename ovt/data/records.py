"""The msgspec types of a record, made from the schema, and decoding a line with them.

Payload and task names need not be identifiers, so the fields are `f0`, `f1`, …
renamed to what the schema says. Decoding validates; a line that fails is walked
again by `ovt.data.diagnosis`, which knows how to say where and why.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

if TYPE_CHECKING:
    from ovt.schema.spec import Payload, Schema


class Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One decoded line; `RecordCodec` makes the subtype whose payloads and tasks are those of a schema."""

    payloads: Any
    """A struct with a field per payload; None where it is null or absent."""
    id: str | None = None
    tasks: Any = None
    """A struct with a field per task: source → label."""
    tags: Any = None
    """A list of names; the reader puts a `TagSet` here."""


class Flaw(Exception):  # noqa: N818 - it is what a record has, not an error of ovt
    """What is wrong with one record: where inside it, why, and what to change."""

    def __init__(self, path: str, why: str, fix: str) -> None:
        super().__init__(why)
        self.path = path
        self.why = why
        self.fix = fix


class RecordCodec:
    """Decodes lines by one schema; with `labelled=False` labels and tags are passed over, whatever they are."""

    def __init__(self, schema: Schema, *, labelled: bool = True) -> None:
        self.schema = schema
        self.payload_fields = {name: f"f{number}" for number, name in enumerate(schema.payloads)}
        """Attribute of `record.payloads` per payload name."""
        self.task_fields = {name: f"f{number}" for number, name in enumerate(schema.tasks)}
        """Attribute of `record.tasks` per task name."""
        payloads = _struct("Payloads", [_payload_type(one) for one in schema.payloads.values()], self.payload_fields)
        tasks = _struct("Tasks", [_task_type(schema, name) for name in schema.tasks], self.task_fields)
        record = msgspec.defstruct(
            "SchemaRecord",
            [("payloads", payloads), ("id", str | None, None), *_labels(tasks, labelled=labelled)],
            bases=(Record,), gc=False,
        )
        self.no_tasks: Any = tasks()
        self.decode: Any = msgspec.json.Decoder(record).decode
        """``decode(line: bytes) -> Record``."""
        self.convert: Any = partial(msgspec.convert, type=record)
        """``convert(plain values) -> Record``."""


def _labels(tasks: Any, *, labelled: bool) -> list[tuple[str, Any, Any]]:
    if labelled:
        return [("tasks", tasks | None, None), ("tags", list[str] | None, None)]
    return [("tasks", msgspec.Raw, msgspec.Raw()), ("tags", msgspec.Raw, msgspec.Raw())]


def _struct(name: str, types: list[Any], fields: dict[str, str]) -> Any:
    rename = {field: shown for shown, field in fields.items()}
    columns = [(field, kind, None) for field, kind in zip(fields.values(), types, strict=True)]
    return msgspec.defstruct(name, columns, rename=rename, forbid_unknown_fields=True, gc=False)


def _payload_type(payload: Payload) -> Any:
    if payload.type == "sequence":
        return list[str] | None
    if payload.type == "set":
        return list[dict[str, Any]] | dict[str, dict[str, Any]] | None
    if payload.dtype == "number":
        return float | None
    if payload.dtype == "vector":
        return Annotated[list[float], msgspec.Meta(min_length=payload.length, max_length=payload.length)] | None
    return str | None


def _task_type(schema: Schema, name: str) -> Any:
    """Source → label; the label of an item may be null everywhere, which abstains."""
    task = schema.tasks[name]
    if task.type == "select":
        return dict[str, int | str | None] | None
    item: Any = str | None if task.type == "multiclass" else list[str] | None
    granularity = schema.granularity(name)
    if granularity == "token":
        return dict[str, list[item] | None] | None
    if granularity == "member":
        return dict[str, list[item] | dict[str, item] | None] | None
    return dict[str, item] | None
