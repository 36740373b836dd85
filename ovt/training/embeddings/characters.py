"""Words as their characters: an id for each that train has, `<` and `>` around."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

LONGEST = 24
"""Characters read of a word: its first 16 and its last 8, where endings are."""
TAIL = 8
UNKNOWN, BEGIN, END, FIRST = 1, 2, 3, 4
MIN_COUNT = 3
"""Characters rarer than this in train are unknown."""


class Characters(msgspec.Struct, frozen=True, tag="characters"):
    """The alphabet of one model."""

    alphabet: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Ids, padding included."""
        return FIRST + len(self.alphabet)

    def encode(self, strings: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(v + 1,) offsets and the ids of each string's characters."""
        index = {char: number for number, char in enumerate(self.alphabet, FIRST)}
        lists = [[BEGIN, *(index.get(char, UNKNOWN) for char in shortened(text)), END] for text in strings]
        return ragged(lists)


def shortened(text: str) -> str:
    """What is read of a word."""
    return text if len(text) <= LONGEST else text[: LONGEST - TAIL] + text[-TAIL:]


def ragged(lists: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Lists of numbers as offsets and values."""
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, lists), np.int64, len(lists)), out=offsets[1:])
    return offsets, np.fromiter(itertools.chain.from_iterable(lists), np.int32, int(offsets[-1]))


def alphabet_of(words: Iterable[tuple[str, int]]) -> Characters:
    """The characters of words with their counts in train."""
    counts: Counter[str] = Counter()
    for word, count in words:
        for char in word:
            counts[char] += count
    return Characters(tuple(sorted(char for char, count in counts.items() if count >= MIN_COUNT)))
