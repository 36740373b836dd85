"""Votes in long form: who said what about which item. One table form for votes and for gold.

`label` is a class index; for `select` the position of a candidate; for
`bitvector` one row per positive class and one row with `VOTED` that says that
the source has an opinion at all, so that "none of them" is a vote too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.vote_order import merged, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

VOTED = -1
"""Label of the row that marks the presence of a bitvector vote."""


@dataclass(frozen=True)
class Votes:
    """Sparse votes of one task, sorted by (item, source, label)."""

    items: NDArray[np.int64]
    """(v,) item numbers."""
    sources: NDArray[np.int32]
    """(v,) indices into `names`."""
    labels: NDArray[np.int32]
    """(v,) class index, candidate position, or VOTED."""
    names: tuple[str, ...]
    """Source names, sorted; a source without any vote may be among them."""
    n_items: int
    """How many items the task has, voted on or not."""

    @classmethod
    def empty(cls, n_items: int) -> Votes:
        """No votes on `n_items` items."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32), (), n_items)

    @classmethod
    def build(
        cls, items: NDArray[np.int64], sources: NDArray[np.int32], labels: NDArray[np.int32], names: Sequence[str],
        n_items: int,
    ) -> Votes:
        """Sort votes into the canonical order, with names sorted and duplicates removed."""
        order = np.argsort(np.asarray(names, dtype=object), kind="stable") if len(names) else np.empty(0, np.int64)
        rank = np.empty(len(names), np.int32)
        rank[order] = np.arange(len(names), dtype=np.int32)
        ranked = rank[sources] if len(sources) else sources
        items, ranked, labels = ordered(items, ranked, labels)
        return cls(
            items.astype(np.int64, copy=False), ranked.astype(np.int32, copy=False),
            labels.astype(np.int32, copy=False), tuple(names[i] for i in order), n_items,
        )

    @classmethod
    def concat(cls, parts: Iterable[Votes], n_items: int) -> Votes:
        """All votes of the parts; sources of one name are one source."""
        kept = list(parts)
        names = sorted({name for part in kept for name in part.names})
        index = {name: position for position, name in enumerate(names)}
        if not kept:
            return cls.empty(n_items)
        speaking = [part for part in kept if len(part.items)]
        if all(len(part.names) == 1 for part in speaking):
            found = merged([(index[part.names[0]], part.items, part.labels) for part in speaking], n_items)
            if found is not None:
                return cls(*found, tuple(names), n_items)
        sources = [
            np.asarray([index[name] for name in part.names], np.int32)[part.sources] if part.names else part.sources
            for part in kept
        ]
        return cls.build(
            np.concatenate([part.items for part in kept]), np.concatenate(sources),
            np.concatenate([part.labels for part in kept]), names, n_items,
        )

    def on_items(self, mask: NDArray[np.bool_]) -> Votes:
        """The votes on the items where `mask` (n_items,) is true; item numbers stay."""
        keep = mask[self.items]
        return Votes(self.items[keep], self.sources[keep], self.labels[keep], self.names, self.n_items)

    def without(self, name: str) -> Votes:
        """The votes of every source but one."""
        if name not in self.names:
            return self
        gone = self.names.index(name)
        keep = self.sources != gone
        sources = self.sources[keep]
        return Votes(
            self.items[keep], np.where(sources > gone, sources - 1, sources).astype(np.int32), self.labels[keep],
            tuple(other for other in self.names if other != name), self.n_items,
        )

    def save(self, path: Path) -> None:
        """Write an Arrow IPC file; the same votes give the same bytes."""
        import pyarrow as pa

        from ovt.data.columns import numbers, strings

        names = strings(list(self.names) or [""])
        batch = pa.RecordBatch.from_arrays([
            numbers(self.items), pa.DictionaryArray.from_arrays(numbers(self.sources), names), numbers(self.labels),
        ], names=["item", "source", "label"])
        path.parent.mkdir(parents=True, exist_ok=True)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    @classmethod
    def load(cls, path: Path, n_items: int) -> Votes:
        """Read what `save` wrote, memory-mapped."""
        import pyarrow as pa

        from ovt.data.columns import view

        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
        column = batch.column(1)
        names = tuple(name for name in column.dictionary.to_pylist() if name)
        return cls(
            view(batch.column(0)), view(column.indices), view(batch.column(2)), names, n_items,
        )
