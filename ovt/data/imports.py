"""Data that people bring, copied to `data/` as records; a schema proposed where there is none; all of it told."""

from __future__ import annotations

import filecmp
import json
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.infer import Observer
from ovt.data.roles import Roles, as_record, propose, roles_by_schema, split_alias
from ovt.data.tables import Column, Row, read_rows
from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.schema.parse import parse_schema
from ovt.schema.spec import SPLITS
from ovt.schema.write import plain_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovt.schema.spec import Schema

RECORD_ENDINGS = frozenset({".jsonl", ".ndjson", ".json"})
PROBED = 20
"""Lines looked at to tell records from flat objects."""


@dataclass
class Understanding:
    """What was made of the files."""

    schema: dict[str, Any]
    """As the plain values of `schema.json`."""
    files: list[Path] = field(default_factory=list)
    """Written, or found already there."""
    records: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    """Records per split tag; those without one are missing here."""
    lines: list[str] = field(default_factory=list)
    """What was understood, for people."""


def schema_to_json(schema: dict[str, Any]) -> str:
    """The text of `schema.json`: one line per payload and task."""
    parts = []
    for key in ("payloads", "tasks"):
        entries = [f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
                   for name, value in schema[key].items()]
        parts.append(f'  "{key}": {{\n' + ",\n".join(entries) + "\n  }" if entries else f'  "{key}": {{}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def import_files(paths: list[Path], folder: Path, schema: Schema | None = None) -> Understanding:
    """Bring files into `folder` as JSONL records.

    Args:
        paths: JSONL of ovt records, or tables: JSONL of flat objects, CSV, TSV, Parquet.
        folder: `data/` of the project; a file of the same name is never overwritten.
        schema: of the project; None proposes one from the data.

    Raises:
        ProjectError: a file cannot be read, records and tables are mixed without a schema, or a file is in the way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = [path for path in paths if holds_records(path)]
    tables = [path for path in paths if path not in records]
    if schema is None and records and tables:
        raise ProjectError("ovt records and flat tables together need a schema", at=str(tables[0]),
                           why=f"{records[0].name} holds records, {tables[0].name} is flat",
                           fix="give --schema, or bring one kind at a time")
    found = Understanding({"payloads": {}, "tasks": {}} if schema is None else plain_schema(schema))
    if records:
        _bring_records(records, folder, found, propose_schema=schema is None)
    if tables:
        _bring_tables(tables, folder, found, schema)
    found.lines.append(_told_splits(found))
    return found


def holds_records(path: Path) -> bool:
    """Whether the first readable line is an ovt record: an object with an object of `payloads`."""
    if path.suffix.lower() not in RECORD_ENDINGS:
        return False
    with path.open("rb") as file:
        for _, line in zip(range(PROBED), file, strict=False):
            with suppress(ValueError):
                raw = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
                return isinstance(raw, dict) and isinstance(raw.get("payloads"), dict)
    return False


def _bring_records(paths: list[Path], folder: Path, found: Understanding, *, propose_schema: bool) -> None:
    observer = Observer()
    for path in paths:
        before = found.records
        lines = _lines_with_splits(path, observer, found)
        _write(_target(path, folder, found), lines, found)
        found.lines.append(f"{path.name}: {found.records - before:,} records")
    if propose_schema:
        found.schema = observer.propose()
        _checked(found.schema)
        found.lines += _told_schema(found.schema)
        for name, shape in observer.tasks.items():
            found.lines.append(f"sources of `{name}`: {', '.join(sorted(shape.sources)[:12])}"
                               + (f" and {len(shape.sources) - 12} more" if len(shape.sources) > 12 else ""))


def _lines_with_splits(path: Path, observer: Observer, found: Understanding) -> Iterator[bytes]:
    """Lines as they are; those of a file named `train`, `dev` or `test` get its tag if none of them has a split."""
    named = split_alias(path.stem)
    if named is not None and any(_splits_of(raw) for _, raw in _raw_lines(path)):
        named = None
    for line, raw in _raw_lines(path):
        found.records += raw is not None
        if not isinstance(raw, dict):
            yield line + b"\n"
            continue
        with suppress(AttributeError, TypeError):  # an odd record: compile says what is wrong with it
            observer.add(raw)
        if named is not None:
            raw["tags"] = [named, *_tags_of(raw)]
        found.splits.update(_splits_of(raw))
        yield (line if named is None else msgspec.json.encode(raw)) + b"\n"


def _raw_lines(path: Path) -> Iterator[tuple[bytes, Any]]:
    """Each line with what it decodes to, None where it does not."""
    with path.open("rb") as file:
        for line in file:
            text = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            try:
                yield text, msgspec.json.decode(text)
            except ValueError:
                yield text, None


def _tags_of(raw: object) -> list[Any]:
    tags = raw.get("tags") if isinstance(raw, dict) else None
    return tags if isinstance(tags, list) else []


def _splits_of(raw: object) -> list[str]:
    tags = _tags_of(raw)
    return [split for split in SPLITS if split in tags]


def _bring_tables(paths: list[Path], folder: Path, found: Understanding, schema: Schema | None) -> None:
    columns = observe_columns(row for path in paths for row in read_rows(path))
    if not columns:
        raise ProjectError("there are no rows", at=str(paths[0]), why="the file is empty", fix="check the file")
    if schema is None:
        found.schema, roles = propose(columns)
        schema = _checked(found.schema)
        found.lines += _told_schema(found.schema)
    else:
        roles = roles_by_schema(columns, schema)
    found.lines += _told_roles(roles, columns)
    for path in paths:
        before = found.records
        _write(_target(path, folder, found), _rows_as_lines(path, roles, schema, found), found)
        found.lines.append(f"{path.name}: {found.records - before:,} rows")


def observe_columns(rows: Iterable[Row]) -> dict[str, Column]:
    """What is in each column, over all rows."""
    columns: dict[str, Column] = {}
    for row in rows:
        for name, value in row.items():
            if name not in columns:
                columns[name] = Column(name)
            columns[name].add(value)
    return columns


def _rows_as_lines(path: Path, roles: Roles, schema: Schema, found: Understanding) -> Iterator[bytes]:
    named = split_alias(path.stem) if roles.split is None else None
    for row in read_rows(path):
        record = as_record(row, roles, schema)
        if named is not None and not any(split in record["tags"] for split in SPLITS):
            record["tags"].insert(0, named)
        found.records += 1
        found.splits.update(split for split in SPLITS if split in record["tags"])
        yield msgspec.json.encode(record) + b"\n"


def _checked(schema: dict[str, Any]) -> Schema:
    """The proposed schema, read by the same rules as everyone's."""
    return parse_schema(parse_document(schema_to_json(schema), "schema.json"))


def _target(path: Path, folder: Path, found: Understanding) -> Path:
    """`data/<name>.jsonl`; a second file of that name in one import is numbered."""
    stems = {done.name for done in found.files}
    name, number = f"{path.stem}.jsonl", 1
    while name in stems:
        number += 1
        name = f"{path.stem}-{number}.jsonl"
    return folder / name


def _write(target: Path, lines: Iterable[bytes], found: Understanding) -> None:
    """Write beside the target and move; the same content again is no conflict."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp", delete=False) as file:
        fresh = Path(file.name)
        try:
            file.writelines(lines)
            file.close()
            if target.exists() and not filecmp.cmp(fresh, target, shallow=False):
                raise ProjectError(f"`data/{target.name}` is here already and differs", at=str(target),
                                   why="an import never overwrites", fix="rename one of the two, or remove the old one")
            fresh.chmod(0o644)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    found.files.append(target)


def _told_schema(schema: dict[str, Any]) -> Iterator[str]:
    for name, payload in schema["payloads"].items():
        details = [payload["type"]]
        details += [payload["dtype"]] if "dtype" in payload else []
        details += [f"of {', '.join(payload['base'])}"] if payload.get("base") else []
        details += [f"spans of {payload['range']}"] if "range" in payload else []
        details += [f"up to {payload['max_length']}"] if "max_length" in payload else []
        yield f"payload `{name}`: {', '.join(details)}"
    for name, task in schema["tasks"].items():
        spans = ", BIO spans" if "spans" in task else ""
        yield f"task `{name}`: {task['type']} on {task['payload']}{spans}"
    if not schema["tasks"]:
        yield "no column looks like a label: add a task to schema.json"


def _told_roles(roles: Roles, columns: dict[str, Column]) -> Iterator[str]:
    for (task, source), column in roles.labels.items():
        classes = columns[column].classes
        shown = ", ".join(classes[:6]) + (f" … ({len(classes)})" if len(classes) > 6 else "")
        yield f"column `{column}` → labels of `{task}` by source `{source}`: {shown}"
    if roles.id is not None:
        yield f"column `{roles.id}` → record ids"
    if roles.left_out:
        yield f"left out: {', '.join(f'`{name}`' for name in roles.left_out)}"


def _told_splits(found: Understanding) -> str:
    total = sum(found.splits.values())
    told = " · ".join(f"{name} {found.splits[name]:,}" for name in SPLITS if found.splits[name])
    if not total:
        return f"{found.records:,} records without a split: train, dev and test 80/10/10 by a stable hash of the id"
    rest = found.records - total
    return f"splits: {told}" + (f"; {rest:,} without one get theirs by a stable hash of the id" if rest > 0 else "")
