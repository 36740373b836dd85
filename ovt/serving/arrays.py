"""Checked records as the arrays that the network takes: the same as `ovt.training.reader` makes from a store.

A record costs a few microseconds per payload: Python lists while they are
short, one numpy operation per array and batch. For the arrays see the reader.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data import tokenizer
from ovt.data.encoders import member_tokens
from ovt.serving.words import Words
from ovt.training.features import PADDING
from ovt.training.network.overlap import overlap_features, overlap_source
from ovt.training.reader import CLIP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ovt.schema.spec import Payload, Schema
    from ovt.training.lexicon import Lexicon

    Ints = NDArray[np.int64]
    Arrays = dict[str, NDArray[Any]]
    Fill = Callable[[list[Any], "Batch"], None]

REMEMBERED_TEXTS = 10_000
"""Texts of members whose tokens are remembered."""


class Batch:
    """The arrays of some records while they are made."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}
        self.words: dict[str, Ints] = {}
        """Numbers of the words of a payload: (B, T), of a set (B, M, L)."""


class ArrayMaker:
    """Makes arrays for one schema and lexicon."""

    def __init__(self, schema: Schema, lexicon: Lexicon, fields: dict[str, str]) -> None:
        """`fields`: the attribute of the decoded payloads, by payload."""
        self._schema = schema
        self._lexicon = lexicon
        self._words = Words(lexicon)
        self._names = {key: {name: number for number, name in enumerate(names, 1)}
                       for key, names in lexicon.names.items()}
        self._texts: dict[str, list[str]] = {}
        self._steps = [(attrgetter(fields[name]), f"{name}/present", self._step(payload))
                       for name, payload in schema.payloads.items()]
        self._sets = [(name, overlap_source(schema, name)) for name, found in schema.payloads.items()
                      if found.type == "set"]

    def make(self, records: Sequence[Any]) -> Arrays:
        """The arrays of some records' payloads."""
        batch = Batch()
        for get, present, step in self._steps:
            values = [get(record) for record in records]
            batch.arrays[present] = np.array([value is not None for value in values])
            step(values, batch)
        self._words.learn()
        self._overlaps(batch)
        self._point(batch)
        self._lexicon.finish(batch.arrays)
        self._words.forget()
        return batch.arrays

    def _step(self, payload: Payload) -> Fill:
        if payload.type == "sequence":
            return self._sequence(payload)
        if payload.type == "set":
            return self._set(payload)
        if payload.dtype == "category":
            return self._category(payload)
        if payload.dtype in {"number", "vector"}:
            return self._numbers(payload)
        return self._own_text(payload) if payload.reads_own_text else _nothing

    def _sequence(self, payload: Payload) -> Fill:
        name, limit = payload.name, payload.max_length

        def fill(values: list[Any], batch: Batch) -> None:
            self._fill_words(name, [value[:limit] if value else () for value in values], batch)

        return fill

    def _own_text(self, payload: Payload) -> Fill:
        name = payload.name

        def fill(values: list[Any], batch: Batch) -> None:
            self._fill_words(name, [tokenizer.tokens(value) if value else () for value in values], batch)

        return fill

    def _fill_words(self, name: str, lists: list[Sequence[str]], batch: Batch) -> None:
        batch.words[name], batch.arrays[f"{name}/length"] = self._padded(lists)

    def _padded(self, lists: Sequence[Sequence[str]]) -> tuple[Ints, Ints]:
        """(B, T) word numbers, PADDING beyond the end, T ≥ 1, and (B,) lengths."""
        if len(lists) == 1 and lists[0]:
            found = np.array([list(map(self._words.__getitem__, lists[0]))])
            return found, np.array([found.shape[1]])
        flat = list(map(self._words.__getitem__, chain.from_iterable(lists)))
        return spread(flat, list(map(len, lists)))

    def _set(self, payload: Payload) -> Fill:
        name, limit, ranged = payload.name, payload.max_length, payload.range is not None
        ids = self._names[f"{name}.id"]
        longest = self._schema.payloads[payload.range].max_length if payload.range else None

        def fill(values: list[Any], batch: Batch) -> None:
            sets = [value[:limit] if value else () for value in values]
            members = list(chain.from_iterable(sets))
            counts = list(map(len, sets))
            batch.arrays[f"{name}/id"], batch.arrays[f"{name}/count"] = spread(
                [ids.get(member.get("id"), 0) for member in members], counts)
            spans = [(member.get("range") if ranged else None) or (0, 0) for member in members]
            ranges = np.stack([spread([span[end] for span in spans], counts)[0] for end in (0, 1)], axis=2)
            batch.arrays[f"{name}/range"] = ranges if longest is None else np.minimum(ranges, longest)
            own, _ = self._padded([member_tokens(member, self._texts) for member in members] or [()])
            batch.words[name] = scatter(own, counts)
            if len(self._texts) > REMEMBERED_TEXTS:
                self._texts.clear()

        return fill

    def _category(self, payload: Payload) -> Fill:
        array, known = f"{payload.name}/name", self._names[payload.name]

        def fill(values: list[Any], batch: Batch) -> None:
            batch.arrays[array] = np.array([known.get(value, 0) for value in values])

        return fill

    def _numbers(self, payload: Payload) -> Fill:
        array, (mean, spread_) = f"{payload.name}/value", self._lexicon.scales[payload.name]
        missing = [np.nan] * (payload.length or 1)
        wrap = payload.dtype == "number"

        def fill(values: list[Any], batch: Batch) -> None:
            rows = [missing if value is None else [value] if wrap else value for value in values]
            found = (np.array(rows, np.float32).astype(np.float64) - mean) / spread_
            batch.arrays[array] = np.clip(np.nan_to_num(found), -CLIP, CLIP).astype(np.float32)

        return fill

    def _overlaps(self, batch: Batch) -> None:
        for name, source in self._sets:
            lower = self._words.lower
            text = lower[batch.words[source]] if source else np.zeros((len(batch.words[name]), 1), np.int64)
            batch.arrays[f"{name}/overlap"] = overlap_features(
                lower[batch.words[name]], batch.arrays[f"{name}/count"], batch.arrays[f"{name}/range"], text,
            )

    def _point(self, batch: Batch) -> None:
        """List the distinct words, and point every payload's words into that list; padding is its first."""
        flat = np.concatenate([_PADDED, *(found.ravel() for found in batch.words.values())])
        distinct, places = self._words.distinct(flat)
        start = 1
        for name, found in batch.words.items():
            batch.arrays[f"{name}/words"] = places[start:start + found.size].reshape(found.shape)
            start += found.size
        batch.arrays.update(self._words.arrays(distinct))


_PADDED = np.full(1, PADDING, np.int64)


def _nothing(values: list[Any], batch: Batch) -> None:
    """A text that a sequence spells out is read there."""


def spread(flat: list[int], counts: list[int]) -> tuple[Ints, Ints]:
    """Rows of different lengths as (B, T ≥ 1), zeros beyond the end, and (B,) lengths."""
    lengths = np.array(counts, np.int64)
    found = np.zeros((len(counts), max(1, max(counts, default=1))), np.int64)
    found[np.arange(found.shape[1]) < lengths[:, None]] = flat
    return found, lengths


def scatter(members: Ints, counts: list[int]) -> Ints:
    """(members, L) as (B, M, L) by the number of members of each row."""
    found = np.zeros((len(counts), max(1, max(counts, default=1)), members.shape[1]), np.int64)
    mask = np.arange(found.shape[1]) < np.array(counts)[:, None]
    found[mask] = members if mask.any() else np.zeros((0, members.shape[1]), np.int64)
    return found
