"""Labels from `supervision/*.jsonl`: rows `{"id", "task", "source", "label"}` become votes.

A later row of the same record, task and source replaces an earlier one, and a
`null` label takes it back. Files are read in the order of their paths. What is
wrong with a row is told by file and line, under the same limit as bad records.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.data.quarantine import BadRecord, Quarantine
from ovt.data.reader import jsonl_files, lines_of
from ovt.data.votes import Votes
from ovt.errors import ProjectError, nearest
from ovt.functions.answers import AnswerError, Form, Label, read_answer
from ovt.functions.voting import UNKNOWN, class_codes, none_label, with_silence
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.project import Project

CHUNK = 50_000
"""Rows whose records are looked up at once."""


class _Row(msgspec.Struct):
    id: str
    task: str
    source: str
    label: Any


@dataclass(frozen=True)
class _Line:
    """One row of one file, not yet checked."""

    file: str
    number: int
    text: bytes
    row: _Row | None
    """None: it could not be decoded; `flaw` says why."""
    flaw: str = ""


@dataclass(frozen=True)
class Outside:
    """What `supervision/` says about one task."""

    votes: Votes
    rows: NDArray[np.int64]
    """(r,) records that some source was given for, its last word being null or not."""
    sources: NDArray[np.int32]
    """(r,) that source, an index into `votes.names`."""


@dataclass
class _TaskRows:
    """Rows of one task as flat numbers, in the order of reading."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    sources: array[int] = field(default_factory=lambda: array("i"))
    items: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("i"))
    owners: array[int] = field(default_factory=lambda: array("q"))
    """Of each label: the index of its row in `rows`."""


def read_supervision(project: Project, store: Store, progress: Progress, *, strict: bool = False) -> dict[str, Outside]:
    """Everything in `supervision/`, per task.

    Rows of the gold source count on train records where `gold.train` allows it;
    gold of dev and test comes from the records alone, so such rows are left out
    and counted.

    Raises:
        ProjectError: too many rows are bad, one about a dev or test record is, or any is under `strict`.
    """
    files = jsonl_files(project.folder("supervision")) if project.folder("supervision").is_dir() else []
    reading = _Reading(project, store)
    for path in files:
        progress.update("label", f"reading {project.shown(path)}")
        with path.open("rb") as file:
            for chunk in _chunks(_lines(lines_of(file), project.shown(path))):
                reading.add(chunk)
    reading.close(progress, strict=strict)
    return {task: _finished(store, task, rows, reading.names, project) for task, rows in reading.tasks.items()}


def _lines(lines: Iterator[tuple[int, bytes]], name: str) -> Iterator[_Line]:
    decode = msgspec.json.Decoder(_Row).decode
    for number, text in lines:
        if not text.strip():
            continue
        try:
            yield _Line(name, number, text, decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield _Line(name, number, text, None, str(error))


def _chunks(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    chunk: list[_Line] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class _Reading:
    """Checks rows and collects them by task."""

    def __init__(self, project: Project, store: Store) -> None:
        self._gold = project.settings.gold
        self._limit = project.settings.errors.limit()
        self._store = store
        self._forms = {task: Form.of(store.schema, task) for task in store.schema.tasks}
        self._codes: dict[str, dict[Label, int]] = {task: {} for task in store.schema.tasks}
        self._quarantine = Quarantine(project.private / "quarantine" / "supervision")
        self._good = 0
        self._gold_held_out = 0
        self.tasks: dict[str, _TaskRows] = {}
        self.names: dict[str, int] = {}
        """Sources, in order of appearance."""

    def add(self, lines: list[_Line]) -> None:
        """Take a chunk of lines."""
        rows = self._store.rows_of([line.row.id if line.row else "" for line in lines])
        for line, row in zip(lines, rows.tolist(), strict=True):
            try:
                self._take(line, row)
            except AnswerError as error:
                self._set_aside(line, row, error)

    def _take(self, line: _Line, row: int) -> None:
        found = line.row
        if found is None:
            raise AnswerError(line.flaw)
        if row < 0:
            raise AnswerError(f"no record has the id {found.id!r}")
        if found.task not in self._forms:
            raise AnswerError(f"unknown task {found.task!r}: {nearest(found.task, self._forms)}")
        if not found.source:
            raise AnswerError("the source has no name")
        if found.source == self._gold.source and not self._gold_counts(row):
            self._good += 1
            return
        answer = [(position, self._code(found.task, label)) for position, label in self._answer(found, row)]
        self._good += 1
        self._keep(found, row, answer)

    def _gold_counts(self, row: int) -> bool:
        held_out = SPLITS[self._store.splits[row]] != "train"
        self._gold_held_out += held_out
        return self._gold.train and not held_out

    def _answer(self, found: _Row, row: int) -> list[tuple[int, Label]]:
        form, store = self._forms[found.task], self._store
        payload = store.schema.payloads[store.schema.tasks[found.task].payload]
        offsets = store.candidates(found.task) if form.type == "select" else store.item_offsets(found.task)
        length = 1 if offsets is None else int(offsets[row + 1] - offsets[row])
        cut = offsets is not None and length == payload.max_length
        label = _cut(found.label, length) if cut else found.label
        return read_answer(form, label, length, lambda: [member.id for member in store.record(row)[payload.name] or ()])

    def _code(self, task: str, label: Label) -> int:
        known = self._codes[task]
        if label not in known:
            known[label] = int(class_codes(self._store.classes.get(task), [label])[0])
            if known[label] == UNKNOWN:
                del known[label]
                raise AnswerError(f"unknown class {label!r}: {nearest(str(label), self._store.classes[task])}")
        return known[label]

    def _keep(self, found: _Row, row: int, answer: list[tuple[int, int]]) -> None:
        kept = self.tasks.setdefault(found.task, _TaskRows())
        offsets = self._store.item_offsets(found.task)
        first = row if offsets is None else int(offsets[row])
        for position, code in answer:
            kept.items.append(first + position)
            kept.labels.append(code)
            kept.owners.append(len(kept.rows))
        kept.rows.append(row)
        kept.sources.append(self.names.setdefault(found.source, len(self.names)))

    def _set_aside(self, line: _Line, row: int, error: AnswerError) -> None:
        split = SPLITS[self._store.splits[row]] if row >= 0 else None
        text = line.text.decode("utf-8", "backslashreplace").rstrip("\r\n")
        fix = 'e.g. {"id": "q-17", "task": "Intent", "source": "crowd", "label": "height"}'
        self._quarantine.add(
            BadRecord(line.file, line.number, "", str(error), fix, split, line.row.id if line.row else None, text))

    def close(self, progress: Progress, *, strict: bool) -> None:
        """Judge the bad rows and say what was left out."""
        self._quarantine.save()
        try:
            self._quarantine.judge(self._good, self._limit, strict=strict)
        except ProjectError as error:
            error.command = "ovt run label"
            raise
        if self._quarantine.count:
            progress.note(f"{self._quarantine.count:,} bad rows of supervision/ set aside in .ovt/quarantine/:\n"
                          f"{self._quarantine.listing()}")
        if self._gold_held_out:
            progress.note(f"{self._gold_held_out:,} rows of `{self._gold.source}` in supervision/ are about records of "
                          "dev or test and were left out: gold of dev and test is kept with the records in data/")


def _cut(label: Any, length: int) -> Any:
    """A label as long as the record was written, for a record that `max_length` has cut."""
    if isinstance(label, list) and len(label) > length:
        return label[:length]
    if isinstance(label, dict):
        return {key: inner for key, inner in label.items() if not (key.isdecimal() and int(key) >= length)}
    if isinstance(label, int) and not isinstance(label, bool) and label >= length:
        return None
    return label


def _finished(store: Store, task: str, kept: _TaskRows, names: dict[str, int], project: Project) -> Outside:
    """The last word of each source on each record."""
    rows, sources = np.asarray(kept.rows, np.int64), np.asarray(kept.sources, np.int32)
    pairs = rows * len(names) + sources
    _, backwards = np.unique(pairs[::-1], return_index=True)
    last = np.zeros(len(rows), bool)
    last[len(rows) - 1 - backwards] = True
    owners = np.asarray(kept.owners, np.int64)
    counts = last[owners]
    items, labels = np.asarray(kept.items, np.int64)[counts], np.asarray(kept.labels, np.int32)[counts]
    voted_by = sources[owners[counts]]
    used = sorted(name for name, number in names.items() if (sources == number).any())
    parts = []
    for name in used:
        own = voted_by == names[name]
        silent = none_label(store, task) if project.settings.source(name).silence == "vote" else None
        own_items, own_labels = with_silence(store, task, items[own], labels[own], silent)
        alone = np.zeros(len(own_items), np.int32)
        parts.append(Votes.build(own_items, alone, own_labels, (name,), store.n_items(task)))
    rank = np.full(len(names), -1, np.int32)
    rank[[names[name] for name in used]] = np.arange(len(used))
    return Outside(Votes.concat(parts, store.n_items(task)), rows[last], rank[sources[last]])


