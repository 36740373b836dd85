"""New train records inside the compile stage, made while real records stream by and added after them.

What functions make of a shard is completed, checked and spooled. When all real
records are known, what equals one of them (or one made before) is dropped, and
the rest becomes records like any other: shards of their own after the real
ones, function by function, so that votes cached for the others stay valid when
a function is added.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.held import HeldRows
from ovt.data.lineage import TAG, AugmentSummary, LineageWriter
from ovt.data.records import Flaw
from ovt.data.view import RecordView
from ovt.functions.augmentation.augment import augment, choose, counted, generate
from ovt.functions.augmentation.augment_cache import AugmentCache, Made
from ovt.functions.augmentation.augmenters import discover_augmenters, refuse_unknown
from ovt.functions.augmentation.children import Nursery
from ovt.functions.closure import digest_of
from ovt.functions.failures import Failure, raise_failures
from ovt.functions.processes.running import limits_of
from ovt.schema.spec import SPLITS
from ovt.stages.spool import Spool, kept_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.records import Record, RecordCodec
    from ovt.data.tags import TagSets
    from ovt.functions.augmentation.children import Child
    from ovt.progress import Progress
    from ovt.project import Project

STAGE = "compile"
TRAIN = SPLITS.index("train")
NO_PARENT = -1


class Augmentation:
    """The transformation functions and generators of one compilation."""

    def __init__(
        self, project: Project, codec: RecordCodec, tag_sets: TagSets, scratch: Path, progress: Progress,
        without: frozenset[str] = frozenset(),
    ) -> None:
        found = [augmenter for augmenter in discover_augmenters(project) if augmenter.name not in without]
        self.active = bool(found)
        """Whether there is any; without one, nothing is written and nothing is remembered."""
        self._codec = codec
        self._tag_sets = tag_sets
        self._progress = progress
        scratch.mkdir()
        self._spools = [Spool(augmenter, scratch / f"made{number}") for number, augmenter in enumerate(found)]
        self._nursery = Nursery(codec)
        self._cache = AugmentCache(project.cache)
        self._limits = limits_of(project)
        self._train_keys = array("Q")
        self._held_out_keys = array("Q")
        self._origins: list[tuple[int, str, tuple[str, ...]]] = []
        self._lineage = LineageWriter(list(codec.schema.tasks))

    def observe(self, records: list[Record], splits: NDArray[np.int8], first_row: int, digest: str) -> None:
        """Take a shard of real records: remember what they say, and make new ones of those in train."""
        for record, split in zip(records, splits.tolist(), strict=True):
            if split == TRAIN:
                self._train_keys.append(self._nursery.key(record))
            else:
                self._held_out_keys.append(self._nursery.leak_key(record))
        train = np.flatnonzero(splits == TRAIN)
        for spool in self._spools:
            if spool.augmenter.has_parents and len(train):
                self._progress.update(STAGE, f"transformation function {spool.augmenter.name}")
                found = [records[at] for at in train.tolist()]
                self._transform(spool, found, first_row + train, [digest, str(train.tolist())])

    def _transform(self, spool: Spool, records: list[Record], rows: NDArray[np.int64], shard: list[str]) -> None:
        """Make what one function makes of the train records of a shard; `shard` tells which they are."""
        augmenter = spool.augmenter
        names = [["train", *record.tags.names] for record in records]
        held = HeldRows(self._codec, records, names if augmenter.reads_tags else None)
        chosen = np.flatnonzero(choose(augmenter, list(held), names, self._limits)).tolist()
        spool.summary.parents += len(chosen)
        if not chosen:
            return
        tags = digest_of("\0".join(found) for found in names) if augmenter.reads_tags else ""
        place = self._cache.place(augmenter, *shard, str(chosen), tags)
        found = self._cache.read(place)
        if found is None:
            parents = [(at, RecordView(held, at)) for at in chosen]
            made, failure = augment(augmenter, parents, self._codec.schema.payloads, self._progress, self._limits)
            _note_failure(spool, failure)
            if failure is None:
                self._cache.write(place, made, last=True)
        else:
            made = found.made
        self._spool(spool, [(one, int(rows[one.parent]), records[one.parent]) for one in made])

    def _generate(self, spool: Spool) -> None:
        augmenter, payloads = spool.augmenter, self._codec.schema.payloads
        places = [self._cache.place(augmenter, "0")]
        kept = [self._cache.read(places[0])]
        while kept[-1] is not None and not kept[-1].last:
            places.append(self._cache.place(augmenter, str(len(places))))
            kept.append(self._cache.read(places[-1]))
        if kept[-1] is not None:
            for chunk in kept:
                self._spool(spool, [(one, NO_PARENT, None) for one in (chunk.made if chunk else [])])
            return
        for number, (made, failure, last) in enumerate(generate(augmenter, payloads, self._progress, self._limits)):
            _note_failure(spool, failure)
            if failure is None:
                self._cache.write(self._cache.place(augmenter, str(number)), made, last=last)
            self._spool(spool, [(one, NO_PARENT, None) for one in made])

    def _spool(self, spool: Spool, made: list[tuple[Made, int, Record | None]]) -> None:
        spool.add([(row, child) for one, row, parent in made if (child := self._child(spool, one, parent)) is not None])

    def _child(self, spool: Spool, made: Made, parent: Record | None) -> Child | None:
        augmenter = spool.augmenter
        origin = "" if parent is None else f"{parent.id}~"
        inherited = () if parent is None else parent.tags.names
        tags = sorted({*inherited, *made.tags, f"{TAG}{augmenter.name}"} - set(SPLITS))
        try:
            return self._nursery.child(
                augmenter, made, parent, f"{origin}{augmenter.name}~{made.number}", ["train", *tags])
        except Flaw as flaw:
            where = f"{flaw.path}: " if flaw.path else ""
            named = parent.id or "" if parent is not None else f"record {made.number}"
            at = augmenter.function.at
            _note_failure(spool, Failure(augmenter.function, 1, named, f"{where}{flaw.why}", at, flaw.fix))
            return None

    def shards(self, taken: Callable[[str], bool], ends: Callable[[str, int, int], bool]) -> Iterator[list[Record]]:
        """Run the generators, tell every failure, and give out what is kept, shard by shard.

        Args:
            taken: whether a record of the data has an id.
            ends: whether a shard of so many records and bytes ends with a record (see `ends_shard`).

        Raises:
            ProjectError: a function failed, or names what the project does not have.
        """
        known = {name for found in self._tag_sets.combinations for name in found.names}
        for spool in self._spools:
            refuse_unknown(spool.augmenter, known)
            if not spool.augmenter.has_parents:
                self._progress.update(STAGE, f"generator {spool.augmenter.name}")
                self._generate(spool)
        failures = [spool.failure for spool in self._spools if spool.failure is not None]
        raise_failures(failures, len(self._train_keys), self._progress)
        kept = kept_of(self._spools, np.asarray(self._train_keys, np.uint64),
                       np.asarray(self._held_out_keys, np.uint64))
        for spool, keep in zip(self._spools, kept, strict=True):
            yield from self._replay(spool, keep, taken, ends)

    def _replay(
        self, spool: Spool, kept: NDArray[np.bool_], taken: Callable[[str], bool],
        ends: Callable[[str, int, int], bool],
    ) -> Iterator[list[Record]]:
        shard: list[Record] = []
        size = 0
        for spooled in (one for one, keep in zip(spool, kept.tolist(), strict=True) if keep):
            record = self._nursery.read(bytes(spooled.record))
            identity = record.id or ""
            if taken(identity):
                spool.summary.collisions += 1
                continue
            record.tags = self._tag_sets.of_made(identity, record.tags)
            shard.append(record)
            size += len(bytes(spooled.record))
            self._origins.append((spooled.parent, spool.augmenter.name, tuple(spooled.carried)))
            spool.summary.kept += 1
            if ends(identity, len(shard), size):
                yield shard
                shard, size = [], 0
        if shard:
            yield shard

    def place(self, first_row: int) -> None:
        """Say where the shard that was given out last begins in the store."""
        for row, (parent, source, carried) in enumerate(self._origins, first_row):
            self._lineage.add(row, parent, source, carried)
        self._origins = []

    def save(self, store: Path) -> None:
        """Write the lineage beside the store."""
        self._lineage.save(store, [spool.summary for spool in self._spools])

    def notes(self) -> Iterator[str]:
        """What each function made, in a line."""
        for spool in self._spools:
            yield told(spool.summary)


def _note_failure(spool: Spool, failure: Failure | None) -> None:
    if failure is not None:
        spool.failure = counted(spool.failure, failure)


def told(summary: AugmentSummary) -> str:
    """One line on what a function made."""
    dropped = {
        "with the text of dev or test": summary.held_out, "the same as other records": summary.duplicates,
        "beyond max_records": summary.surplus, "with the id of a record": summary.collisions,
    }
    reasons = " · ".join(f"{count:,} {why}" for why, count in dropped.items() if count)
    origin = f" from {summary.parents:,} parents" if summary.kind == "transformation" else ""
    return f"`{summary.name}` made {summary.kept:,} train records{origin}{f'; dropped: {reasons}' if reasons else ''}"
