"""Trying a transformation function or generator: what it would make, beside what it was made from. Nothing is written.

Records are read from `data/` itself, since a function that fails leaves no row
store to read them from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.data.records import Record
    from ovt.functions.augmentation.augment_cache import Made
    from ovt.functions.augmentation.augmenters import Augmenter
    from ovt.functions.augmentation.children import Nursery
    from ovt.functions.failures import Failure
    from ovt.progress import Progress
    from ovt.project import Project

SCANNED = 20_000
"""Train records that a sample is drawn from."""


@dataclass(frozen=True)
class TriedRecord:
    """One record that would be made, or why not."""

    parent: str | None
    """Id of the record that it is made from; None: a generator's."""
    id: str
    """The id it would have; empty where nothing was made."""
    before: dict[str, Any]
    """Payloads of the parent that differ; tokens are left out beside the text that spells them."""
    after: dict[str, Any]
    """The same payloads of the new record; all of them for a generator's."""
    labels: dict[str, dict[str, Any]]
    """Per task: source → label, as they would stand in the record."""
    carried: tuple[str, ...]
    """Tasks on which what `supervision/` says about the parent would hold too."""
    problem: str | None = None
    at: str | None = None
    """The line where it failed."""
    fix: str | None = None


@dataclass(frozen=True)
class AugmentTrial:
    """What a function makes of a sample."""

    source: str
    kind: str
    at: str
    parents: int
    """Records that it was called with."""
    records: tuple[TriedRecord, ...]


def try_augmenter(
    project: Project, source: str, progress: Progress, *, record: str | None = None, sample: int = 10,
) -> AugmentTrial | None:
    """Try a transformation function or generator; None if the project has none of that name.

    Args:
        project: whose `data/` is read.
        source: its name.
        progress: hears what it printed.
        record: id of the one record it is tried on, whether its options would choose it or not.
        sample: how many parents (of a generator: records) are tried, in an order that is random but always the same.

    Raises:
        UsageError: no such record, or it is not in train.
        ProjectError: the functions of the project cannot be loaded.
    """
    from ovt.functions.augmentation.augmenters import discover_augmenters

    found = next((one for one in discover_augmenters(project) if one.name == source), None)
    if found is None:
        return None
    trial = _Trial(project, found)
    if found.has_parents:
        parents = _parents(project, trial, record, sample)
        records = [tried for parent in parents for tried in trial.transformed(parent, progress)]
        return AugmentTrial(source, "transformation", found.function.at, len(parents), tuple(records))
    return AugmentTrial(source, "generator", found.function.at, 0, tuple(trial.generated(progress, sample)))


class _Trial:
    def __init__(self, project: Project, augmenter: Augmenter) -> None:
        from ovt.data.records import RecordCodec
        from ovt.functions.augmentation.children import Nursery
        from ovt.functions.processes.running import limits_of

        self.codec = RecordCodec(project.schema)
        self.augmenter = augmenter
        self.nursery: Nursery = Nursery(self.codec)
        self._payloads = self.codec.schema.payloads
        self.limits = limits_of(project)

    def transformed(self, parent: Record, progress: Progress) -> list[TriedRecord]:
        from ovt.data.held import HeldRows
        from ovt.data.view import RecordView
        from ovt.functions.augmentation.augment import augment

        rows = HeldRows(self.codec, [parent], [["train", *parent.tags.names]])
        made, failure = augment(self.augmenter, [(0, RecordView(rows, 0))], self._payloads, progress, self.limits)
        if failure is not None:
            return [_failed(parent.id, failure)]
        return [self._tried(one, parent) for one in made]

    def generated(self, progress: Progress, sample: int) -> list[TriedRecord]:
        from ovt.functions.augmentation.augment import generate

        found: list[TriedRecord] = []
        for made, failure, _ in generate(self.augmenter, self._payloads, progress, self.limits, sample):
            found += [self._tried(one, None) for one in made]
            if failure is not None:
                found.append(_failed(None, failure))
        return found

    def _tried(self, made: Made, parent: Record | None) -> TriedRecord:
        from ovt.data.records import Flaw

        origin = "" if parent is None else f"{parent.id}~"
        identity = f"{origin}{self.augmenter.name}~{made.number}"
        known = None if parent is None else parent.id
        try:
            child = self.nursery.child(self.augmenter, made, parent, identity, ["train"])
        except Flaw as flaw:
            where = f"{flaw.path}: " if flaw.path else ""
            return TriedRecord(known, "", {}, {}, {}, (), f"{where}{flaw.why}", self.augmenter.function.at, flaw.fix)
        before = {} if parent is None else self._plain(parent)
        after = self._plain(child.record)
        differ = {name for name, value in after.items() if before.get(name) != value}
        differ = {name for name in after if name in differ and self._text_of(name) not in differ}
        return TriedRecord(
            known, identity, {name: before[name] for name in after if name in differ and name in before},
            {name: value for name, value in after.items() if name in differ}, self._labels(child.record), child.carried,
        )

    def _text_of(self, payload: str) -> str | None:
        """The text that tells the same as a sequence."""
        schema = self.codec.schema
        return schema.text_source(payload) if schema.payloads[payload].type == "sequence" else None

    def _plain(self, record: Record) -> dict[str, Any]:
        import msgspec

        found: dict[str, Any] = msgspec.to_builtins(record.payloads)
        return {name: value for name, value in found.items() if value is not None}

    def _labels(self, record: Record) -> dict[str, dict[str, Any]]:
        fields = self.codec.task_fields
        return {task: dict(said) for task, field in fields.items() if (said := getattr(record.tasks, field))}


def _parents(project: Project, trial: _Trial, wanted: str | None, sample: int) -> list[Record]:
    """The record asked for, or a sample of those that the options choose."""
    from ovt.data.held import HeldRows
    from ovt.functions.augmentation.augment import choose
    from ovt.functions.augmentation.augmenters import number_of

    train = _train_records(project, trial, wanted)
    if wanted is not None:
        found = [record for record in train if record.id == wanted]
        if not found:
            raise UsageError(f"no train record `{wanted}`", why="records are made from train records alone",
                             command=f"ovt label --source {trial.augmenter.name} --sample 5")
        return found[:1]
    records = list(islice(train, SCANNED))
    names = [["train", *record.tags.names] for record in records]
    rows = HeldRows(trial.codec, records, names)
    keep = choose(trial.augmenter, list(rows), names, trial.limits).tolist()
    chosen = [record for record, kept in zip(records, keep, strict=True) if kept]
    return sorted(chosen, key=lambda record: number_of("sample", record.id or ""))[:sample]


def _train_records(project: Project, trial: _Trial, wanted: str | None) -> Any:
    from ovt.data.quarantine import BadRecord
    from ovt.data.reader import RecordReader, read_tag_sets, split_of

    reader = RecordReader(project.root, trial.codec, read_tag_sets(project.root)[0])
    for record in reader:
        if not isinstance(record, BadRecord) and split_of(record) == 0 and wanted in {None, record.id}:
            yield record


def _failed(parent: str | None, failure: Failure) -> TriedRecord:
    return TriedRecord(parent, "", {}, {}, {}, (), failure.why, failure.at, failure.fix)
