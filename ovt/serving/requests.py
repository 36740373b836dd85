"""From JSON lines or plain dicts to checked payloads; what is wrong with one is told, never raised past it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.checks import MadeTokens, RecordChecks
from ovt.data.diagnosis import diagnose
from ovt.data.reader import payload_hash
from ovt.data.records import Flaw, Record, RecordCodec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.schema.spec import Schema

PASSED_OVER = frozenset({"tasks", "tags"})
"""Keys of a record that say what is known about it; a model is asked without them."""


@dataclass(frozen=True)
class Problem:
    """Why a record cannot be answered."""

    path: str
    """Where inside the record; empty for the whole."""
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}" if self.path else self.why


class RequestReader:
    """Reads records of one schema; labels and tags in them are allowed and not looked at."""

    def __init__(self, schema: Schema, *, identify: bool = False) -> None:
        """`identify`: give a record without an id the hash that compiling gives it."""
        self._schema = schema
        self._identify = identify
        self.codec = RecordCodec(replace(schema, tasks={}), labelled=False)
        self._check = RecordChecks(self.codec).check
        self._decode = self.codec.decode

    def from_json(self, line: bytes) -> Record | Problem:
        """One JSON record."""
        try:
            record: Record = self._decode(line)
            if self._identify and record.id is None:
                record.id = payload_hash(record.payloads)
            self._check(record)
        except Flaw as flaw:
            return problem_of(flaw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return problem_of(diagnose(line, self._schema, str(error)))
        return record

    def from_mapping(self, given: Mapping[str, Any]) -> Record | Problem:
        """One record as plain values, as `json.loads` makes them."""
        plain = {key: value for key, value in given.items() if key not in PASSED_OVER}
        try:
            record: Record = self.codec.convert(plain)
            self._check(record)
        except Flaw as flaw:
            return problem_of(flaw)
        except (msgspec.ValidationError, TypeError, RecursionError) as error:
            return self._diagnosed(plain, error)
        return record

    def _diagnosed(self, given: object, error: Exception) -> Problem:
        try:
            line = msgspec.json.encode(given)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return Problem("", str(error), "give plain values, as in the record's format")
        return problem_of(diagnose(line, self._schema, str(error)))


def problem_of(flaw: Flaw) -> Problem:
    """A flaw as a value."""
    return Problem(flaw.path, flaw.why, flaw.fix)


def made_tokens(record: Record, fields: Mapping[str, tuple[str, int | None]]) -> dict[str, list[str]]:
    """The sequences that were made from a text, by payload; `fields`: the attribute and the longest that is read."""
    found = {name: (getattr(record.payloads, field), most) for name, (field, most) in fields.items()}
    return {name: list(value[:most]) for name, (value, most) in found.items() if type(value) is MadeTokens}
