"""Sheets that people fill, as CSV or JSON lines: one row per record, or per token or member.

Columns: `id`, `position` where a row is one token or member, the payloads by
name, `candidates` for select, `label` (empty: to be filled), `how` (what may be
typed), `votes` if asked for, `task`, and `sample` (how the record was chosen: a
sheet that was not drawn at random is refused as gold).
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ovt.errors import ProjectError
from ovt.functions.answers import Form
from ovt.supervision.annotation.labeltext import hint
from ovt.supervision.reporting.opinions import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.data.votes import Votes

Layout = Literal["records", "items"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell; such cells get an apostrophe before them."""
OWN = ("id", "position", "candidates", "label", "how", "votes", "task", "sample")


@dataclass(frozen=True)
class SheetRow:
    """One row as a person returned it."""

    line: int
    """Where it begins in the file, from 1."""
    values: dict[str, Any]
    """Columns by name; a cell of a CSV file is text, without the apostrophe of an escaped formula."""
    typed: bool
    """All values are text, as in a CSV file."""


@dataclass(frozen=True)
class Sheet:
    """What a sheet is about."""

    store: Store
    task: str
    layout: Layout
    sample: str
    votes: Votes | None = None
    """Shown beside the label; None: hidden, so that they do not sway."""

    @property
    def form(self) -> Form:
        """Of the task's labels."""
        return Form.of(self.store.schema, self.task)

    def rows(self, row: int) -> Iterator[dict[str, Any]]:
        """The rows of one record."""
        shown = shown_payloads(self.store, self.task, row)
        identity = str(self.store.ids[row].as_py())
        about = {"label": None, "how": self._hint(), "task": self.task, "sample": self.sample}
        opinions = said(self.store, self.task, row, self.votes) if self.votes is not None else {}
        if self.layout == "records":
            told = {"votes": _told(opinions)} if self.votes is not None else {}
            yield {"id": identity, **shown, **about, **told}
            return
        for position, text in enumerate(item_texts(self.store, self.task, row)):
            told = {"votes": _told({0: opinions.get(position, {})})} if self.votes is not None else {}
            yield {"id": identity, "position": position, item_column(self.form): text, **about, **told}

    def _hint(self) -> str:
        return hint(self.form, self.store.classes.get(self.task), one_item=self.layout == "items")


def default_layout(form: Form) -> Layout:
    """One row per token or member where each needs a label; else one per record, with spans typed in a cell."""
    if form.granularity == "record" or form.type == "select":
        return "records"
    return "records" if form.granularity == "token" and (form.spans or form.type == "bitvector") else "items"


def item_column(form: Form) -> str:
    """The column with the token or member that a row is about."""
    return "token" if form.granularity == "token" else "member"


def item_texts(store: Store, task: str, row: int) -> list[str]:
    """The tokens or members of a record that a task labels."""
    payload = store.schema.tasks[task].payload
    if store.schema.payloads[payload].type == "sequence":
        return [str(token) for token in store.record(row)[payload] or ()]
    return [_member(store, row, member) for member in store.record(row)[payload] or ()]


def shown_payloads(store: Store, task: str, row: int) -> dict[str, str]:
    """What a person sees of a record, by column: texts and numbers as they are, tokens and candidates numbered."""
    view, about = store.record(row), store.schema.tasks[task]
    found: dict[str, str] = {}
    for name, payload in store.schema.payloads.items():
        value = view[name]
        if value is None or payload.dtype == "vector":
            continue
        column = name if name not in OWN else f"payload.{name}"
        if payload.type == "sequence":
            found[column] = _numbered(value) if name == about.payload else " ".join(value)
        elif payload.type == "set" and name == about.payload:
            found["candidates"] = _numbered([_member(store, row, member) for member in value], " | ")
        elif payload.type == "singleton":
            found[column] = str(value)
    return found


def write_sheet(path: Path, rows: Sequence[Mapping[str, Any]], kind: Literal["csv", "jsonl"]) -> None:
    """Write a sheet whole; a CSV file begins with a byte order mark, without which Excel garbles what is not ASCII."""
    from ovt.storage.files import write_bytes

    if kind == "jsonl":
        write_bytes(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    first = [name for name in ("id", "position") if name in columns]
    last = [name for name in ("label", "how", "votes", "task", "sample") if name in columns]
    columns = [*first, *(name for name in columns if name not in {*first, *last}), *last]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([escaped(row.get(name)) for name in columns])
    write_bytes(path, b"\xef\xbb\xbf" + out.getvalue().encode())


def read_sheet(path: Path) -> list[SheetRow]:
    """The rows of a sheet in CSV (commas, semicolons or tabs) or JSON lines.

    Raises:
        ProjectError: it is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError("a sheet is not in UTF-8", at=str(path), why=str(error),
                           fix='save it as "CSV UTF-8"') from None
    return _json_rows(path, text) if path.suffix in {".jsonl", ".json"} else _csv_rows(path, text)


def _json_rows(path: Path, text: str) -> list[SheetRow]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ProjectError("a line of the sheet is no JSON", at=f"{path}:{number}", why=str(error)) from None
        if not isinstance(value, dict):
            raise ProjectError("a line of the sheet is no JSON object", at=f"{path}:{number}")
        rows.append(SheetRow(number, value, typed=False))
    return rows


def _csv_rows(path: Path, text: str) -> list[SheetRow]:
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[SheetRow] = []
    try:
        columns = [name.strip() for name in next(reader, [])]
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                rows.append(SheetRow(line, dict(zip(columns, map(unescaped, cells), strict=False)), typed=True))
    except csv.Error as error:
        raise ProjectError("the sheet is no CSV file", at=f"{path}:{reader.line_num}", why=str(error)) from None
    return rows


def escaped(value: Any) -> str:
    """A cell that no spreadsheet computes."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith((*FORMULA, "'")) and text != "-" else text


def unescaped(cell: str) -> str:
    """The text of a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell


def _numbered(texts: Sequence[str], between: str = " ") -> str:
    return between.join(f"{number}:{text}" for number, text in enumerate(texts))


def _member(store: Store, row: int, member: Any) -> str:
    """A member by its id and the tokens that it is about."""
    span = member.range
    source = next((payload.range for payload in store.schema.payloads.values() if payload.range), None)
    words = ""
    if span is not None and source is not None:
        words = " ".join((store.record(row)[source] or [])[span[0]:span[1]])
    return f"{member.id or ''} [{words}]".strip() if words else str(member.id or member.fields)


def _told(opinions: Mapping[int, Mapping[str, str]]) -> str:
    several = len(opinions) > 1
    return "; ".join(
        f"{f'{position} ' if several else ''}{source}={label}"
        for position, by_source in sorted(opinions.items()) for source, label in sorted(by_source.items())
    )
