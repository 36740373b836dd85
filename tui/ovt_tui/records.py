"""Finding one record in the data without reading all of it into memory."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.schema.spec import Schema

MADE_ID = re.compile(r"([0-9a-f]{16})(?:#(\d+))?")
"""The id of a record that came without one: a hash of its payloads, and which of the same it is."""


def find_record(folder: Path, record_id: str, schema: Schema) -> dict[str, Any] | None:
    """The first record with this id in `*.jsonl` below a folder, in the order of the store: path, then line."""
    found = _by_own_id(folder, record_id)
    made = MADE_ID.fullmatch(record_id)
    if found is None and made is not None:
        return _by_made_id(folder, made[1], int(made[2] or 1), schema)
    return found


def _by_own_id(folder: Path, record_id: str) -> dict[str, Any] | None:
    """A line is parsed only if the id's own characters are in it."""
    needles = {json.dumps(record_id, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (True, False)}
    for line in _lines(folder):
        if any(needle in line for needle in needles):
            record = _parse(line)
            if record is not None and record.get("id") == record_id:
                return record
    return None


def _by_made_id(folder: Path, digest: str, count: int, schema: Schema) -> dict[str, Any] | None:
    """Records without an id are hashed as the reader hashes them until the one that is meant comes by."""
    import msgspec

    from ovt.data.reader import payload_hash
    from ovt.data.records import RecordCodec

    decode = RecordCodec(schema).decode
    for line in _lines(folder):
        try:
            record = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # a bad record is told by `ovt run`, not here
        if record.id is None and payload_hash(record.payloads) == digest:
            count -= 1
            if count == 0:
                return _parse(line)
    return None


def _lines(folder: Path) -> Iterator[bytes]:
    from ovt.data.reader import jsonl_files, lines_of

    for path in jsonl_files(folder):
        with path.open("rb") as file:
            for _, line in lines_of(file):
                yield line


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
