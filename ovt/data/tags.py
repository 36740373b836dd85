"""Tags: from records and tag sets to a split and names per record, written for pandas and read back by rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.records import Flaw
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_CODES = {name: code for code, name in enumerate(SPLITS)}


@dataclass(frozen=True)
class TagSet:
    """What the tags of a record come to; one value per combination that occurs."""

    number: int
    """Counted from 0 in order of appearance."""
    split: int | None
    """Index into SPLITS; None where no tag says it."""
    names: tuple[str, ...]
    """Sorted, without the split."""


def stable_split(record_id: str) -> int:
    """The split of a record that has no split tag: 80/10/10 by a hash of its id, the same everywhere and always."""
    bucket = int.from_bytes(hashlib.sha256(record_id.encode()).digest()[:8], "big") % 10
    return 0 if bucket < 8 else bucket - 7


class TagSets:
    """Tags by record id from `tags/`, joined with each record's own."""

    def __init__(self, outside: dict[str, list[str]] | None = None) -> None:
        self.outside = outside or {}
        """Record id → tags of the tag sets."""
        self.combinations: list[TagSet] = []
        self._seen: dict[tuple[str, ...], TagSet] = {}

    def of(self, record_id: str, own: Sequence[str] | None) -> TagSet:
        """The tags of a record.

        Raises:
            Flaw: it has two split tags.
        """
        tags = tuple(own) if own else ()
        if self.outside and (more := self.outside.get(record_id)):
            tags = (*tags, *more)
        found = self._seen.get(tags)
        return self._combine(tags) if found is None else found

    def of_made(self, record_id: str, own: Sequence[str]) -> TagSet:
        """The tags of a record that a function made: in train, whatever a tag set says of its id."""
        names = {*own, *self.outside.get(record_id, ())} - _CODES.keys()
        tags = (SPLITS[0], *sorted(names))
        found = self._seen.get(tags)
        return self._combine(tags) if found is None else found

    def _combine(self, tags: tuple[str, ...]) -> TagSet:
        splits = sorted({_CODES[name] for name in tags if name in _CODES})
        if len(splits) > 1:
            both = " and ".join(f"`{SPLITS[code]}`" for code in splits)
            raise Flaw("tags", f"in two splits: {both}", "a record is in one of train, dev, test")
        names = tuple(sorted(set(tags) - _CODES.keys()))
        made = TagSet(len(self.combinations), splits[0] if splits else None, names)
        self.combinations.append(made)
        self._seen[tags] = made
        return made


class TagWriter:
    """Writes `tags.parquet` (`id`, `split`, `tags`), a row group per shard."""

    def __init__(self, path: Path, tag_sets: TagSets) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True, exist_ok=True)
        self._tag_sets = tag_sets
        self._schema = pa.schema([("id", pa.string()), ("split", pa.string()), ("tags", pa.list_(pa.string()))])
        self._writer = pq.ParquetWriter(path, self._schema)

    def add(self, ids: Any, splits: NDArray[np.int8], numbers: NDArray[np.int64]) -> None:
        """Rows of one shard: an Arrow array of ids, split codes, and numbers of tag combinations."""
        import pyarrow as pa

        present, local = np.unique(numbers, return_inverse=True)
        names = pa.array([self._tag_sets.combinations[number].names for number in present], pa.list_(pa.string()))
        columns = [ids, pa.array(SPLITS).take(pa.array(splits)), names.take(pa.array(local))]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class TagTable:
    """Tags by row, read from `tags.parquet`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def load(cls, path: Path) -> TagTable:
        """What `TagWriter` wrote; it is read when it is first asked for."""
        return cls(path)

    @cached_property
    def _columns(self) -> tuple[Any, Any]:
        import pyarrow.parquet as pq

        table = pq.read_table(self._path, columns=["split", "tags"])
        return table["split"].combine_chunks(), table["tags"].combine_chunks()

    @property
    def _splits(self) -> Any:
        return self._columns[0]

    @property
    def _names(self) -> Any:
        return self._columns[1]

    def rows(self, start: int, stop: int) -> list[list[str]]:
        """The tags of rows `start` to `stop`: the split first, then the others, sorted."""
        splits = self._splits.slice(start, stop - start).to_pylist()
        names = self._names.slice(start, stop - start).to_pylist()
        return [[split, *others] for split, others in zip(splits, names, strict=True)]

    def all_names(self) -> list[str]:
        """Every tag that some record has, sorted, without the splits."""
        return sorted(self._names.flatten().unique().to_pylist())

    def mask(self, tag: str) -> NDArray[np.bool_]:
        """Which rows have a tag; a split is a tag too."""
        import pyarrow.compute as pc

        if tag in _CODES:
            return np.asarray(pc.equal(self._splits, tag).to_numpy(zero_copy_only=False), dtype=bool)
        mask = np.zeros(len(self._splits), bool)
        hits = pc.indices_nonzero(pc.equal(self._names.flatten(), tag))
        mask[self._names.value_parent_indices().take(hits).to_numpy(zero_copy_only=False)] = True
        return mask


def split_codes(names: Iterable[str]) -> NDArray[np.int8]:
    """Split names as their codes in the store."""
    return np.fromiter((_CODES[name] for name in names), np.int8)
