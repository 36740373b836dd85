"""Records read by a schema, without a stage around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.quarantine import BadRecord
from ovt.data.reader import RecordReader, read_tag_sets
from ovt.data.records import Record, RecordCodec
from ovt.documents import parse_document
from ovt.schema.parse import parse_schema

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.schema.spec import Schema

Read = Callable[..., tuple[list[Record], list[BadRecord]]]

SCHEMA = {
    "payloads": {
        "tokens": {"type": "sequence"},
        "query": {"type": "singleton", "base": ["tokens"]},
        "entities": {"type": "set", "range": "tokens"},
        "device": {"type": "singleton", "dtype": "category"},
        "age": {"type": "singleton", "dtype": "number"},
        "place": {"type": "singleton", "dtype": "vector", "length": 2},
    },
    "tasks": {
        "POS": {"payload": "tokens", "type": "multiclass"},
        "Slots": {"payload": "tokens", "type": "multiclass", "spans": "BIO"},
        "EntityType": {"payload": "tokens", "type": "bitvector"},
        "Intent": {"payload": "query", "type": "multiclass", "classes": ["height", "president"]},
        "Topics": {"payload": "query", "type": "bitvector", "classes": ["food", "people"]},
        "IntentArg": {"payload": "entities", "type": "select"},
        "Kind": {"payload": "entities", "type": "multiclass"},
        "Traits": {"payload": "entities", "type": "bitvector"},
    },
}


def schema_of(plain: dict[str, Any]) -> Schema:
    """A schema from its plain values."""
    return parse_schema(parse_document(json.dumps(plain), "schema.json"))


@pytest.fixture
def every_kind() -> dict[str, Any]:
    """The schema that `read` uses where no other is given."""
    return SCHEMA


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write lines (objects, text or bytes) to `data/r.jsonl` and read them back."""

    def run(*lines: Any, schema: dict[str, Any] = SCHEMA, tags: Sequence[Any] = ()) -> Any:
        for folder, content in (("data", lines), ("tags", tags)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "r.jsonl").write_bytes(b"\n".join(map(_as_bytes, content)) + b"\n")
        tag_sets, bad_tags = read_tag_sets(tmp_path)
        found = list(RecordReader(tmp_path, RecordCodec(schema_of(schema)), tag_sets))
        bad = [one for one in found if isinstance(one, BadRecord)]
        return [one for one in found if not isinstance(one, BadRecord)], [*bad_tags, *bad]

    return run


def _as_bytes(line: Any) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()
