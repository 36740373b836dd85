"""The strings and scales a model knows from its training records: all that serving needs besides the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.schema.spec import SPLITS, Schema
from ovt.training.features import WordFeatures, frequent_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.training.tuning.values import WordValues

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

    def name_ids(self, key: str, strings: list[str]) -> NDArray[np.int32]:
        """The id of each string; 0 for the unknown."""
        index = {name: position for position, name in enumerate(self.names[key], UNKNOWN_NAME + 1)}
        return np.fromiter((index.get(text, UNKNOWN_NAME) for text in strings), np.int32, len(strings))


def text_payloads(schema: Schema) -> list[str]:
    """The payloads that have words of their own: sequences, sets, and text singletons that no sequence spells out."""
    return [name for name, payload in schema.payloads.items() if payload.type != "singleton" or payload.reads_own_text]


def build_lexicon(store: Store, values: WordValues) -> Lexicon:
    """Collect what the train records of a store teach."""
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
    return Lexicon(WordFeatures(words, values.buckets), names, scales)


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
