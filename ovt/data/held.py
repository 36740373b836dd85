"""Records that are still in memory, seen as functions see those of the store.

A transformation function runs while records are compiled, before there is a
store to open. Sequences and sets are cut to `max_length` as they will be there.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ovt.data.view import Getter, Member, Rows
from ovt.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.records import Record, RecordCodec
    from ovt.data.view import RowTags
    from ovt.schema.spec import Payload


class HeldRows(Rows):
    """Checked records (see `RecordChecks`) as rows."""

    def __init__(self, codec: RecordCodec, records: Sequence[Record], tags: RowTags | None = None) -> None:
        self._codec = codec
        self._records = records
        self._given_tags = tags
        self._getters: dict[str, Getter] = {}
        self._ids = [record.id or "" for record in records]
        self._tags = tags
        self.start = 0
        self.stop = len(records)

    def getter(self, name: str) -> Getter:
        """How to get a payload of a row.

        Raises:
            KeyError: the schema has no such payload.
        """
        found = self._getters.get(name)
        if found is None:
            payload = self._codec.schema.payloads.get(name)
            if payload is None:
                raise KeyError(f"the schema has no payload `{name}`; {nearest(name, self._codec.schema.payloads)}")
            found = self._getters[name] = self._read(payload)
        return found

    def _read(self, payload: Payload) -> Getter:
        get, records, limit = attrgetter(self._codec.payload_fields[payload.name]), self._records, payload.max_length
        if payload.type == "singleton":
            return lambda at: get(records[at].payloads)

        def listed(at: int) -> list[Any] | None:
            value = get(records[at].payloads)
            if value is None:
                return None
            kept = value[:limit]
            return [Member(fields) for fields in kept] if payload.type == "set" else list(kept)

        return listed
