"""Rows of the store as the padded arrays that a network takes.

Everything is a gather on the store's memory-mapped columns; the words of a
batch are embedded once each: `words/…` lists the distinct ones, and payloads
point into that list (0 is padding).

    words/id (U,)  words/subwords (U, F)  words/PART (U,) or (U, F)   other embeddings
    P/present (B,)                                       every payload
    P/words (B, T)  P/length (B,)                        sequence, own text of a singleton
    P/pieces (B, S)  P/owner (B, S)                      those whose encoder is pretrained
    P/count (B,)  P/id (B, M)  P/words (B, M, L)
    P/range (B, M, 2)  P/overlap (B, M, 12)              set
    P/name (B,)   P/value (B, 1 or length)               category · number, vector
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ovt.training.features import PADDING
from ovt.training.lexicon import Lexicon, text_payloads, word_features
from ovt.training.network.overlap import overlap_features, overlap_source
from ovt.training.overlap_memory import KnownOverlaps

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.schema.spec import Schema

Arrays = dict[str, NDArray[Any]]
Ints = NDArray[np.int64]
Places = tuple[Ints, NDArray[np.bool_]]
"""(B, M) where the members of some records are (0 beyond the last), and which of these places exist."""
CLIP = 5.0
"""Numbers further than this many standard deviations from the mean are cut there."""
SPARSE = 64
"""Words of the store for each word of a batch, from which a sort is cheaper than a table of all of them."""


class Reader:
    """Reads batches of one store for one lexicon."""

    def __init__(self, store: Store, lexicon: Lexicon, schema: Schema | None = None) -> None:
        """Read the payloads of `schema`, by default the store's own; the store may have more."""
        self.store = store
        self.lexicon = lexicon
        self.schema = schema or store.schema
        self._texts = {name: store.tokens(name) for name in text_payloads(self.schema)}
        sets = [name for name, found in self.schema.payloads.items() if found.type == "set"]
        self._members = {name: store.members(name) for name in sets}
        self._known_overlaps = {name: KnownOverlaps(found.offsets) for name, found in self._members.items()}
        # One more entry, for the number -1: no name.
        self._names = {key: np.append(lexicon.name_ids(key, store.vocabulary(key).strings), 0) for key in lexicon.names}
        self._values = {name: self._column(name) for name in lexicon.scales}
        self._number_words()

    def _number_words(self) -> None:
        """One numbering for the words of all payloads; 0 is padding."""
        index: dict[str, int] = {"": PADDING}
        self._numbers = {}
        for name in self._texts:
            strings = self.store.vocabulary(name).strings
            numbers = (index.setdefault(text, len(index)) for text in strings)
            self._numbers[name] = np.fromiter(numbers, np.int64, len(strings))
        strings = list(index)
        lower: dict[str, int] = {}
        numbers = (lower.setdefault(text.lower(), len(lower)) for text in strings)
        self._lower = np.fromiter(numbers, np.int64, len(strings))
        self._total = len(strings)
        self._features: dict[str, NDArray[Any]] = {}
        """By array `words/…`: a row per word of the store."""
        self._widths: dict[str, Ints] = {}
        """Of padded rows: how much of each is filled."""
        for key, found in word_features(self.lexicon, strings).items():
            self._features[key] = self._padded_features(key, *found) if isinstance(found, tuple) else found.copy()
            self._features[key][PADDING] = PADDING

    def _padded_features(self, key: str, offsets: Ints, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Lists as (words, longest), 0 beyond their ends; words have few sub-words."""
        counts = np.diff(offsets)
        filled = np.arange(max(1, int(counts.max(initial=1)))) < counts[:, None]
        rows = np.full(filled.shape, PADDING, np.int32)
        rows[filled] = values
        counts[PADDING] = 0
        self._widths[key] = counts
        return rows

    def lengths(self, rows: Ints) -> Ints:
        """(B,) how much work each row is: its elements over all payloads."""
        total = np.zeros(len(rows), np.int64)
        for name, text in self._texts.items():
            offsets = self._members[name].offsets if name in self._members else text.offsets
            total += offsets[rows + 1] - offsets[rows]
        return total

    def read(self, rows: Ints) -> Arrays:
        """The arrays of some rows."""
        arrays: Arrays = {}
        words: dict[str, Ints] = {}
        members: dict[str, Places] = {}
        for name, payload in self.schema.payloads.items():
            arrays[f"{name}/present"] = self.store.present(name)[rows]
            if name in self._members:
                members[name] = self._read_set(name, rows, arrays, words)
            elif name in self._texts:
                words[name], arrays[f"{name}/length"] = self._padded_words(name, rows)
            elif payload.dtype == "category":
                arrays[f"{name}/name"] = self._names[name][self.store.categories(name)[rows]].astype(np.int64)
            elif payload.dtype in {"number", "vector"}:
                arrays[f"{name}/value"] = self._standardised(name, rows)
        self._overlaps(rows, members, arrays, words)
        self._distinct(arrays, words)
        return arrays

    def _padded_words(self, name: str, rows: Ints) -> tuple[Ints, Ints]:
        text = self._texts[name]
        index, lengths, mask = padded(text.offsets, rows)
        if not len(text.values):
            return np.zeros(index.shape, np.int64), lengths
        return np.where(mask, self._numbers[name][text.values[index]], PADDING), lengths

    def _read_set(self, name: str, rows: Ints, arrays: Arrays, words: dict[str, Ints]) -> Places:
        members = self._members[name]
        index, counts, mask = padded(members.offsets, rows)
        arrays[f"{name}/count"] = counts
        shape = index.shape
        if not len(members.ids):
            arrays[f"{name}/id"], arrays[f"{name}/range"] = np.zeros(shape, np.int64), np.zeros((*shape, 2), np.int64)
            words[name] = np.zeros((*shape, 1), np.int64)
            return index, mask
        arrays[f"{name}/id"] = np.where(mask, self._names[f"{name}.id"][members.ids[index]], 0).astype(np.int64)
        arrays[f"{name}/range"] = np.where(mask[:, :, None], np.maximum(members.ranges[index], 0), 0).astype(np.int64)
        own, _ = self._padded_words(name, index.reshape(-1))
        words[name] = np.where(mask[:, :, None], own.reshape(*shape, -1), PADDING)
        return index, mask

    def _column(self, name: str) -> NDArray[np.float32]:
        number = self.schema.payloads[name].dtype == "number"
        return self.store.numbers(name) if number else self.store.vectors(name)

    def _standardised(self, name: str, rows: Ints) -> NDArray[np.float32]:
        mean, spread = self.lexicon.scales[name]
        values = (self._values[name][rows].reshape(len(rows), -1).astype(np.float64) - mean) / spread
        return np.clip(np.nan_to_num(values), -CLIP, CLIP).astype(np.float32)

    def _overlaps(self, rows: Ints, members: dict[str, Places], arrays: Arrays, words: dict[str, Ints]) -> None:
        for name, places in members.items():
            source = overlap_source(self.schema, name)
            known = self._known_overlaps[name]
            found = known.recall(rows, places)
            if found is None:
                text = self._lower[words[source]] if source else np.zeros((len(words[name]), 1), np.int64)
                found = overlap_features(
                    self._lower[words[name]], arrays[f"{name}/count"], arrays[f"{name}/range"], text,
                )
                known.keep(rows, places, found)
            arrays[f"{name}/overlap"] = found

    def _distinct(self, arrays: Arrays, words: dict[str, Ints]) -> None:
        """Number the distinct words of the batch, and point every payload's words into that list."""
        flat = np.concatenate([np.zeros(1, np.int64), *(found.reshape(-1) for found in words.values())])
        distinct, places = distinct_numbers(flat, self._total)  # PADDING is 0, so it is place 0
        start = 1
        for name, found in words.items():
            arrays[f"{name}/words"] = places[start:start + found.size].reshape(found.shape)
            start += found.size
        for key, table in self._features.items():
            rows = table[distinct]
            if key in self._widths:
                rows = rows[:, :max(1, int(self._widths[key][distinct].max(initial=1)))]
            arrays[f"words/{key}"] = rows if rows.dtype == np.float32 else rows.astype(np.int64)
        self.lexicon.finish(arrays)


def distinct_numbers(found: Ints, total: int) -> tuple[Ints, Ints]:
    """The distinct ones of some numbers below `total`, ascending, and for each number its place among them.

    By marking a table, not by sorting: ten times as fast, unless the table is far larger than the batch.
    """
    if total > SPARSE * len(found):
        distinct, places = np.unique(found, return_inverse=True)
        return distinct, places
    seen = np.zeros(total, np.bool_)
    seen[found] = True
    distinct = np.flatnonzero(seen)
    order = np.empty(total, np.int64)
    order[distinct] = np.arange(len(distinct))
    return distinct, order[found]


def padded(offsets: Ints, rows: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Where the elements of some rows are: (B, T) positions (0 beyond the end), (B,) lengths, (B, T) mask; T ≥ 1."""
    starts = offsets[rows]
    lengths = (offsets[rows + 1] - starts).astype(np.int64)
    steps = np.arange(max(1, int(lengths.max(initial=1))))
    mask = steps < lengths[:, None]
    return np.where(mask, starts[:, None] + steps, 0), lengths, mask
