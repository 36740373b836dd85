"""Strings and their numbers: every distinct string of the store, counted in train records."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.columns import view

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Vocabulary:
    """The strings of one payload, in order of appearance."""

    strings: list[str]
    counts: NDArray[np.int64]
    """(len(strings),) occurrences in train records; 0: never seen in training."""

    def __len__(self) -> int:
        return len(self.strings)

    @cached_property
    def array(self) -> NDArray[np.object_]:
        """The strings as an object array, for looking up many numbers at once."""
        made = np.empty(len(self.strings), object)
        made[:] = self.strings
        return made

    @cached_property
    def index(self) -> dict[str, int]:
        """Number by string."""
        return {string: number for number, string in enumerate(self.strings)}

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `VocabularyBuilder.save` wrote."""
        import pyarrow as pa

        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
        return cls(batch.column(0).to_pylist(), view(batch.column(1)))


class VocabularyBuilder(dict[str, int]):
    """Gives each new string the next number: ``builder[string]``, or ``map(builder.__getitem__, strings)``."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(1024, np.int64)

    def __missing__(self, string: str) -> int:
        self[string] = number = len(self)
        return number

    def count(self, numbers: NDArray[np.int32]) -> None:
        """Count occurrences of numbers given out before."""
        if len(self._counts) < len(self):
            grown = np.zeros(max(len(self), 2 * len(self._counts)), np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        if len(numbers):
            found = np.bincount(numbers)
            self._counts[: len(found)] += found

    def save(self, path: Path) -> None:
        """Write an Arrow file with a row per string."""
        import pyarrow as pa

        self.count(np.empty(0, np.int32))
        batch = pa.record_batch({
            "string": pa.array(list(self), pa.string()),
            "count": pa.array(self._counts[: len(self)], pa.int64()),
        })
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
