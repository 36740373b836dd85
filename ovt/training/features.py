"""Words as numbers: an id for words seen often enough in train, hashed sub-words for every word.

A pure function of the strings, so that a word never seen still gets a vector
(Bojanowski et al. 2017) and serving needs neither torch nor the training data:

    lower-cased word  ->  0 padding · 1 unknown · 2… words of train, most frequent first
    sub-words         ->  0 padding · 1… CRC-32 buckets of the shape, the word and its n-grams with `<` and `>` around
"""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

PADDING = 0
UNKNOWN = 1
FIRST_WORD = 2
MAX_SUBWORDS = 32
"""Sub-words kept of one word; the longer n-grams of very long words are what is lost."""
NGRAMS = (3, 4, 5)
WHOLE_WORD = 1
"""Place of the bucket of the word itself among its sub-words, after that of its shape."""


@dataclass(frozen=True)
class EncodedWords:
    """What the model reads of a list of strings."""

    ids: NDArray[np.int32]
    """(v,) word ids."""
    offsets: NDArray[np.int64]
    """(v + 1,) where each string's sub-words start."""
    subwords: NDArray[np.int32]
    """Sub-word buckets, from 1."""


@dataclass(frozen=True)
class WordFeatures:
    """How strings become ids: the words that have one, and the number of sub-word buckets."""

    words: tuple[str, ...]
    """Lower-cased; the word at position `i` has the id `i + FIRST_WORD`."""
    buckets: int
    """Sub-word ids run from 1 to this number."""

    def encode(self, strings: Sequence[str]) -> EncodedWords:
        """The ids and sub-words of each string."""
        index = self._index
        ids = np.fromiter((index.get(text.lower(), UNKNOWN) for text in strings), np.int32, len(strings))
        found = [subwords(text, self.buckets) for text in strings]
        offsets = np.zeros(len(strings) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, found), np.int64, len(found)), out=offsets[1:])
        flat = np.fromiter(itertools.chain.from_iterable(found), np.int32, int(offsets[-1]))
        return EncodedWords(ids, offsets, flat)

    @cached_property
    def _index(self) -> dict[str, int]:
        """Made once: serving encodes word by word."""
        return {word: position for position, word in enumerate(self.words, FIRST_WORD)}


def frequent_words(vocabularies: Iterable[tuple[Sequence[str], NDArray[np.int64]]], min_count: int) -> tuple[str, ...]:
    """Lower-cased words that occur at least `min_count` times in train, most frequent first, then by name."""
    counts: dict[str, int] = {}
    for strings, numbers in vocabularies:
        for text, number in zip(strings, numbers.tolist(), strict=True):
            if number > 0:
                lower = text.lower()
                counts[lower] = counts.get(lower, 0) + number
    kept = [(-number, word) for word, number in counts.items() if number >= min_count]
    return tuple(word for _, word in sorted(kept))


def subwords(text: str, buckets: int) -> list[int]:
    """The bucket of the word's shape, of the word itself, and of its n-grams, short ones first."""
    word = f"<{text.lower()}>"
    grams = [f"#{shape(text)}", word]
    for size in NGRAMS:
        if size >= len(word):
            break
        grams.extend(word[start:start + size] for start in range(min(len(word) - size + 1, MAX_SUBWORDS)))
    return [zlib.crc32(gram.encode("utf-8", "surrogatepass")) % buckets + 1 for gram in grams[:MAX_SUBWORDS]]


def shape(text: str) -> str:
    """Capitals, digits and punctuation of a word in short: `Obama's` is `Xx.x`, `B2B` is `XdX`."""
    kinds = ("X" if char.isupper() else "d" if char.isdigit() else "x" if char.isalpha() else "." for char in text[:16])
    return "".join(kind for kind, _ in itertools.groupby(kinds))
