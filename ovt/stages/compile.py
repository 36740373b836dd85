"""The first stage: from files that people keep to columns, votes, gold, slices and tags."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.inline import DESTINATIONS, InlineLabels
from ovt.data.quarantine import BadRecord, Quarantine
from ovt.data.reader import RecordReader, read_tag_sets, split_of
from ovt.data.records import Record, RecordCodec
from ovt.data.store import Store
from ovt.data.store_writer import StoreWriter, ends_shard
from ovt.data.tags import TagTable, TagWriter
from ovt.errors import ProjectError
from ovt.schema.spec import SPLITS
from ovt.stages.augmentation import Augmentation
from ovt.storage.files import safe_name, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.progress import Progress
    from ovt.project import Project

STAGE = "compile"
STRICT_VARIABLE = "OVT_STRICT"
FOLDERS = {"votes": "build/votes", "dev": "build/gold/dev", "test": "build/gold/test"}


def run(
    project: Project, out: Path, progress: Progress, *, strict: bool = False, without: frozenset[str] = frozenset(),
) -> None:
    """Compile a project's data into `out` (see docs/architecture.md).

    Args:
        project: the project.
        out: an empty folder.
        progress: hears how far it is.
        strict: no bad record is allowed.
        without: transformation functions and generators that are left out, to measure what they are good for.

    Raises:
        ProjectError: there is no data, too many records are bad (see `Quarantine.judge`), or a transformation function
            or generator failed.
    """
    with scratch_folder(out, ".compile") as scratch:
        compilation = Compilation(project, out, progress, scratch, without)
        try:
            with _no_collection():
                compilation.read()
        finally:
            compilation.quarantine.save()
        compilation.judge(strict=strict or os.environ.get(STRICT_VARIABLE, "") not in {"", "0"})
        compilation.add_made()
        compilation.finish()
    _later_gold(project, out, progress, strict=strict)
    _slices(project, out, progress)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the search for cycles: records have none, and looking for them takes a fifth of the time."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _later_gold(project: Project, out: Path, progress: Progress, *, strict: bool) -> None:
    """Gold of dev and test that was given, or corrected, after the records were written."""
    from ovt.supervision.collection.corrected import add_later_gold

    store = Store.open(out / "build/store")
    strict = strict or os.environ.get(STRICT_VARIABLE, "") not in {"", "0"}
    count = add_later_gold(project, store, out / "build", progress, strict=strict)
    if count:
        progress.note(f"gold of {count:,} items of dev and test is from supervision/")


def _slices(project: Project, out: Path, progress: Progress) -> None:
    from ovt.slicing.membership import compute

    store = Store.open(out / "build/store")
    tags = TagTable.load(out / "build/tags.parquet")
    progress.update(STAGE, "slices")
    compute(project, store, tags, progress).save(out / "build/slices")


class Compilation:
    """The writers of one run, fed shard by shard."""

    def __init__(
        self, project: Project, out: Path, progress: Progress, scratch: Path, without: frozenset[str] = frozenset(),
    ) -> None:
        schema = project.schema
        self._project = project
        self._out = out
        self._progress = progress
        self._codec = RecordCodec(schema)
        self._tag_sets, bad_tags = read_tag_sets(project.root)
        self._reader = RecordReader(project.root, self._codec, self._tag_sets)
        if not self._reader.files:
            raise ProjectError("there is no data", at=str(project.folder("data")), why="no data/**/*.jsonl found",
                               fix="put records there, one JSON object per line", command="ovt init --data FILE")
        self._store = StoreWriter(out / "build/store", self._codec, scratch / "store")
        self._labels = {
            name: InlineLabels(schema, task, project.settings, scratch / f"task{number}")
            for number, (name, task) in enumerate(schema.tasks.items())
        }
        self._tags = TagWriter(out / "build/tags.parquet", self._tag_sets)
        self.augmentation = Augmentation(project, self._codec, self._tag_sets, scratch / "augment", progress, without)
        self.quarantine = Quarantine(project.private / "quarantine")
        for bad in bad_tags:
            self.quarantine.add(bad)
        self._hashed = 0
        self._made = 0
        self._split_counts = np.zeros(len(SPLITS), np.int64)

    def read(self) -> None:
        """Stream all files into the writers; bad records go to the quarantine."""
        self._reader.on_file = lambda name: self._progress.update(STAGE, f"reading {name}")
        for shard in self._shards():
            first_row = self._store.n
            splits = self._add(shard)
            if self.augmentation.active:
                self.augmentation.observe(shard, splits, first_row, self._store.shards[-1].digest)
            self._progress.update(STAGE, "reading records", self._reader.bytes_read, self._reader.bytes_total)

    def _shards(self) -> Iterator[list[Record]]:
        shard: list[Record] = []
        begin = 0
        for found in self._reader:
            if isinstance(found, BadRecord):
                self.quarantine.add(found)
                continue
            shard.append(found)
            if ends_shard(found.id or "", len(shard), self._reader.bytes_read - begin):
                yield shard
                shard, begin = [], self._reader.bytes_read
        if shard or not self._store.n:
            yield shard

    def add_made(self) -> None:
        """Add what transformation functions and generators made, after all real records."""
        if not self.augmentation.active:
            return
        for shard in self.augmentation.shards(self._reader.taken, ends_shard):
            self._made += len(shard)
            self.augmentation.place(self._store.n)
            self._add(shard)

    def _add(self, records: list[Record]) -> NDArray[np.int8]:
        splits = np.fromiter(map(split_of, records), np.int8, len(records))
        self._hashed += sum(record.tags.split is None for record in records)
        self._split_counts += np.bincount(splits, minlength=len(SPLITS))
        ids, lengths = self._store.add(records, splits)
        self._tags.add(ids, splits, np.fromiter((record.tags.number for record in records), np.int64, len(records)))
        whole = np.ones(len(records), np.int64)
        for name, labels in self._labels.items():
            field = self._codec.task_fields[name]
            payload = self._project.schema.tasks[name].payload
            labels.add([getattr(record.tasks, field) for record in records], splits, lengths.get(payload, whole))
        return splits

    def judge(self, *, strict: bool) -> None:
        """Stop if too many records are bad; otherwise say how many were set aside."""
        self.quarantine.judge(self._store.n, self._project.settings.errors.limit(), strict=strict)
        if not self._store.n:
            raise ProjectError("there are no records", at=str(self._project.folder("data")), why="every file is empty",
                               fix="put records there, one JSON object per line")

    def finish(self) -> None:
        """Write what is known only at the end, and say what the reader must know."""
        self._progress.update(STAGE, "writing the store")
        self._tags.close()
        self._store.finish({name: labels.classes() for name, labels in self._labels.items()
                            if self._project.schema.tasks[name].type != "select"})
        if self.augmentation.active:
            self.augmentation.save(self._out / "build/store")
        for name, labels in self._labels.items():
            labels.save({to: self._out / FOLDERS[to] / f"{safe_name(name)}.arrow" for to in DESTINATIONS})
        for note in self._notes():
            self._progress.note(note)

    def _notes(self) -> Iterator[str]:
        counts = " · ".join(f"{name} {count:,}" for name, count in zip(SPLITS, self._split_counts, strict=True))
        made = f" ({self._made:,} of them made)" if self._made else ""
        yield f"{_records(self._store.n)}: {counts}{made}"
        yield from self.augmentation.notes()
        if self._hashed:
            yield f"no split tag on {_records(self._hashed)}: split 80/10/10 by a stable hash of the id"
        if self._reader.made_ids:
            yield f"no id on {_records(self._reader.made_ids)}: named by a hash of the payloads"
        for payload, count in self._store.cut().items():
            limit = self._project.schema.payloads[payload].max_length
            yield f"`{payload}` of {_records(count)} was cut to max_length {limit}"
        if self.quarantine.count:
            bad = _records(self.quarantine.count, "bad ")
            yield f"set aside in .ovt/quarantine/: {bad}\n{self.quarantine.listing()}"


def _records(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}record{'' if count == 1 else 's'}"
