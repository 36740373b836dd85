"""The strings and scales a model knows from its training records: all that serving needs besides the weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ovt.schema.spec import SPLITS, Schema
from ovt.training.embeddings.alignment import align
from ovt.training.embeddings.names import feature, is_file, parts_of
from ovt.training.embeddings.sources import Embeddings, Wanted, build_embeddings
from ovt.training.embeddings.vectors import read_vectors
from ovt.training.features import WordFeatures, frequent_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.training.embeddings.sources import Encoded
    from ovt.training.tuning.values import Values, WordValues

UNKNOWN_NAME = 0
"""Id of a category or member that train does not have often enough."""
MIN_MEMBER_COUNT = 2
"""A member met once in train cannot be told from one never met: its vector would only learn that record by heart."""


@dataclass(frozen=True)
class Lexicon:
    """What words, names and numbers are to one model."""

    words: WordFeatures
    names: dict[str, tuple[str, ...]]
    """By category payload, or `PAYLOAD.id` for members: the name at position `i` has the id `i + 1`."""
    scales: dict[str, tuple[float, float]]
    """By number or vector payload: mean and standard deviation in train."""
    embeddings: Embeddings = field(default_factory=Embeddings)
    """Characters, pieces and vectors that payloads' embeddings read besides."""

    def name_ids(self, key: str, strings: list[str]) -> NDArray[np.int32]:
        """The id of each string; 0 for the unknown."""
        index = {name: position for position, name in enumerate(self.names[key], UNKNOWN_NAME + 1)}
        return np.fromiter((index.get(text, UNKNOWN_NAME) for text in strings), np.int32, len(strings))


    def finish(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Add what depends on a whole row of words, once `words/…` and `P/words` are there; drop what only it read."""
        aligned = set()
        for payload, alignment in self.embeddings.alignments.items():
            align(arrays, payload, alignment)
            aligned.add(alignment.feature)
        read = {feature(part) for part in self.embeddings.tables}
        for name in aligned - read:
            del arrays[f"words/{name}"]


def word_features(lexicon: Lexicon, strings: Sequence[str]) -> dict[str, Encoded]:
    """All that the network reads of each string by itself.

    Returns:
        By name of the array `words/…`: (v,) or (v, F) values; or (v + 1,) offsets and values, which a batch pads
        with 0 to (v, width).
    """
    encoded = lexicon.words.encode(strings)
    table: dict[str, Encoded] = {"id": encoded.ids, "subwords": (encoded.offsets, encoded.subwords)}
    found = {name: table[name] for name in lexicon.embeddings.table}
    return found | lexicon.embeddings.encode(strings)


def text_payloads(schema: Schema) -> list[str]:
    """The payloads that have words of their own: sequences, sets, and text singletons that no sequence spells out."""
    return [name for name, payload in schema.payloads.items() if payload.type != "singleton" or payload.reads_own_text]


def build_lexicon(store: Store, values: WordValues, whole: Values | None = None, root: Path | None = None) -> Lexicon:
    """Collect what the train records of a store teach, and what pretrained files say about its words.

    Args:
        store: the records.
        values: of the word table.
        whole: of all payloads; None: learned embeddings everywhere.
        root: where files and folders of vectors lie.
    """
    train = np.flatnonzero(store.splits == SPLITS.index("train"))
    vocabularies = [store.vocabulary(name) for name in text_payloads(store.schema)]
    words = frequent_words(((found.strings, found.counts) for found in vocabularies), values.min_count)
    names: dict[str, tuple[str, ...]] = {}
    scales: dict[str, tuple[float, float]] = {}
    for name, payload in store.schema.payloads.items():
        if payload.type == "set":
            names[f"{name}.id"] = _frequent_names(store, f"{name}.id", MIN_MEMBER_COUNT)
        elif payload.dtype == "category":
            names[name] = _frequent_names(store, name, 1)
        elif payload.dtype == "number":
            scales[name] = _scale(store.numbers(name)[train])
        elif payload.dtype == "vector":
            scales[name] = _scale(store.vectors(name)[train])
    found = Lexicon(WordFeatures(words, values.buckets), names, scales)
    return found if whole is None else _with_embeddings(found, store, whole, root)


def _with_embeddings(found: Lexicon, store: Store, values: Values, root: Path | None) -> Lexicon:
    sets = [name for name, payload in store.schema.payloads.items() if payload.type == "set"]
    payloads = {name: values.payloads[name] for name in text_payloads(store.schema)}
    # The words of members go through no encoder.
    payloads |= {name: msgspec.structs.replace(payloads[name], encoder="") for name in sets}
    vocabularies = [store.vocabulary(name) for name in payloads]
    strings = [text for vocabulary in vocabularies for text in vocabulary.strings]
    counted = [(text, int(count)) for vocabulary in vocabularies
               for text, count in zip(vocabulary.strings, vocabulary.counts, strict=True) if count > 0]
    embeddings = build_embeddings(Wanted(payloads, values.words, root), strings, counted)
    names = dict(found.names)
    for name, chosen in payloads.items():
        files = [part for part in parts_of(chosen.ids) if is_file(part)]
        if files:
            key = f"{name}.id"
            learned = names[key] if "learned" in parts_of(chosen.ids) else ()
            names[key] = _with_vectors(embeddings, store, key, learned, (root or Path()) / files[0])
    return replace(found, names=names, embeddings=embeddings)


def _with_vectors(
    embeddings: Embeddings, store: Store, key: str, learned: tuple[str, ...], path: Path,
) -> tuple[str, ...]:
    """Names that have a vector of their own, then those that only the file knows; the matrix is for all of them."""
    vectors = read_vectors(path, frozenset(store.vocabulary(key).strings)).scaled()
    names = (*learned, *sorted(set(vectors.names) - set(learned)))
    place = {name: row for row, name in enumerate(vectors.names)}
    matrix = np.zeros((len(names) + 1, vectors.matrix.shape[1]), np.float32)
    for row, name in enumerate(names, 1):
        if name in place:
            matrix[row] = vectors.matrix[place[name]]
    embeddings.matrices[key], embeddings.tables[key] = matrix, (len(learned), matrix.shape[1])
    return names


def _frequent_names(store: Store, key: str, minimum: int) -> tuple[str, ...]:
    vocabulary = store.vocabulary(key)
    counted = zip(vocabulary.strings, vocabulary.counts, strict=True)
    return tuple(sorted(text for text, count in counted if count >= minimum))


def _scale(found: NDArray[np.float32]) -> tuple[float, float]:
    known = found[np.isfinite(found)].astype(np.float64)
    if not len(known):
        return 0.0, 1.0
    spread = float(known.std())
    return float(known.mean()), spread if spread > 0 else 1.0
