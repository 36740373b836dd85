"""Labels from `supervision/`: rows are checked against schema and records, and become votes, corrections or gold.

A later row of the same record, task and source replaces an earlier one, a
`null` label or `retracted` takes it back, and a row with a `position` does so
for that token or member alone. Files are read in the order of their paths, in
chunks; what is kept of a row is some forty bytes. What is wrong with a row is
told by file and line, under the same limit as bad records.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ovt.data.quarantine import BadRecord, Quarantine
from ovt.errors import ProjectError, nearest
from ovt.functions.answers import AnswerError, Form, Label, read_answer
from ovt.functions.voting import UNKNOWN, class_codes
from ovt.project import CORRECTIONS, GOLD
from ovt.schema.spec import SPLITS
from ovt.supervision.collection.rows import Line, Row, chunks, read_lines, supervision_files
from ovt.supervision.collection.statements import Outside, Statements, last_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.project import Project

Purpose = Literal["votes", "gold", "corrections"]
"""What rows are read for: opinions on any record; the truth of dev and test; corrected targets of train."""
_UNSURE = float("nan")
EXAMPLE = 'e.g. {"id": "q-17", "task": "Intent", "source": "crowd", "label": "height"}'
__all__ = ["Outside", "read_corrections", "read_gold", "read_supervision"]


def read_supervision(project: Project, store: Store, progress: Progress, *, strict: bool = False) -> dict[str, Outside]:
    """The votes in `supervision/`, per task; corrections and gold of dev and test are not among them.

    Rows of the gold source count on train records where `gold.train` allows it.

    Raises:
        ProjectError: too many rows are bad, one about a dev or test record is, or any is under `strict`.
    """
    corrections = project.root / CORRECTIONS
    files = [path for path in supervision_files(project.folder("supervision")) if path != corrections]
    reading = Reading(project, store, "votes")
    reading.read(files, progress)
    reading.close(progress, strict=strict)
    return {task: last_words(store, task, said, project.settings) for task, said in reading.tasks.items()}


def read_corrections(project: Project, store: Store, progress: Progress, *, strict: bool = False) -> dict[str, Outside]:
    """What people corrected on train records, per task: whoever spoke last, under the gold source's name.

    Raises:
        ProjectError: as for `read_supervision`.
    """
    return _of_files(project, store, progress, "corrections", (CORRECTIONS,), strict=strict)


def read_gold(project: Project, store: Store, progress: Progress, *, strict: bool = False) -> dict[str, Outside]:
    """Gold of dev and test records from `supervision/gold.jsonl` and, before it counts, from corrections, per task.

    Raises:
        ProjectError: as for `read_supervision`.
    """
    return _of_files(project, store, progress, "gold", (GOLD, CORRECTIONS), strict=strict)


def _of_files(
    project: Project, store: Store, progress: Progress, purpose: Purpose, names: Sequence[str], *, strict: bool,
) -> dict[str, Outside]:
    reading = Reading(project, store, purpose)
    reading.read([path for name in names if (path := project.root / name).is_file()], progress)
    reading.close(progress, strict=strict)
    return {task: last_words(store, task, said, project.settings) for task, said in reading.tasks.items()}


class Reading:
    """Checks rows and collects them by task."""

    def __init__(self, project: Project, store: Store, purpose: Purpose) -> None:
        self._project = project
        self._purpose = purpose
        self._gold = project.settings.gold
        self._store = store
        self._train = (store.splits == SPLITS.index("train"))
        self._forms = {task: Form.of(store.schema, task) for task in store.schema.tasks}
        self._codes: dict[str, dict[Label, int]] = {task: {} for task in store.schema.tasks}
        self._good = 0
        self._gold_held_out = 0
        self._names: dict[str, int] = {}
        self._numbers: dict[tuple[str, str | int | None], int] = {}
        self._pending: dict[str, tuple[list[int], list[int], list[int], list[float]]] = {}
        self.tasks: dict[str, Statements] = {}

    @cached_property
    def _quarantine(self) -> Quarantine:
        """Made when rows are read: it empties the folder of the last run."""
        return Quarantine(self._project.private / "quarantine" / _folder(self._purpose))

    def read(self, files: Sequence[Path], progress: Progress) -> None:
        """Take all rows of some files."""
        for path in files:
            name = self._project.shown(path)
            progress.update("label", f"reading {name}")
            for chunk in chunks(read_lines(path, name)):
                self.add(chunk)

    def add(self, lines: Sequence[Line]) -> None:
        """Take a chunk of rows."""
        rows = self._store.rows_of([line.row.id if line.row else "" for line in lines]).tolist()
        for line, row in zip(lines, rows, strict=True):
            if self._plain(line.row, row):
                continue
            self._flush()
            try:
                self._take(line, row)
            except AnswerError as error:
                self._set_aside(line, row, error)
        self._flush()

    def _plain(self, found: Row | None, row: int) -> bool:
        """Take the commonest kind of row in few steps: one known class of a whole record. False: it is another kind."""
        if found is None or row < 0 or found.position is not None or found.retracted or found.correction:
            return False
        codes = self._plain_codes.get(found.task)
        code = codes.get(found.label) if codes is not None and type(found.label) is str else None
        sure = found.confidence
        if code is None or (sure is not None and not 0 <= sure <= 1):
            return False
        who = (found.source, found.worker)
        number = self._numbers.get(who)
        if number is None:
            if not found.source or found.source == self._gold.source:
                return False
            number = self._numbers[who] = self._names.setdefault(found.name, len(self._names))
        rows, sources, labels, confidences = self._pending.setdefault(found.task, ([], [], [], []))
        rows.append(row)
        sources.append(number)
        labels.append(code)
        confidences.append(_UNSURE if sure is None else sure)
        return True

    def _flush(self) -> None:
        """Append the plain rows that were kept back: the order of statements decides which is the last."""
        for task, columns in self._pending.items():
            self._said(task).add_plain(*columns)
            self._good += len(columns[0])
        self._pending.clear()

    @cached_property
    def _plain_codes(self) -> dict[str, dict[str, int]]:
        """Class → number, of the tasks whose rows may be plain."""
        if self._purpose != "votes":
            return {}
        return {
            task: {name: code for code, name in enumerate(self._store.classes[task])}
            for task, form in self._forms.items() if (form.type, form.granularity) == ("multiclass", "record")
        }

    def _said(self, task: str) -> Statements:
        if task not in self.tasks:
            self.tasks[task] = Statements(self._names, self._store.item_offsets(task))
        return self.tasks[task]

    def problems(self, lines: Sequence[Line]) -> list[str | None]:
        """For each row why it cannot be used, None if it can; none is taken."""
        rows = self._store.rows_of([line.row.id if line.row else "" for line in lines]).tolist()
        return [self._problem(line, row) for line, row in zip(lines, rows, strict=True)]

    def _problem(self, line: Line, row: int) -> str | None:
        try:
            self._answer(self._checked(line, row), row)
        except AnswerError as error:
            return str(error)
        return None

    def _take(self, line: Line, row: int) -> None:
        found = self._checked(line, row)
        if not self._wanted(found, row, line.file):
            self._good += 1
            return
        answer = self._answer(found, row)
        self._good += 1
        source = found.name if self._purpose == "votes" else self._gold.source
        self._said(found.task).add(row, source, found, answer)

    def _checked(self, line: Line, row: int) -> Row:
        found = line.row
        if found is None:
            raise AnswerError(line.flaw)
        if row < 0:
            raise AnswerError(f"no record has the id {found.id!r}")
        if found.task not in self._forms:
            raise AnswerError(f"unknown task {found.task!r}: {nearest(found.task, self._forms)}")
        if not found.source:
            raise AnswerError("the source has no name")
        if found.confidence is not None and not 0 <= found.confidence <= 1:
            raise AnswerError(f"confidence {found.confidence:g} is not between 0 and 1")
        if found.correction and line.file != CORRECTIONS:
            raise AnswerError(f"a correction counts in {CORRECTIONS} alone")
        return found

    def _wanted(self, found: Row, row: int, file: str) -> bool:
        """Whether a row is what is being read for."""
        train = bool(self._train[row])
        if self._purpose == "corrections":
            return train
        is_gold = found.source == self._gold.source
        if self._purpose == "gold":
            return not train and (is_gold or file == CORRECTIONS)
        if not is_gold:
            return True
        self._gold_held_out += not train and file != GOLD
        return train and self._gold.train

    def _answer(self, found: Row, row: int) -> list[tuple[int, int]]:
        """(position, class number) of each label of a row."""
        if found.retracted or found.label is None:
            self._checked_position(found, self._length(found.task, row)[0])
            return []
        if found.label is msgspec.UNSET:
            raise AnswerError("missing required field `label`")
        return [(position, self._code(found.task, label)) for position, label in self._read(found, row)]

    def _read(self, found: Row, row: int) -> list[tuple[int, Label]]:
        form, store = self._forms[found.task], self._store
        length, limit = self._length(found.task, row)
        label = found.label
        if found.position is not None:
            self._checked_position(found, length)
            label = {found.position: label} if form.granularity != "record" and form.type != "select" else label
        elif length == limit:
            label = _cut(label, length)
        payload = store.schema.tasks[found.task].payload
        return read_answer(form, label, length, lambda: [member.id for member in store.record(row)[payload] or ()])

    def _length(self, task: str, row: int) -> tuple[int, int | None]:
        """Items (of select: candidates) of a record, and the most that the store keeps."""
        store = self._store
        offsets = store.candidates(task) if self._forms[task].type == "select" else store.item_offsets(task)
        if offsets is None:
            return 1, None
        return int(offsets[row + 1] - offsets[row]), store.schema.payloads[store.schema.tasks[task].payload].max_length

    def _checked_position(self, found: Row, length: int) -> None:
        if found.position is None:
            return
        form = self._forms[found.task]
        most = 1 if form.granularity == "record" or form.type == "select" else length
        if not 0 <= found.position < most:
            raise AnswerError(f"position {found.position} is outside of the {most} item{'s' if most != 1 else ''}")

    def _code(self, task: str, label: Label) -> int:
        known = self._codes[task]
        if label not in known:
            known[label] = int(class_codes(self._store.classes.get(task), [label])[0])
            if known[label] == UNKNOWN:
                del known[label]
                raise AnswerError(f"unknown class {label!r}: {nearest(str(label), self._store.classes[task])}")
        return known[label]

    def _set_aside(self, line: Line, row: int, error: AnswerError) -> None:
        split = SPLITS[self._store.splits[row]] if row >= 0 else None
        record = line.row.id if line.row else None
        self._quarantine.add(BadRecord(line.file, line.number, "", str(error), EXAMPLE, split, record, line.shown))

    def close(self, progress: Progress, *, strict: bool) -> None:
        """Judge the bad rows and say what was left out.

        Raises:
            ProjectError: see `read_supervision`.
        """
        self._quarantine.save()
        try:
            self._quarantine.judge(self._good, self._project.settings.errors.limit(), strict=strict)
        except ProjectError as error:
            error.command = "ovt run compile" if self._purpose == "gold" else "ovt run label"
            raise
        if self._quarantine.count:
            progress.note(f"{self._quarantine.count:,} bad rows of supervision/ set aside in .ovt/quarantine/:\n"
                          f"{self._quarantine.listing()}")
        if self._gold_held_out:
            progress.note(f"{self._gold_held_out:,} rows of `{self._gold.source}` in supervision/ are about records of "
                          f"dev or test and were left out: gold of dev and test is kept with the records in data/, or "
                          f"in {GOLD}")


def _folder(purpose: Purpose) -> str:
    return "supervision" if purpose == "votes" else f"supervision-{purpose}"


def _cut(label: Any, length: int) -> Any:
    """A label as long as the record was written, for a record that `max_length` has cut."""
    if isinstance(label, list) and len(label) > length:
        return label[:length]
    if isinstance(label, dict):
        return {key: inner for key, inner in label.items() if not (key.isdecimal() and int(key) >= length)}
    if isinstance(label, int) and not isinstance(label, bool) and label >= length:
        return None
    return label
