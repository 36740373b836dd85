"""From the rows of a filled sheet to rows of `supervision/`, each checked against the record that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError
from ovt.functions.answers import AnswerError, Form
from ovt.supervision.annotation.labeltext import parse, said_about_all
from ovt.supervision.annotation.sheets import OWN, SheetRow, item_column, item_texts, shown_payloads
from ovt.supervision.collection.checking import problems

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ovt.data.store import Store
    from ovt.project import Project

SHOWN = 60
"""Letters of a text that a message shows."""


@dataclass
class Filled:
    """What a sheet says."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """As they will stand in `supervision/`, one for each record."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason, in the order of lines."""
    blank: int = 0
    """Records without a label."""
    samples: set[str] = field(default_factory=set)
    """How the records with a label were chosen, empty where a row does not tell."""


def read_filled(project: Project, store: Store, rows: Sequence[SheetRow], source: str, task: str | None) -> Filled:
    """Check every row; nothing is written.

    Args:
        project: its schema and settings.
        store: the records.
        rows: of the sheet.
        source: whose labels they are.
        task: of rows that do not name one.

    Raises:
        UsageError: neither the sheet nor the caller names the task.
    """
    filled = Filled()
    records = _by_record(store, rows, task, filled)
    checked: list[tuple[int, dict[str, Any]]] = []
    for (name, identity), own in records.items():
        try:
            label = _label(store, name, identity, own)
        except _WrongRowsError as wrong:
            filled.problems += wrong.found
            continue
        if label is None:
            filled.blank += 1
            continue
        filled.samples.update(str(row.values.get("sample") or "") for row in own)
        checked.append((own[0].line, {"id": identity, "task": name, "source": source, "label": label}))
    wrong_rows = problems(project, store, [row for _, row in checked])
    for (line, row), problem in zip(checked, wrong_rows, strict=True):
        if problem is None:
            filled.rows.append(row)
        else:
            filled.problems.append((line, problem))
    filled.problems.sort()
    return filled


class _WrongRowsError(Exception):
    """Rows of one record that cannot be used."""

    def __init__(self, found: list[tuple[int, str]]) -> None:
        super().__init__(found)
        self.found = found


def _by_record(
    store: Store, rows: Sequence[SheetRow], task: str | None, filled: Filled,
) -> dict[tuple[str, str], list[SheetRow]]:
    """The rows of each task and record; those that name none are problems."""
    records: dict[tuple[str, str], list[SheetRow]] = {}
    for row in rows:
        identity, name = str(row.values.get("id") or "").strip(), str(row.values.get("task") or task or "").strip()
        if not name:
            raise UsageError(
                "the sheet does not say which task its labels are for", at=f"line {row.line}",
                why="it has no column `task`", fix="name it", command="ovt annotate import --help",
            )
        if name not in store.schema.tasks:
            filled.problems.append((row.line, f"unknown task {name!r}"))
        elif not identity:
            filled.problems.append((row.line, "the row has no id"))
        else:
            records.setdefault((name, identity), []).append(row)
    return records


def _label(store: Store, task: str, identity: str, rows: Sequence[SheetRow]) -> Any:
    """What the rows of one record say; None if they are empty.

    Raises:
        _WrongRowsError: they are about another text than the record has, or hold no label of the task.
    """
    if all(_is_blank(row.values.get("label")) for row in rows):
        return None
    number = store.row_of(identity)
    if number is None:
        raise _WrongRowsError([(rows[0].line, f"no record has the id {identity!r}")])
    texts = item_texts(store, task, number) if store.item_offsets(task) is not None else None
    if _per_item(rows):
        return _of_items(store, task, rows, texts or [])
    if len(rows) > 1:
        raise _WrongRowsError([(row.line, f"the record {identity!r} is in the sheet twice") for row in rows[1:]])
    row = rows[0]
    form = Form.of(store.schema, task)
    try:
        _refuse_edited(row, shown_payloads(store, task, number))
        label = row.values["label"]
        label = parse(form, label, len(texts or ()) or 1) if isinstance(label, str) else label
        return said_about_all(form, label, len(texts or ()) or 1)
    except AnswerError as error:
        raise _WrongRowsError([(row.line, str(error))]) from None


def _per_item(rows: Sequence[SheetRow]) -> bool:
    return not _is_blank(rows[0].values.get("position"))


def _of_items(store: Store, task: str, rows: Sequence[SheetRow], texts: Sequence[str]) -> dict[str, Any]:
    """Position → label, of the rows that have one."""
    form = Form.of(store.schema, task)
    labels: dict[str, Any] = {}
    wrong = []
    for row in rows:
        try:
            position = _position(row, texts, labels)
            _refuse_edited(row, {item_column(form): texts[position]})
            label = row.values.get("label")
            label = parse(form, label, 1, one_item=True) if isinstance(label, str) else label
            if label is not None:
                labels[str(position)] = label
        except AnswerError as error:
            wrong.append((row.line, str(error)))
    if wrong:
        raise _WrongRowsError(wrong)
    return labels


def _position(row: SheetRow, texts: Sequence[str], before: Collection[str]) -> int:
    text = str(row.values.get("position") or "0").strip()
    if not text.isdecimal() or int(text) >= len(texts):
        raise AnswerError(f"position {text} is outside of the {len(texts)} items of the record")
    if str(int(text)) in before:
        raise AnswerError(f"position {text} is in the sheet twice")
    return int(text)


def _refuse_edited(row: SheetRow, shown: dict[str, str]) -> None:
    """A person may have typed into the wrong cell, or a spreadsheet made a date of a token: its label is another's."""
    for column, text in shown.items():
        given = row.values.get(column)
        if given is None or (column in OWN and column != "candidates"):
            continue
        there, here = str(given).split(), text.split()
        if there != here:
            at = next((at for at, pair in enumerate(zip(there, here, strict=False)) if pair[0] != pair[1]),
                      min(len(there), len(here)))
            raise AnswerError(f"`{column}` is not what the record has: {_cut(there, at)} in the sheet, "
                              f"{_cut(here, at)} in the data; a label belongs to what was exported")


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _cut(words: Sequence[str], at: int) -> str:
    """Two words from where two texts differ."""
    return repr(" ".join(words[at:at + 2])[:SHOWN]) if at < len(words) else "nothing more"
