"""Which records are in which slice: computed from functions and tags, kept as `build/slices`.

`membership.arrow` has one boolean column per slice, `slices.json` the slices'
names and the digest of their definitions. Both are sorted by name; the same
functions on the same records give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.columns import bits
from ovt.functions.apply import apply_functions
from ovt.functions.declarative import TAG
from ovt.functions.discover import Function, discover
from ovt.storage.files import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.tags import TagTable
    from ovt.progress import Progress
    from ovt.project import Project

MEMBERSHIP_FILE = "membership.arrow"
SLICES_FILE = "slices.json"


@dataclass(frozen=True)
class Membership:
    """Who is in which slice."""

    names: tuple[str, ...]
    """Slices, sorted."""
    definitions: tuple[str, ...]
    """A digest of what defines each slice, in the order of the names; two equal digests are the same slice."""
    matrix: NDArray[np.bool_]
    """(n, slices), column by column in memory."""

    def column(self, name: str) -> NDArray[np.bool_]:
        """(n,) membership of one slice."""
        return self.matrix[:, self.names.index(name)]

    def save(self, folder: Path) -> None:
        """Write `membership.arrow` and `slices.json`."""
        import pyarrow as pa

        folder.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([pa.field(name, pa.bool_(), nullable=False) for name in self.names])
        columns = [pa.array(self.matrix[:, index]) for index in range(len(self.names))]
        with pa.OSFile(str(folder / MEMBERSHIP_FILE), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            if columns:
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
        described = zip(self.names, self.definitions, strict=True)
        write_json(folder / SLICES_FILE, [{"name": name, "definition": digest} for name, digest in described])

    @classmethod
    def load(cls, folder: Path, n: int) -> Membership:
        """Read what `save` wrote for `n` records."""
        import json

        import pyarrow as pa

        described = json.loads((folder / SLICES_FILE).read_text(encoding="utf-8"))
        matrix = np.zeros((n, len(described)), bool, order="F")
        if described:
            with pa.memory_map(str(folder / MEMBERSHIP_FILE)) as source:
                batch = pa.ipc.open_file(source).get_batch(0)
                for index in range(len(described)):
                    column = batch.column(index)
                    matrix[:, index] = bits(column.buffers()[1], column.offset, n)
        names = tuple(entry["name"] for entry in described)
        return cls(names, tuple(entry["definition"] for entry in described), matrix)


def compute(project: Project, store: Store, tags: TagTable, progress: Progress) -> Membership:
    """Run every slicing function (those already run on a shard come from the cache).

    A slice that several functions define is their union.

    Args:
        project: whose `slices/` (and YAML slices in `labelers/`) are read.
        store: the records.
        tags: of the records.
        progress: hears how many passes were run.

    Raises:
        ProjectError: a function cannot be loaded, or failed on records.
    """
    functions = discover(project, "slicing")
    tagged = [function for function in functions if TAG in function.settings]
    computed = [function for function in functions if TAG not in function.settings]
    defining: dict[str, list[Function]] = defaultdict(list)
    for function in functions:
        defining[function.slice or function.name].append(function)
    names = tuple(sorted(defining))
    matrix = np.zeros((store.n, len(names)), bool, order="F")
    for function in tagged:
        matrix[:, names.index(function.slice or function.name)] |= tags.mask(function.settings[TAG])
    applied = apply_functions(project, store, computed, progress, tags=tags)
    for function in computed:
        matrix[applied.answers[function.name].items, names.index(function.slice or function.name)] = True
    for name in (name for number, name in enumerate(names) if not matrix[:, number].any()):
        progress.note(f"slice `{name}` has no records ({', '.join(function.at for function in defining[name])})")
    return Membership(names, tuple(_definition(defining[name]) for name in names), matrix)


def _definition(functions: Sequence[Function]) -> str:
    joined = "\n".join(sorted(function.body for function in functions))
    return hashlib.sha256(joined.encode()).hexdigest()
