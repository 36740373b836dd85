"""Made records on disk, a file per function, until all real records are known; and which of them are kept."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ovt.data.lineage import AugmentSummary
from ovt.functions.augmentation.augmenters import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.functions.augmentation.augmenters import Augmenter
    from ovt.functions.augmentation.children import Child
    from ovt.functions.failures import Failure


class Spooled(msgspec.Struct, array_like=True):
    """One made record on disk."""

    parent: int
    """Its parent's row; -1: none."""
    carried: list[str]
    """Tasks on which the parent's votes hold."""
    record: msgspec.Raw
    """The record as a line of `data/`."""


class Spool:
    """What one function made, in order; 24 bytes of memory for each record."""

    def __init__(self, augmenter: Augmenter, path: Path) -> None:
        self.augmenter = augmenter
        function = augmenter.function
        self.summary = AugmentSummary(augmenter.name, function.kind, augmenter.definition, augmenter.options.labels)
        self.failure: Failure | None = None
        self._keys, self._leak_keys = array("Q"), array("Q")
        self._draws = array("Q")
        self._path = path
        self._encode = msgspec.json.encode
        self._decode = msgspec.json.Decoder(Spooled).decode

    def add(self, children: Sequence[tuple[int, Child]]) -> None:
        """Append records, each with its parent's row."""
        with self._path.open("ab") as file:
            for parent, child in children:
                spooled = Spooled(parent, list(child.carried), msgspec.Raw(child.line))
                file.write(self._encode(spooled) + b"\n")
                self._keys.append(child.key)
                self._leak_keys.append(child.leak_key)
                self._draws.append(number_of("draw", child.record.id or ""))
        self.summary.made += len(children)

    def __iter__(self) -> Iterator[Spooled]:
        if self._path.is_file():
            with self._path.open("rb") as file:
                yield from map(self._decode, file)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """What each record says: see `ContentKey`."""
        return np.asarray(self._keys, np.uint64)

    @property
    def leak_keys(self) -> NDArray[np.uint64]:
        """What the texts and sequences of each record say."""
        return np.asarray(self._leak_keys, np.uint64)

    def keep(self, held_out: NDArray[np.bool_], repeated: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which records are kept: not the same as others, at most `max_records`, whatever the order of the data.

        The others are counted by why. `max_records` takes those with the lowest
        hash of their id: a random choice that one record more in the data
        hardly changes.
        """
        self.summary.held_out = int(held_out.sum())
        self.summary.duplicates = int(repeated.sum())
        places = np.flatnonzero(~(held_out | repeated))
        most = self.augmenter.options.max_records
        if most is not None and len(places) > most:
            self.summary.surplus = len(places) - most
            draws = np.asarray(self._draws, np.uint64)[places]
            places = places[np.argsort(draws, kind="stable")[:most]]
        kept = np.zeros(len(held_out), bool)
        kept[places] = True
        return kept


def kept_of(
    spools: Sequence[Spool], train: NDArray[np.uint64], held_out: NDArray[np.uint64],
) -> list[NDArray[np.bool_]]:
    """Which records of each spool are kept.

    Args:
        spools: what was made.
        train: keys of the real train records.
        held_out: leak keys of the records of dev and test.
    """
    joined = np.concatenate([np.empty(0, np.uint64), *(spool.keys for spool in spools)])
    _, first = np.unique(joined, return_index=True)
    fresh = np.zeros(len(joined), bool)
    fresh[first] = True
    leaks = np.isin(np.concatenate([np.empty(0, np.uint64), *(spool.leak_keys for spool in spools)]), held_out)
    repeated = (~fresh | np.isin(joined, train)) & ~leaks
    bounds = np.cumsum([0, *(len(spool.keys) for spool in spools)])
    return [
        spool.keep(leaks[low:high], repeated[low:high])
        for spool, low, high in zip(spools, bounds[:-1], bounds[1:], strict=True)
    ]
