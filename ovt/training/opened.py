"""A trained model opened for a notebook: the torch module, and what it makes of records, by payload.

Example:
    >>> model = ovt.open(".").model()                                    # doctest: +SKIP
    >>> model.represent(range(3))["query"].vectors.shape                 # doctest: +SKIP
    (3, 128)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ovt.data.store import Store
from ovt.errors import MissingError
from ovt.training.lexicon import word_features
from ovt.training.network.network import key, to_tensors
from ovt.training.optimisation.batches import ordered_batches
from ovt.training.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network
    from ovt.training.network.payloads import Representation

    Arrays = dict[str, NDArray[Any]]
    ReadRecords = Callable[[Sequence[Any]], Callable[["Ints"], Arrays]]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
BATCH = 256


@dataclass(frozen=True)
class Represented:
    """A payload of some records, as the model sees it."""

    vectors: Floats
    """(n, size) one per record: the element of a singleton, the mean of a sequence's or set's elements."""
    elements: Floats
    """(m, size) of all tokens or members, one after the other; a null or empty payload has one, a learned vector."""
    offsets: Ints
    """(n + 1,) where each record's elements begin."""

    def of(self, record: int) -> Floats:
        """(T, size) the elements of one record."""
        return self.elements[self.offsets[record]:self.offsets[record + 1]]


@dataclass(frozen=True)
class NamedTable:
    """Names, and a vector for each."""

    names: tuple[str, ...]
    vectors: Floats
    """(names, size)."""

    def __getitem__(self, name: str) -> Floats:
        """(size,) the vector of a name.

        Raises:
            KeyError: it has none.
        """
        if name not in self.names:
            raise KeyError(name)
        found: Floats = self.vectors[self.names.index(name)]
        return found


class OpenedModel:
    """A model of one version."""

    def __init__(self, network: Network, lexicon: Lexicon, read: ReadRecords, store: Path | None = None) -> None:
        """Open a network.

        Args:
            network: with its weights.
            lexicon: of the same model.
            read: checks plain records and makes the arrays of some of them.
            store: where the rows that `represent` may be asked for lie; None: rows mean nothing to this model.
        """
        self.network, self.lexicon = network.eval(), lexicon
        self._read, self._store = read, store
        self._reader: Reader | None = None

    def __repr__(self) -> str:
        count = sum(found.numel() for found in self.network.parameters())
        return f"<model of {', '.join(self.network.blueprint.schema.tasks)}: {count:,} parameters>"

    @property
    def embeddings(self) -> dict[str, nn.Module]:
        """The torch module that embeds each payload, by the payload's name."""
        return {name: self.network.payloads[key(name)] for name in self.network.order}

    @torch.no_grad()
    def words(self, words: Sequence[str] | None = None) -> dict[str, NamedTable]:
        """Vectors of words before any encoder, by part of the embedding (`learned`, `glove.txt`).

        Args:
            words: which, seen before or not; None: all with a learned vector of their own.
        """
        names = tuple(self.lexicon.words.words if words is None else words)
        arrays = {f"words/{name}": _padded(found) for name, found in word_features(self.lexicon, names).items()}
        found = self.network.embed(to_tensors(arrays))
        return {part: NamedTable(names, vectors.numpy()) for part, vectors in found.items()}

    def members(self, payload: str) -> NamedTable:
        """Vectors of a set's member ids (entities): learned, or from a file, side by side where there are both.

        Raises:
            MissingError: the payload is no set.
        """
        module, names = self.embeddings.get(payload), self.lexicon.names.get(f"{payload}.id")
        if module is None or names is None:
            raise MissingError(f"`{payload}` has no members", why="only sets have", fix="name a set of the schema")
        numbers = torch.arange(1, len(names) + 1)
        with torch.no_grad():
            found = module.members(numbers)  # type: ignore[operator]
        return NamedTable(names, found.numpy())

    def represent(self, records: Iterable[int] | Iterable[Mapping[str, Any]]) -> dict[str, Represented]:
        """Every payload of some records, by name.

        Args:
            records: row numbers of the compiled store, or records as plain values (`{"payloads": {...}}`).

        Raises:
            MissingError: rows were asked for, and the model is of another version than the workspace.
            ProjectError: one of the records is no record of the schema.
        """
        given = list(records)
        if all(isinstance(one, (int, np.integer)) for one in given):
            rows = np.asarray(given, np.int64)
            reader = self._rows()
            return self._run(rows, reader.lengths(rows), lambda places: reader.read(rows[places]))
        return self._run(np.arange(len(given)), np.zeros(len(given), np.int64), self._read(given))

    def _rows(self) -> Reader:
        if self._store is None:
            raise MissingError("there are no rows to look at", why="the model is not the workspace's",
                               fix="give records instead of row numbers")
        if self._reader is None:
            self._reader = Reader(Store.open(self._store), self.lexicon, self.network.blueprint.schema)
        return self._reader

    @torch.no_grad()
    def _run(self, rows: Ints, lengths: Ints, read: Callable[[Ints], Arrays]) -> dict[str, Represented]:
        found: dict[str, list[Any]] = {name: [None] * len(rows) for name in self.network.order}
        vectors: dict[str, list[Any]] = {name: [None] * len(rows) for name in self.network.order}
        for places, _ in ordered_batches(np.arange(len(rows)), lengths, BATCH):
            for name, one in self.network.represent(to_tensors(read(places))).items():
                _take(one, places, found[name], vectors[name])
        return {name: _joined(vectors[name], found[name], self.network.blueprint.size(name)) for name in found}


def _take(one: Representation, places: Ints, elements: list[Any], vectors: list[Any]) -> None:
    whole = one.vector().numpy()
    for row, place in enumerate(places.tolist()):
        elements[place] = one.elements[row][one.mask[row]].numpy()
        vectors[place] = whole[row]


def _joined(vectors: list[Floats], elements: list[Floats], size: int) -> Represented:
    if not vectors:
        return Represented(np.zeros((0, size), np.float32), np.zeros((0, size), np.float32), np.zeros(1, np.int64))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(found) for found in elements])])
    return Represented(np.stack(vectors), np.concatenate(elements), offsets)


def _padded(found: Any) -> NDArray[Any]:
    if not isinstance(found, tuple):
        return np.asarray(found, np.float32 if found.dtype == np.float32 else np.int64)
    offsets, values = found
    counts = np.diff(offsets)
    mask = np.arange(max(1, int(counts.max(initial=1)))) < counts[:, None]
    rows = np.zeros(mask.shape, np.int64)
    rows[mask] = values
    return rows
