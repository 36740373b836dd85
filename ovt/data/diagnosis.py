"""Why a line could not be decoded: the raw object is walked again, by the schema, for a path, a cause and a fix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.data.records import Flaw
from ovt.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.schema.spec import Payload, Schema

RECORD_KEYS = ("id", "payloads", "tasks", "tags")


def diagnose(line: bytes, schema: Schema, message: str) -> Flaw:
    """The first thing that is wrong with a line that does not decode; `message` is the decoder's own view."""
    try:
        text = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return Flaw("", f"not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start + 1} of the line",
                    "save the file as UTF-8")
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        return Flaw("", f"broken JSON: {error.msg} at column {error.colno}", "mend the syntax of this line")
    except RecursionError:
        return Flaw("", "broken JSON: nested too deeply", "a record has at most five levels")
    try:
        _record(raw, schema)
    except Flaw as flaw:
        return flaw
    return Flaw("", message, "see the record's format in the documentation")


def kind_of(value: object) -> str:
    """The JSON word for a value's kind, with the value where it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, name in ((str, "text"), ((int, float), "number"), (list, "list"), (dict, "object")):
        if isinstance(value, kind):
            shown = json.dumps(value, ensure_ascii=False) if not isinstance(value, (list, dict)) else ""
            return f"{name} {shown}".strip() if len(shown) <= 40 else name
    return type(value).__name__


def _record(raw: Any, schema: Schema) -> None:
    _mapping(raw, "")
    _known(raw, RECORD_KEYS, "", "key of a record")
    if "payloads" not in raw:
        raise Flaw("payloads", "missing", 'a record has at least {"payloads": {…}}')
    if raw.get("id") is not None:
        _text(raw["id"], "id")
    _mapping(raw["payloads"], "payloads")
    _known(raw["payloads"], schema.payloads, "payloads", "payload")
    for name, value in raw["payloads"].items():
        if value is not None:
            _payload(value, schema.payloads[name], f"payloads.{name}")
    tasks = raw.get("tasks")
    if tasks is not None:
        _mapping(tasks, "tasks")
        _known(tasks, schema.tasks, "tasks", "task")
        for name, value in tasks.items():
            if value is not None:
                _task(value, schema, name, f"tasks.{name}")
    if raw.get("tags") is not None:
        _list_of_text(raw["tags"], "tags")


def _payload(value: Any, payload: Payload, path: str) -> None:
    if payload.type == "sequence":
        _list_of_text(value, path)
    elif payload.type == "set":
        if not isinstance(value, (list, dict)):
            raise Flaw(path, f"found {kind_of(value)}, expected a list of members",
                       'e.g. [{"id": "Height", "range": [1, 2]}]')
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in pairs:
            _mapping(member, f"{path}[{key}]")
    elif payload.dtype == "number":
        _number(value, path)
    elif payload.dtype == "vector":
        if not isinstance(value, list) or len(value) != payload.length:
            found = f"{len(value)} numbers" if isinstance(value, list) else kind_of(value)
            raise Flaw(path, f"found {found}, expected {payload.length} numbers", "the schema says `length`")
        for position, number in enumerate(value):
            _number(number, f"{path}[{position}]")
    else:
        _text(value, path)


def _task(value: Any, schema: Schema, name: str, path: str) -> None:
    if not isinstance(value, dict):
        raise Flaw(path, f"found {kind_of(value)}, expected labels by source", 'e.g. {"crowd": "height"}')
    granularity = schema.granularity(name)
    for source, label in value.items():
        here = f"{path}.{source}"
        if label is None:
            continue
        if granularity == "record":
            _label(label, schema.tasks[name].type, here)
            continue
        of = "token" if granularity == "token" else "member"
        if not isinstance(label, list) and not (granularity == "member" and isinstance(label, dict)):
            raise Flaw(here, f"found {kind_of(label)}, expected a list with one label per {of}",
                       f"null abstains on a {of}")
        pairs = label.items() if isinstance(label, dict) else enumerate(label)
        for position, inner in pairs:
            _label(inner, schema.tasks[name].type, f"{here}[{position}]")


def _label(label: Any, kind: str, path: str) -> None:
    if label is None:
        return
    if kind == "multiclass" and not isinstance(label, str):
        raise Flaw(path, f"found {kind_of(label)}, expected a class name", "write the class as text")
    if kind == "bitvector":
        if not isinstance(label, list):
            raise Flaw(path, f"found {kind_of(label)}, expected a list of class names",
                       'e.g. ["title"], or [] for none')
        _list_of_text(label, path)
    if kind == "select" and (isinstance(label, bool) or not isinstance(label, (int, str))):
        raise Flaw(path, f"found {kind_of(label)}, expected a candidate's position or id",
                   "e.g. 1: the second candidate")


def _mapping(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise Flaw(path, f"found {kind_of(value)}, expected an object", "write {…}")


def _known(value: dict[str, Any], known: Iterable[str], path: str, what: str) -> None:
    names = list(known)
    for key in value:
        if key not in names:
            raise Flaw(f"{path}.{key}" if path else key, f"unknown {what} `{key}`", nearest(key, names))


def _list_of_text(value: Any, path: str) -> None:
    if not isinstance(value, list):
        raise Flaw(path, f"found {kind_of(value)}, expected a list of texts", 'e.g. ["how", "tall"]')
    for position, item in enumerate(value):
        _text(item, f"{path}[{position}]")


def _text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise Flaw(path, f"found {kind_of(value)}, expected text", "write it in quotes")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Flaw(path, "a lone surrogate (half of a character) in the text", "write the whole character")


def _number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Flaw(path, f"found {kind_of(value)}, expected a number", "write it without quotes")
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN alone differs from itself
        raise Flaw(path, "found a number that is not finite", "write null where the value is not known")
