"""A 64-bit key per record: of its payloads as they are, and of its text alone, normalised.

Two records with the same exact key have the same payloads; with the same text
key they say the same words whatever the case, the punctuation and the blanks.
Keys are made from the store's columns, a string of the vocabulary at a time,
and mean something within one process alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.data.store import Store
    from ovt.schema.spec import Payload

Keys = NDArray[np.uint64]
ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: the multiplier of Fibonacci hashing."""
PLAIN = re.compile(r"[^\w]+|_+")
NOTHING = np.uint64(0)
"""The text key of a record without a word."""


@dataclass(frozen=True)
class PayloadKeys:
    """Keys of the records of one store."""

    exact: Keys
    """(n,)."""
    text: Keys
    """(n,) of the normalised words; NOTHING where there are none."""

    @classmethod
    def of(cls, store: Store) -> PayloadKeys:
        """Two keys per record."""
        exact, text = np.zeros(store.n, np.uint64), np.zeros(store.n, np.uint64)
        for name, payload in store.schema.payloads.items():
            salt = _mixed(np.asarray([hash(name)], np.int64).view(np.uint64))[0]
            values = np.where(store.present(name), _exact(store, payload), NOTHING)
            exact += _mixed(values + salt)
            if payload.type == "sequence" or payload.reads_own_text:
                words = _words(store, name)
                text += np.where(words == NOTHING, NOTHING, _mixed(words + salt))
        return cls(exact, text)


def normalised(text: str) -> str:
    """A word without case, accents, punctuation and blanks; empty if nothing is left.

    Example:
        >>> normalised("Café!")
        'cafe'
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    return PLAIN.sub("", "".join(char for char in folded if not unicodedata.combining(char)))


def _exact(store: Store, payload: Payload) -> Keys:
    name = payload.name
    if payload.type == "sequence":
        return _sequences(store, name, _hashes(store.vocabulary(name).strings))
    if payload.type == "set":
        return _hashes(store.members_json(name, 0, store.n))
    if payload.dtype == "text":
        return _hashes(store.texts(name, 0, store.n))
    if payload.dtype == "category":
        return np.append(_hashes(store.vocabulary(name).strings), NOTHING)[store.categories(name)]
    if payload.dtype == "number":
        return np.nan_to_num(store.exact_numbers(name)).astype(np.float64).view(np.uint64)
    vectors = np.nan_to_num(store.vectors(name)).astype(np.float64)
    powers = _powers(vectors.shape[1])
    return np.asarray((_mixed(vectors.view(np.uint64)) * powers).sum(axis=1, dtype=np.uint64), np.uint64)


def _words(store: Store, name: str) -> Keys:
    """Of the normalised tokens; those of which nothing is left count for nothing, nor do they take a place."""
    return _sequences(store, name, _hashes(normalised(word) for word in store.vocabulary(name).strings), skip="")


def _sequences(store: Store, name: str, hashes: Keys, skip: str | None = None) -> Keys:
    tokens = store.tokens(name)
    values = hashes[tokens.values] if len(hashes) else np.zeros(len(tokens.values), np.uint64)
    kept = np.ones(len(values), bool) if skip is None else values != _hash(skip)
    before = np.zeros(len(values) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    starts = before[tokens.offsets]
    places = before[:-1] - np.repeat(starts[:-1], np.diff(tokens.offsets))
    terms = np.where(kept, values * _powers(int(places.max(initial=0)) + 1)[places], NOTHING)
    sums = np.zeros(len(terms) + 1, np.uint64)
    np.cumsum(terms, out=sums[1:], dtype=np.uint64)
    lengths = np.diff(starts).astype(np.uint64)
    total = sums[tokens.offsets[1:]] - sums[tokens.offsets[:-1]]
    return np.where(lengths == 0, NOTHING, _mixed(total + lengths))


def _powers(count: int) -> Keys:
    """(count,) 1, r, r², … modulo 2^64."""
    factors = np.full(max(count, 1), ODD, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


def _hashes(strings: Iterable[str | None]) -> Keys:
    return np.fromiter((hash(text) for text in strings), np.int64).view(np.uint64)


def _hash(text: str) -> np.uint64:
    return np.uint64(_hashes([text])[0])


def _mixed(values: Keys) -> Keys:
    """The finaliser of SplitMix64: every bit of the outcome depends on every bit of the value."""
    mixed = values ^ (values >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed = mixed * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
