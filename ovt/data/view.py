"""A record as functions see it: its id, its tags and its payloads, decoded on first touch; never its labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.errors import MissingError, nearest

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.data.tags import TagTable
    from ovt.schema.spec import Payload

Getter = Callable[[int], Any]
"""The value of one payload, by position in the rows."""
RowTags = Sequence[Collection[str]]
"""The tags of each of some rows, the split first."""


class Member:
    """One member of a set: `.id`, `.range` and whatever other fields it has."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        """All of it, as plain values."""

    @property
    def id(self) -> str | None:
        """Its id, None if it has none."""
        found: str | None = self.fields.get("id")
        return found

    @property
    def range(self) -> tuple[int, int] | None:
        """Half-open token positions, None if it has none."""
        span = self.fields.get("range")
        return (span[0], span[1]) if span is not None else None

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or the default where the member does not have it."""
        return self.fields.get(name, default)

    def __getitem__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise KeyError(f"this member has no `{name}`; {nearest(name, self.fields)}") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "fields":
            raise AttributeError(name)
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"this member has no `{name}`; {nearest(name, self.fields)}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash((self.id, self.range))

    def __repr__(self) -> str:
        return f"Member({self.fields!r})"


class RecordView:
    """One record: ``r.id``, ``r.tags``, ``r.query``, ``r["my-payload"]``, ``r.entities[0].range``."""

    __slots__ = ("_at", "_rows")

    def __init__(self, rows: Rows, at: int) -> None:
        self._rows = rows
        self._at = at

    @property
    def id(self) -> str:
        """The record's id."""
        found: str = self._rows.ids[self._at]
        return found

    @property
    def tags(self) -> list[str]:
        """The split, then the other tags, sorted."""
        return list(self._rows.tags[self._at])

    def __getitem__(self, name: str) -> Any:
        return self._rows.getter(name)(self._at)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._rows.getter(name)(self._at)
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __repr__(self) -> str:
        return f"RecordView({self.id!r})"


class Rows:
    """The rows `start` to `stop` of a store; a payload is decoded for all of them when one is first touched."""

    def __init__(self, store: Store, start: int, stop: int, tags: TagTable | RowTags | None = None) -> None:
        self._store = store
        self._given_tags = tags
        self._getters: dict[str, Getter] = {}
        self._columns: dict[str, Any] = {}
        self._ids: list[str] | None = None
        self._tags: RowTags | None = None
        self.start = start
        self.stop = stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[RecordView]:
        return (RecordView(self, at) for at in range(len(self)))

    @property
    def ids(self) -> list[str]:
        """Record ids."""
        if self._ids is None:
            self._ids = self._store.ids.slice(self.start, len(self)).to_pylist()
        return self._ids

    @property
    def tags(self) -> RowTags:
        """Tags of each record.

        Raises:
            MissingError: these rows were opened without tags.
        """
        if self._tags is None:
            if self._given_tags is None:
                raise MissingError("tags are not at hand here", why="the records were opened without their tags",
                                   fix="open them with the table of build/tags.parquet", command="ovt run compile")
            given = self._given_tags
            self._tags = given if isinstance(given, Sequence) else given.rows(self.start, self.stop)
        return self._tags

    @property
    def payloads(self) -> Collection[str]:
        """The payloads that there are."""
        return self._store.schema.payloads

    def getter(self, name: str) -> Getter:
        """How to get a payload of a row.

        Raises:
            KeyError: the schema has no such payload.
        """
        found = self._getters.get(name)
        if found is None:
            found = self._getters[name] = self._decode(self._payload(name))
        return found

    def column(self, name: str) -> Any:
        """A payload of all rows (see `ovt.data.batch.Batch`).

        Raises:
            KeyError: the schema has no such payload.
        """
        if name not in self._columns:
            self._columns[name] = self._decode_column(self._payload(name))
        return self._columns[name]

    @property
    def touched(self) -> set[str]:
        """The payloads that were decoded."""
        return {*self._getters, *self._columns}

    def _payload(self, name: str) -> Payload:
        payload = self._store.schema.payloads.get(name)
        if payload is None:
            raise KeyError(f"the schema has no payload `{name}`; {nearest(name, self._store.schema.payloads)}")
        return payload

    def _decode_column(self, payload: Payload) -> Any:
        store, part = self._store, slice(self.start, self.stop)
        if payload.type == "singleton" and payload.dtype == "number":
            return store.exact_numbers(payload.name)[part]
        if payload.type == "singleton" and payload.dtype == "vector":
            return store.vectors(payload.name)[part]
        get = self.getter(payload.name)
        values = [get(at) for at in range(len(self))]
        if payload.type != "singleton":
            return values
        column = np.empty(len(values), object)
        column[:] = values
        return column

    def _decode(self, payload: Payload) -> Getter:
        store, part = self._store, slice(self.start, self.stop)
        if payload.type == "sequence":
            return self._tokens(payload.name)
        if payload.type == "set":
            return _members(store.members_json(payload.name, self.start, self.stop))
        if payload.dtype == "text":
            texts: list[str | None] = store.texts(payload.name, self.start, self.stop)
            return texts.__getitem__
        if payload.dtype == "category":
            words = store.vocabulary(payload.name).strings
            return [None if at < 0 else words[at] for at in store.categories(payload.name)[part].tolist()].__getitem__
        numbers = store.exact_numbers(payload.name) if payload.dtype == "number" else store.vectors(payload.name)
        return _or_none(numbers[part].tolist(), store.present(payload.name)[part].tolist()).__getitem__

    def _tokens(self, name: str) -> Getter:
        tokens = self._store.tokens(name)
        offsets = tokens.offsets[self.start : self.stop + 1]
        flat = self._store.vocabulary(name).array[tokens.values[offsets[0] : offsets[-1]]].tolist()
        bounds = list(pairwise((offsets - offsets[0]).tolist()))
        present = self._store.present(name)[self.start : self.stop]
        if present.all():
            return lambda at: flat[bounds[at][0] : bounds[at][1]]
        missing = set(np.flatnonzero(~present).tolist())
        return lambda at: None if at in missing else flat[bounds[at][0] : bounds[at][1]]


def _or_none(values: list[Any], present: list[bool]) -> list[Any]:
    return [value if there else None for value, there in zip(values, present, strict=True)]


def _members(texts: list[str | None]) -> Getter:
    """Sets are decoded one at a time; the last one is kept, since a function touches it again and again."""
    last: list[Any] = [-1, None]
    decode = msgspec.json.Decoder(list[dict[str, Any]]).decode

    def get(at: int) -> list[Member] | None:
        text = texts[at]
        if text is None:
            return None
        if last[0] != at:
            last[0], last[1] = at, [Member(fields) for fields in decode(text)]
        return list(last[1])

    return get
