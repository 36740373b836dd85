"""What a record says to a model, as a number: two records with the same number are the same example.

Sequences and sets are cut as the store cuts them; a text counts by its words,
and not at all beside the tokens that spell it out.

An augmented record with the texts of one of dev or test would carry the exam
into training, whatever its other payloads are: `language_only` tells that.
"""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.data.records import Record, RecordCodec
    from ovt.schema.spec import Payload

class ContentKey:
    """``key(record)`` for checked records of one schema: a 64-bit number."""

    def __init__(self, codec: RecordCodec, *, language_only: bool = False) -> None:
        """Of all payloads, or of texts and sequences alone where the record has any."""
        payloads = [payload for _, payload in sorted(codec.schema.payloads.items())]
        spoken = [payload for payload in payloads if payload.type == "sequence"
                  or (payload.type == "singleton" and payload.dtype == "text")]
        self._readers = [_reader(codec, payload) for payload in (spoken if language_only else payloads)]
        self._whole = ContentKey(codec) if language_only else None
        self._encode = msgspec.json.Encoder(order="deterministic").encode

    def __call__(self, record: Record) -> int:
        """The number."""
        payloads = record.payloads
        values = [read(payloads) for read in self._readers]
        if self._whole is not None and all(value is None for value in values):
            return self._whole(record)
        told = self._encode(values)
        return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())


def _reader(codec: RecordCodec, payload: Payload) -> Callable[[Any], Any]:
    get = attrgetter(codec.payload_fields[payload.name])
    limit = payload.max_length
    if payload.type != "singleton":
        return lambda payloads: None if (value := get(payloads)) is None else value[:limit]
    if payload.dtype != "text":
        return get
    sequences = [parent for parent in payload.base if codec.schema.payloads[parent].type == "sequence"]
    spelled = [attrgetter(codec.payload_fields[parent]) for parent in sequences]

    def words(payloads: Any) -> list[str] | None:
        value = get(payloads)
        if value is None or any(tokens(payloads) is not None for tokens in spelled):
            return None
        return list(value.split())

    return words
