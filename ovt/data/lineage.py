"""Where made records come from: kept beside the row store, in files that are there only if some were made.

`lineage.arrow` has a row per made record: `row`, `parent` (a row; -1 for a
generator), `source`, and `carried`: the tasks on which the parent's votes hold
for it too. `augmentation.json` has an entry per transformation function and
generator: what it made and what of it was dropped.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LINEAGE_FILE = "lineage.arrow"
SUMMARY_FILE = "augmentation.json"
FORMAT = "ovt.augmentation/1"
TAG = "source:"
"""Before the source's name: the tag of every record that it made."""


@dataclass
class AugmentSummary:
    """One transformation function or generator, and how many records it made."""

    name: str
    kind: str
    """`transformation` or `generator`."""
    definition: str
    """Digest of its code and options."""
    labels: Any
    """`carry`, `relabel`, or what its options say by task."""
    parents: int = 0
    """Train records that it was called with."""
    made: int = 0
    duplicates: int = 0
    """Dropped: the same as a train record, or as one that was made before."""
    held_out: int = 0
    """Dropped: the same as a record of dev or test."""
    collisions: int = 0
    """Dropped: a record of the data has its id."""
    surplus: int = 0
    """Dropped: beyond `max_records`."""
    kept: int = 0


@dataclass(frozen=True)
class Lineage:
    """The made records of a store."""

    rows: NDArray[np.int64]
    """(k,) rows of made records, ascending."""
    parents: NDArray[np.int64]
    """(k,) rows of their parents; -1: none."""
    sources: NDArray[np.int32]
    """(k,) index into `names`."""
    names: tuple[str, ...]
    """Sources with a record, sorted."""
    carried: dict[str, NDArray[np.bool_]]
    """Per task: (k,) whether the parent's votes hold."""

    def made_by(self, name: str) -> NDArray[np.int64]:
        """Rows of the records of one source."""
        if name not in self.names:
            return np.empty(0, np.int64)
        found: NDArray[np.int64] = self.rows[self.sources == self.names.index(name)]
        return found


class LineageWriter:
    """Collects the lineage of made records in the order of their rows."""

    def __init__(self, tasks: list[str]) -> None:
        self._tasks = tasks
        self._columns = {"row": array("q"), "parent": array("q"), "source": array("i"), "carried": array("q")}
        self._sources: dict[str, int] = {}
        self._combinations: dict[tuple[str, ...], int] = {}

    def add(self, row: int, parent: int, source: str, carried: tuple[str, ...]) -> None:
        """One made record."""
        columns = self._columns
        columns["row"].append(row)
        columns["parent"].append(parent)
        columns["source"].append(self._sources.setdefault(source, len(self._sources)))
        columns["carried"].append(self._combinations.setdefault(carried, len(self._combinations)))

    def save(self, store: Path, summaries: list[AugmentSummary]) -> None:
        """Write both files into the folder of the store."""
        import pyarrow as pa

        flags = np.zeros((len(self._tasks), max(1, len(self._combinations))), bool)
        for names, number in self._combinations.items():
            flags[[self._tasks.index(name) for name in names], number] = True
        columns = {name: np.asarray(values) for name, values in self._columns.items()}
        carried = flags[:, columns["carried"]] if len(columns["carried"]) else flags[:, :0]
        sources = pa.DictionaryArray.from_arrays(
            pa.array(columns["source"], pa.int32()), pa.array(list(self._sources), pa.string()))
        fields = {"row": pa.array(columns["row"], pa.int64()), "parent": pa.array(columns["parent"], pa.int64()),
                  "source": sources}
        fields |= {f"carried:{task}": pa.array(carried[number]) for number, task in enumerate(self._tasks)}
        batch = pa.RecordBatch.from_pydict(fields)
        with pa.OSFile(str(store / LINEAGE_FILE), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        told = {"format": FORMAT, "sources": [asdict(summary) for summary in summaries]}
        text = json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False)
        (store / SUMMARY_FILE).write_text(f"{text}\n", "utf-8")


def read_lineage(store: Path) -> Lineage | None:
    """The lineage of a store's made records; None where the project makes none."""
    import pyarrow as pa

    from ovt.data.columns import bits, view

    if not (store / LINEAGE_FILE).is_file():
        return None
    with pa.memory_map(str(store / LINEAGE_FILE)) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
    given = batch.column(2).dictionary.to_pylist()
    names = tuple(sorted(given))
    rank = np.array([names.index(name) for name in given] or [0], np.int32)
    prefix = "carried:"
    carried = {
        name.removeprefix(prefix): bits(column.buffers()[1], column.offset, batch.num_rows)
        for name, column in zip(batch.schema.names, batch.columns, strict=True) if name.startswith(prefix)
    }
    return Lineage(view(batch.column(0)), view(batch.column(1)), rank[view(batch.column(2).indices)], names, carried)


def read_summaries(store: Path) -> list[AugmentSummary]:
    """What each transformation function and generator made, sorted by name; empty where there is none."""
    path = store / SUMMARY_FILE
    if not path.is_file():
        return []
    return [AugmentSummary(**entry) for entry in json.loads(path.read_text("utf-8"))["sources"]]
