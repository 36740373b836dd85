"""Rows of the store as the padded arrays that a network takes.

Everything is a gather on the store's memory-mapped columns; the words of a
batch are embedded once each: `words/…` lists the distinct ones, and payloads
point into that list (0 is padding).

    words/id (U,)  words/subwords (U, F)
    P/present (B,)                                       every payload
    P/words (B, T)  P/length (B,)                        sequence, own text of a singleton
    P/count (B,)  P/id (B, M)  P/words (B, M, L)
    P/range (B, M, 2)  P/overlap (B, M, 12)              set
    P/name (B,)   P/value (B, 1 or length)               category · number, vector
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ovt.training.features import PADDING
from ovt.training.lexicon import Lexicon, text_payloads
from ovt.training.network.overlap import overlap_features, overlap_source

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.schema.spec import Schema

Arrays = dict[str, NDArray[Any]]
Ints = NDArray[np.int64]
CLIP = 5.0
"""Numbers further than this many standard deviations from the mean are cut there."""


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
        encoded = self.lexicon.words.encode(strings)
        self._ids = encoded.ids.copy()
        self._ids[PADDING] = PADDING
        self._subword_counts = np.diff(encoded.offsets)
        self._subword_counts[PADDING] = 0
        self._subword_starts = encoded.offsets[:-1]
        self._subwords = encoded.subwords

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
        for name, payload in self.schema.payloads.items():
            arrays[f"{name}/present"] = self.store.present(name)[rows]
            if name in self._members:
                self._read_set(name, rows, arrays, words)
            elif name in self._texts:
                words[name], arrays[f"{name}/length"] = self._padded_words(name, rows)
            elif payload.dtype == "category":
                arrays[f"{name}/name"] = self._names[name][self.store.categories(name)[rows]].astype(np.int64)
            elif payload.dtype in {"number", "vector"}:
                arrays[f"{name}/value"] = self._standardised(name, rows)
        self._overlaps(arrays, words)
        self._distinct(arrays, words)
        return arrays

    def _padded_words(self, name: str, rows: Ints) -> tuple[Ints, Ints]:
        text = self._texts[name]
        index, lengths, mask = padded(text.offsets, rows)
        if not len(text.values):
            return np.zeros(index.shape, np.int64), lengths
        return np.where(mask, self._numbers[name][text.values[index]], PADDING), lengths

    def _read_set(self, name: str, rows: Ints, arrays: Arrays, words: dict[str, Ints]) -> None:
        members = self._members[name]
        index, counts, mask = padded(members.offsets, rows)
        arrays[f"{name}/count"] = counts
        shape = index.shape
        if not len(members.ids):
            arrays[f"{name}/id"], arrays[f"{name}/range"] = np.zeros(shape, np.int64), np.zeros((*shape, 2), np.int64)
            words[name] = np.zeros((*shape, 1), np.int64)
            return
        arrays[f"{name}/id"] = np.where(mask, self._names[f"{name}.id"][members.ids[index]], 0).astype(np.int64)
        arrays[f"{name}/range"] = np.where(mask[:, :, None], np.maximum(members.ranges[index], 0), 0).astype(np.int64)
        own, _ = self._padded_words(name, index.reshape(-1))
        words[name] = np.where(mask[:, :, None], own.reshape(*shape, -1), PADDING)

    def _column(self, name: str) -> NDArray[np.float32]:
        number = self.schema.payloads[name].dtype == "number"
        return self.store.numbers(name) if number else self.store.vectors(name)

    def _standardised(self, name: str, rows: Ints) -> NDArray[np.float32]:
        mean, spread = self.lexicon.scales[name]
        values = (self._values[name][rows].reshape(len(rows), -1).astype(np.float64) - mean) / spread
        return np.clip(np.nan_to_num(values), -CLIP, CLIP).astype(np.float32)

    def _overlaps(self, arrays: Arrays, words: dict[str, Ints]) -> None:
        for name in self._members:
            source = overlap_source(self.schema, name)
            text = self._lower[words[source]] if source else np.zeros((len(words[name]), 1), np.int64)
            arrays[f"{name}/overlap"] = overlap_features(
                self._lower[words[name]], arrays[f"{name}/count"], arrays[f"{name}/range"], text,
            )

    def _distinct(self, arrays: Arrays, words: dict[str, Ints]) -> None:
        """Number the distinct words of the batch, and point every payload's words into that list."""
        flat = np.concatenate([np.zeros(1, np.int64), *(found.reshape(-1) for found in words.values())])
        distinct, places = np.unique(flat, return_inverse=True)  # PADDING is 0, so it is place 0
        start = 1
        for name, found in words.items():
            arrays[f"{name}/words"] = places[start:start + found.size].reshape(found.shape)
            start += found.size
        counts = self._subword_counts[distinct]
        steps = np.arange(max(1, int(counts.max(initial=1))))
        mask = steps < counts[:, None]
        index = np.where(mask, self._subword_starts[distinct][:, None] + steps, 0)
        arrays["words/id"] = self._ids[distinct].astype(np.int64)
        arrays["words/subwords"] = np.where(mask, self._subwords[index], PADDING).astype(np.int64)


def padded(offsets: Ints, rows: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Where the elements of some rows are: (B, T) positions (0 beyond the end), (B,) lengths, (B, T) mask; T ≥ 1."""
    starts = offsets[rows]
    lengths = (offsets[rows + 1] - starts).astype(np.int64)
    steps = np.arange(max(1, int(lengths.max(initial=1))))
    mask = steps < lengths[:, None]
    return np.where(mask, starts[:, None] + steps, 0), lengths, mask
