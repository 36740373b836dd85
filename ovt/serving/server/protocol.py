"""The Open Inference Protocol, version 2: named tensors in and out, over the same records and answers.

Inputs are either one tensor `record` (BYTES: each a JSON record) or one tensor
for each payload that a request gives: BYTES for texts and categories, BYTES of
JSON for sequences and sets, FP32 or FP64 for numbers and vectors. An output is
named after its task: BYTES of the class, INT64 of the candidate's position, or
BYTES of JSON where there is one label for each token or several at once;
`TASK.confidence` goes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.schema.spec import Payload, Schema

RECORD = "record"
CONFIDENCE = ".confidence"
PLATFORM = "ovt_onnx"
BYTES, FLOAT, INTEGER = "BYTES", "FP32", "INT64"
NUMBERS = frozenset({"FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
UNIT = "record"
"""Granularity of a task with one answer a record."""


class TensorError(ValueError):
    """A request whose tensors are not what the model takes."""


class Tensor(msgspec.Struct):
    """An input."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class Named(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct):
    """The body of an inference request."""

    inputs: list[Tensor]
    outputs: list[Named] | None = None
    id: str | None = None
    parameters: dict[str, Any] = {}


def metadata(name: str, version: str, schema: Schema, signature: Mapping[str, Any]) -> dict[str, Any]:
    """What the model takes and gives, as the protocol says it, with the signature of which this is another spelling."""
    inputs = [{"name": RECORD, "datatype": BYTES, "shape": [-1]}]
    inputs += [{"name": payload.name, "datatype": _input_type(payload), "shape": _input_shape(payload)}
               for payload in schema.payloads.values()]
    outputs = [
        {"name": part, "datatype": kind, "shape": [-1]} for task in schema.tasks
        for part, kind in zip((task, f"{task}{CONFIDENCE}"), _output_types(schema, task), strict=True)
    ]
    return {"name": name, "versions": [version], "platform": PLATFORM, "inputs": inputs, "outputs": outputs,
            "parameters": {"signature": signature}}


def records_of(request: InferRequest, schema: Schema) -> list[bytes]:
    """The records of a request, as JSON.

    Raises:
        TensorError: a tensor is unknown, has another type or shape, or they are not of one length.
    """
    if not request.inputs:
        raise TensorError("no inputs")
    by_name = {tensor.name: tensor for tensor in request.inputs}
    if len(by_name) < len(request.inputs):
        raise TensorError("an input is named twice")
    if RECORD in by_name and RECORD not in schema.payloads:
        if len(by_name) > 1:
            raise TensorError(f"`{RECORD}` is a whole record: no other input goes with it")
        return [_text(RECORD, value).encode() for value in _values(by_name[RECORD], None)]
    columns = {name: _column(name, tensor, schema) for name, tensor in by_name.items()}
    if len({len(column) for column in columns.values()}) > 1:
        raise TensorError("inputs differ in their first dimension")
    rows = zip(*columns.values(), strict=True)
    return [msgspec.json.encode({"payloads": dict(zip(columns, row, strict=True))}) for row in rows]


def outputs_of(
    request: InferRequest, schema: Schema, answers: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The answers as tensors: those that were asked for, else all.

    Raises:
        TensorError: an output that the model does not have.
    """
    known = {part: task for task in schema.tasks for part in (task, f"{task}{CONFIDENCE}")}
    wanted = list(known) if request.outputs is None else [output.name for output in request.outputs]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise TensorError(f"no output `{unknown[0]}`; there are {', '.join(known)}")
    return [_output(schema, known[name], name, answers) for name in wanted]


def _output(schema: Schema, task: str, name: str, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    part = int(name != task)
    kind = _output_types(schema, task)[part]
    values = [answer["tasks"][task][("label", "confidence")[part]] for answer in answers]
    return {"name": name, "datatype": kind, "shape": [len(values)], "data": [_shown(kind, value) for value in values]}


def _shown(kind: str, value: Any) -> Any:
    """A value as an element of a tensor; nothing (a null payload) is an empty text, -1 or 0."""
    if kind == BYTES:
        return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()
    return value if value is not None else -1 if kind == INTEGER else 0.0


def _output_types(schema: Schema, task: str) -> tuple[str, str]:
    """Of a task's label and of its confidence."""
    label = INTEGER if schema.tasks[task].type == "select" else BYTES
    return label, FLOAT if schema.granularity(task) == UNIT else BYTES


def _input_type(payload: Payload) -> str:
    return FLOAT if payload.type == "singleton" and payload.dtype in {"number", "vector"} else BYTES


def _input_shape(payload: Payload) -> list[int]:
    return [-1, payload.length] if payload.length else [-1]


def _column(name: str, tensor: Tensor, schema: Schema) -> list[Any]:
    payload = schema.payloads.get(name)
    if payload is None:
        raise TensorError(f"no input `{name}`; there are {', '.join((RECORD, *schema.payloads))}")
    if _input_type(payload) == FLOAT:
        if tensor.datatype not in NUMBERS:
            raise TensorError(f"`{name}` takes {FLOAT}, not {tensor.datatype}")
        return _values(tensor, payload.length)
    values = _values(tensor, None)
    if payload.type == "singleton":
        return [_text(name, value) for value in values]
    return [_parsed(name, value) for value in values]


def _values(tensor: Tensor, width: int | None) -> list[Any]:
    """The elements along the first dimension; `data` may be flat or nested."""
    shape = tensor.shape
    if not shape or any(size < 0 for size in shape) or (width is not None and shape[1:] != [width]):
        raise TensorError(f"`{tensor.name}` has shape {shape}, expected {[-1] if width is None else [-1, width]}")
    count = shape[0]
    if width is None and any(size != 1 for size in shape[1:]):
        raise TensorError(f"`{tensor.name}` has shape {shape}, expected [-1]")
    flat = _flat(tensor.data)
    if len(flat) != count * (width or 1):
        raise TensorError(f"`{tensor.name}` has shape {shape} and {len(flat)} elements")
    return flat if width is None else [flat[row * width:(row + 1) * width] for row in range(count)]


def _flat(data: list[Any]) -> list[Any]:
    """Nested lists of numbers or texts as one list; rows may be nested once or more."""
    while any(isinstance(one, list) for one in data):
        if not all(isinstance(one, list) for one in data):
            raise TensorError("`data` mixes elements and rows")
        data = [inner for row in data for inner in row]
    return data


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TensorError(f"`{name}` takes texts, found {type(value).__name__}")
    return value


def _parsed(name: str, value: Any) -> Any:
    try:
        return msgspec.json.decode(_text(name, value))
    except (msgspec.DecodeError, RecursionError) as error:
        raise TensorError(f"`{name}` takes JSON: {error}") from None
