"""Records made up for a schema, whatever it is: what an exporter traces, and what a service warms up with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.schema.spec import Payload, Schema

WORDS = ("how", "tall", "is", "the", "president", "of", "France", "today", "!")


def example_records(schema: Schema, size: int) -> list[dict[str, Any]]:
    """`size` records; the longer ones have as many words and members as that, at least two."""
    return [{"payloads": {name: _value(schema, payload, max(2, size - number % 2))
                          for name, payload in schema.payloads.items()}}
            for number in range(size)]


def _value(schema: Schema, payload: Payload, length: int) -> Any:
    words = [WORDS[place % len(WORDS)] for place in range(length)]
    if payload.type == "sequence":
        return words
    if payload.type == "set":
        return [_member(payload, words, place, schema) for place in range(length)]
    if payload.dtype == "number":
        return float(length)
    if payload.dtype == "vector":
        return [float(place + length) for place in range(payload.length or 1)]
    return " ".join(words)


def _member(payload: Payload, words: list[str], place: int, schema: Schema) -> dict[str, Any]:
    member: dict[str, Any] = {"id": words[place], "name": " ".join(words)}
    if payload.range is not None and schema.payloads[payload.range].max_length != 0:
        member["range"] = [place, place + 1]
    return member
