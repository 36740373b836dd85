"""What a model reads of each word, remembered: a word's features are computed once, then gathered.

Everything named `words/…` among the network's inputs is here. Position 0 is
padding in every table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.training.features import PADDING
from ovt.training.lexicon import word_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.training.lexicon import Lexicon

    Ints = NDArray[np.int64]
    Arrays = dict[str, NDArray[Any]]

REMEMBERED = 50_000
"""Words remembered; beyond it all are forgotten, so that memory stays bounded whatever is asked."""
FIRST_ROOM = 1024


class Words(dict[str, int]):
    """Numbers words as they come: ``words[text]``; `learn` must be called before a new number is gathered."""

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._lexicon = lexicon
        self._start()

    def _start(self) -> None:
        self.clear()
        self._new: list[str] = []
        self._lower_numbers: dict[str, int] = {"": PADDING}
        self.lower: Ints = np.zeros(FIRST_ROOM, np.int64)
        """By word number: the number of its lower-cased form."""
        self._place: Ints = np.zeros(FIRST_ROOM, np.int64)
        self._flat: dict[str, Ints] = {}
        self._padded: dict[str, Ints] = {}
        self._counts: dict[str, Ints] = {}
        self[""] = PADDING
        self._append([""])
        for tables in (self._flat, self._padded, self._counts):
            for table in tables.values():
                table[PADDING] = 0  # padding is no word, not even an unknown one

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        self._new.append(text)
        return number

    def forget(self) -> None:
        """Start over where there are too many words; numbers given out before mean nothing then."""
        if len(self) > REMEMBERED:
            self._start()

    def learn(self) -> None:
        """Compute the features of words that came since."""
        if self._new:
            fresh, self._new = self._new, []
            self._append(fresh)

    def distinct(self, numbers: Ints) -> tuple[Ints, Ints]:
        """The distinct numbers among some, in time linear in them, and the place of each in that list."""
        place = self._place
        order = np.arange(len(numbers))
        place[numbers[::-1]] = order[::-1]  # the first occurrence is written last, so PADDING at the start stays first
        found = numbers[place[numbers] == order]
        place[found] = order[: len(found)]
        return found, place[numbers]

    def arrays(self, numbers: Ints) -> Arrays:
        """The network's inputs about some words: `words/…`."""
        arrays: Arrays = {f"words/{name}": table[numbers] for name, table in self._flat.items()}
        for name, table in self._padded.items():
            width = max(1, int(self._counts[name][numbers].max()))
            arrays[f"words/{name}"] = table[numbers, :width]
        return arrays

    def _append(self, texts: list[str]) -> None:
        start = len(self) - len(texts)
        for name, found in word_features(self._lexicon, texts).items():
            if isinstance(found, tuple):
                self._append_ragged(name, start, *found)
            else:
                self._flat[name] = _put(self._flat.get(name), start, found)
        known = self._lower_numbers
        lower = np.fromiter((known.setdefault(text.lower(), len(known)) for text in texts), np.int64, len(texts))
        self.lower = _put(self.lower, start, lower)
        self._place = _grown(self._place, start + len(texts), 1)

    def _append_ragged(self, name: str, start: int, offsets: Ints, values: NDArray[np.int32]) -> None:
        counts = np.diff(offsets)
        rows = np.full((len(counts), max(1, int(counts.max(initial=1)))), PADDING, np.int64)
        rows[np.arange(rows.shape[1]) < counts[:, None]] = values
        self._padded[name] = _put(self._padded.get(name), start, rows)
        self._counts[name] = _put(self._counts.get(name), start, counts)


def _put(table: Ints | None, start: int, rows: NDArray[Any]) -> Ints:
    """The table with rows from `start` on, grown where it is too small; whole numbers as the network takes them."""
    width = 1 if rows.ndim == 1 else rows.shape[1]
    if table is None:
        kind = np.int64 if rows.dtype.kind in "iu" else rows.dtype
        table = np.zeros((FIRST_ROOM, *rows.shape[1:]), kind)
    table = _grown(table, start + len(rows), width)
    if rows.ndim == 1:
        table[start:start + len(rows)] = rows
    else:
        table[start:start + len(rows), :width] = rows
    return table


def _grown(table: Ints, rows: int, width: int) -> Ints:
    """The table with room for so many rows and columns."""
    room = [max(len(table), 1 << max(0, rows - 1).bit_length()), *(max(found, width) for found in table.shape[1:])]
    if tuple(room) == table.shape:
        return table
    grown = np.zeros(room, table.dtype)
    grown[tuple(slice(found) for found in table.shape)] = table
    return grown
