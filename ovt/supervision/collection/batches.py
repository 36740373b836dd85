"""How labels were collected: a note and the guideline's digest for each batch, and whether it has changed since.

A batch begins with a line `{"batch": NAME, "note", "guideline", "digest",
"task", "source"}` in a JSON lines file; or `FILE.meta.yaml` beside a file says
the same about all of it. What annotators were told to do is part of what their
labels mean: labels made under another rule are told apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.reader import lines_of
from ovt.documents import read_document
from ovt.errors import ProjectError
from ovt.supervision.collection.rows import read_lines, supervision_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.project import Project

SIDECAR = ".meta.yaml"


class _Header(msgspec.Struct):
    batch: str
    note: str | None = None
    guideline: str | None = None
    digest: str | None = None
    task: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Batch:
    """Labels that were collected together."""

    name: str
    at: str
    """FILE, or FILE:LINE where it begins."""
    note: str | None = None
    guideline: str | None = None
    """Path of the written rule."""
    digest: str | None = None
    """SHA-256 of the rule as it was then."""
    task: str | None = None
    source: str | None = None
    rows: int = 0
    """Of the source that was asked about."""
    changed: bool = False
    """The rule is another one today, or gone."""


def guideline_digest(project: Project, path: str) -> str | None:
    """SHA-256 of a guideline, whatever the line endings; None if it is not there."""
    file = project.root / path
    if not file.is_file():
        return None
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def header_of(project: Project, task: str, name: str, source: str, note: str | None) -> dict[str, Any]:
    """The line before a batch, with the guideline of the task as it is now."""
    header: dict[str, Any] = {"batch": name, "task": task, "source": source}
    if note:
        header["note"] = note
    guideline = project.schema.tasks[task].guideline
    digest = guideline_digest(project, guideline) if guideline else None
    if digest:
        header |= {"guideline": guideline, "digest": digest}
    return header


def batches_of(project: Project, source: str) -> list[Batch]:
    """The batches of a source, as they are read, with the number of its rows; `crowd` has those of all its workers."""
    found: list[Batch] = []
    for path in supervision_files(project.folder("supervision")):
        name = project.shown(path)
        headers = list(_headers(project, path))
        counted = _counted(path, name, headers, source)
        found += [replace(batch, rows=count) for batch, count in zip(headers, counted, strict=True) if count]
    return found


def changed_guidelines(project: Project) -> list[str]:
    """One sentence for each batch whose guideline has changed since it was collected."""
    told: list[str] = []
    if not any(task.guideline for task in project.schema.tasks.values()):
        return told
    for path in supervision_files(project.folder("supervision")):
        told += [
            f"{batch.at}: `{batch.guideline}` has changed since the labels of batch `{batch.name}` were collected"
            for batch in _headers(project, path) if batch.changed
        ]
    return told


def describe(project: Project, paths: list[Path], note: str | None = None) -> list[Path]:
    """Write `FILE.meta.yaml` beside files of `supervision/` that say nothing about how they were collected.

    Only where there is something to tell: a note, or a guideline of the tasks that a file is about.

    Returns:
        The files written.
    """
    import yaml

    from ovt.storage.files import write_text

    written = []
    for path in paths:
        side = path.with_name(path.name + SIDECAR)
        if side.exists() or path.name == "corrections.jsonl" or any(_headers(project, path)):
            continue
        tasks = {line.row.task for line in read_lines(path, project.shown(path)) if line.row is not None}
        entries = [_entry(project, task, path.stem, note) for task in sorted(tasks & set(project.schema.tasks))]
        entries = [entry for entry in entries if "guideline" in entry or note]
        if entries:
            write_text(side, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=1000))
            written.append(side)
    return written


def _entry(project: Project, task: str, name: str, note: str | None) -> dict[str, Any]:
    header = header_of(project, task, name, "", note)
    del header["source"]
    return header


def _headers(project: Project, path: Path) -> Iterator[Batch]:
    """The batches of a file: those of its sidecar, then those of its own lines."""
    side = path.with_name(path.name + SIDECAR)
    if side.is_file():
        document = read_document(side)
        entries = document.value if isinstance(document.value, list) else [document.value]
        for entry in entries:
            try:
                header = msgspec.convert({"batch": path.stem, **(entry or {})}, _Header)
            except (msgspec.ValidationError, TypeError) as error:
                raise ProjectError("a note on labels cannot be read", at=project.shown(side), why=str(error),
                                   fix="e.g. `note: second round, two annotators`") from None
            yield _batch(project, header, project.shown(path))
    if path.suffix == ".jsonl":
        with path.open("rb") as file:
            for number, text in lines_of(file):
                told = _decoded(text) if text.lstrip().startswith(b'{"batch"') else None
                if told is not None:
                    yield _batch(project, told, f"{project.shown(path)}:{number}")


def _decoded(text: bytes) -> _Header | None:
    """The header that a line holds; a wrong one is told as a bad row by whoever reads the rows."""
    try:
        return msgspec.json.decode(text, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _batch(project: Project, header: _Header, at: str) -> Batch:
    changed = bool(header.guideline and header.digest) and guideline_digest(
        project, str(header.guideline)) != header.digest
    return Batch(header.batch, at, header.note, header.guideline, header.digest, header.task, header.source,
                 changed=changed)


def _counted(path: Path, name: str, headers: list[Batch], source: str) -> list[int]:
    """Rows of a source in each batch of a file."""
    starts = [int(batch.at.rpartition(":")[2]) if batch.at != name else 0 for batch in headers]
    counts = [0] * len(headers)
    if not headers:
        return counts
    for line in read_lines(path, name):
        if line.row is None or source not in {line.row.source, line.row.name}:
            continue
        for at in range(len(headers) - 1, -1, -1):
            if starts[at] < line.number and headers[at].task in {None, line.row.task}:
                counts[at] += 1
                break
    return counts
