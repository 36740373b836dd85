"""What sources outside the records said, as flat numbers; and of all they said, what counts in the end.

A statement is about a whole record or about one of its items. The last one on a
record replaces everything its source said there before; one about an item
replaces what was said about that item. It is decided for all statements at once,
by sorting: there may be millions, of thousands of workers.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.functions.answers import SPOKEN
from ovt.functions.voting import none_label, with_silence
from ovt.supervision.collection.confidence import pseudo_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.settings import Settings
    from ovt.supervision.collection.rows import Row

WHOLE = -1
"""Position of a statement about a record as a whole."""


@dataclass(frozen=True)
class Outside:
    """What `supervision/` says about one task."""

    votes: Votes
    names: tuple[str, ...]
    """Sources that spoke, as the rows name them."""
    rows: NDArray[np.int64]
    """(r,) records that some source was given for as a whole, its last word being null or not."""
    sources: NDArray[np.int32]
    """(r,) that source, an index into `names`."""
    items: NDArray[np.int64]
    """(p,) items that some source was given for by position."""
    item_sources: NDArray[np.int32]
    """(p,) that source, an index into `names`."""


class Statements:
    """Statements on one task, in the order of reading."""

    def __init__(self, names: dict[str, int], offsets: NDArray[np.int64] | None) -> None:
        self.names = names
        """Number of each source; shared by all tasks, in order of appearance."""
        self._offsets = offsets
        self.rows, self.sources = array("q"), array("i")
        self.places = array("q")
        """Item of a statement about an item, else WHOLE."""
        self.confidences = array("f")
        """NaN where none was given."""
        self.items, self.labels = array("q"), array("i")
        self.owners = array("q")
        """Of each label: the index of its statement."""

    def add(self, row: int, source: str, found: Row, answer: Sequence[tuple[int, int]]) -> None:
        """Append a statement: its labels as (position, class number), none where it takes back."""
        offsets = self._offsets
        first = row if offsets is None else int(offsets[row])
        number = len(self.rows)
        for position, code in answer:
            self.items.append(first + position)
            self.labels.append(code)
            self.owners.append(number)
        self.rows.append(row)
        self.sources.append(self.names.setdefault(source, len(self.names)))
        single = found.position is not None and offsets is not None
        self.places.append(first + (found.position or 0) if single else WHOLE)
        self.confidences.append(float("nan") if found.confidence is None else found.confidence)


    def add_plain(
        self, rows: Sequence[int], sources: Sequence[int], codes: Sequence[int], confidences: Sequence[float],
    ) -> None:
        """Append statements about whole records that each give one class."""
        first, offsets = len(self.rows), self._offsets
        assert offsets is None
        self.owners.extend(range(first, first + len(rows)))
        for column, values in ((self.rows, rows), (self.sources, sources), (self.items, rows), (self.labels, codes),
                               (self.places, [WHOLE] * len(rows))):
            column.extend(values)
        self.confidences.extend(confidences)


def last_words(store: Store, task: str, said: Statements, settings: Settings) -> Outside:
    """The votes that count, with silence read as each source's settings say and confidence as kinds of votes."""
    spoken = _Spoken.of(said)
    whole = spoken.standing & (spoken.place[spoken.owner] == WHOLE)
    items, sources, labels, confidence = _with_silences(store, task, spoken, whole, settings)
    single = spoken.standing & ~whole
    replaced = np.isin(spoken.pair_of_items(items, sources), spoken.settled)
    items = np.concatenate([items[~replaced], spoken.item[single]])
    sources = np.concatenate([sources[~replaced], spoken.source[spoken.owner[single]]])
    labels = np.concatenate([labels[~replaced], spoken.label[single]])
    confidence = np.concatenate([confidence[~replaced], spoken.confidence[spoken.owner[single]]])
    heard = labels != SPOKEN
    names, sources = pseudo_sources(spoken.names, sources, confidence)
    # A source whose last word is null stays among the names: it is known, and silent.
    votes = Votes.build(items[heard], sources[heard], labels[heard], names, store.n_items(task))
    last = np.unique(spoken.whole_pairs)
    width = max(len(spoken.names), 1)
    return Outside(votes, spoken.names, last // width, (last % width).astype(np.int32),
                   spoken.settled // width, (spoken.settled % width).astype(np.int32))


@dataclass(frozen=True)
class _Spoken:
    """All statements as arrays; sources numbered by their sorted names."""

    names: tuple[str, ...]
    row: NDArray[np.int64]
    source: NDArray[np.int32]
    place: NDArray[np.int64]
    confidence: NDArray[np.float32]
    item: NDArray[np.int64]
    label: NDArray[np.int32]
    owner: NDArray[np.int64]
    standing: NDArray[np.bool_]
    """(labels,) of statements that nothing later replaces."""
    settled: NDArray[np.int64]
    """Item and source of each statement about an item that stands, as one number, sorted."""

    @property
    def whole_pairs(self) -> NDArray[np.int64]:
        """Row and source of each statement about a record, as one number."""
        whole = self.place == WHOLE
        pairs: NDArray[np.int64] = self.row[whole] * max(len(self.names), 1) + self.source[whole]
        return pairs

    def pair_of_items(self, items: NDArray[np.int64], sources: NDArray[np.int32]) -> NDArray[np.int64]:
        """Item and source as one number."""
        return items * max(len(self.names), 1) + sources

    @classmethod
    def of(cls, said: Statements) -> _Spoken:
        row, source = np.asarray(said.rows, np.int64), np.asarray(said.sources, np.int32)
        known = [name for name, _ in sorted(said.names.items(), key=lambda pair: pair[1])]
        used = np.unique(source)
        order = sorted(used.tolist(), key=lambda number: known[number])
        rank = np.full(len(known), -1, np.int32)
        rank[order] = np.arange(len(order))
        source, names = rank[source], tuple(known[number] for number in order)
        place, owner = np.asarray(said.places, np.int64), np.asarray(said.owners, np.int64)
        standing, settled = _standing(row, source, place, len(names))
        return cls(
            names, row, source, place, np.asarray(said.confidences, np.float32), np.asarray(said.items, np.int64),
            np.asarray(said.labels, np.int32), owner, standing[owner], settled,
        )


def _standing(
    row: NDArray[np.int64], source: NDArray[np.int32], place: NDArray[np.int64], width: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(statements,) which stand; and the (item, source) of those about an item, as sorted numbers."""
    whole = place == WHOLE
    number = np.arange(len(row))
    pairs = row * width + source
    standing = np.zeros(len(row), bool)
    wholes = number[whole]
    last_whole = _last(pairs[whole])
    standing[wholes[last_whole]] = True
    singles = number[~whole]
    if not len(singles):
        return standing, np.empty(0, np.int64)
    keys = pairs[whole][last_whole]
    at = np.minimum(np.searchsorted(keys, pairs[singles]), max(len(keys) - 1, 0))
    before = np.full(len(singles), -1)
    if len(keys):
        before = np.where(keys[at] == pairs[singles], wholes[last_whole][at], -1)
    singles = singles[singles > before]
    keys = place[singles] * width + source[singles]
    last = _last(keys)
    standing[singles[last]] = True
    return standing, keys[last]


def _last(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each key occurs for the last time, in the order of the keys."""
    _, backwards = np.unique(keys[::-1], return_index=True)
    return np.asarray(len(keys) - 1 - backwards, np.int64)


def _with_silences(
    store: Store, task: str, spoken: _Spoken, chosen: NDArray[np.bool_], settings: Settings,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Items, sources, labels, confidences; with a vote for "none" where a source's silence is one."""
    items, labels = spoken.item[chosen], spoken.label[chosen]
    sources, confidence = spoken.source[spoken.owner[chosen]], spoken.confidence[spoken.owner[chosen]]
    none = none_label(store, task)
    silent = [number for number, name in enumerate(spoken.names) if settings.source(name).silence == "vote"]
    if none is None or not silent:
        return items, sources, labels, confidence
    order = np.argsort(sources, kind="stable")
    bounds = np.searchsorted(sources[order], np.arange(len(spoken.names) + 1))
    kept = [order[~np.isin(sources[order], silent)]]
    parts = [(items[kept[0]], sources[kept[0]], labels[kept[0]], confidence[kept[0]])]
    for number in silent:
        own = order[bounds[number]:bounds[number + 1]]
        filled, filled_labels = with_silence(store, task, items[own], labels[own], none)
        # Silence has no confidence of its own.
        sure = np.full(len(filled), np.nan, np.float32)
        heard = labels[own] != SPOKEN
        sure[:int(heard.sum())] = confidence[own][heard]
        parts.append((filled, np.full(len(filled), number, np.int32), filled_labels, sure))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return columns[0], columns[1], columns[2], columns[3]
