r"""`examples/*.jsonl`: records with the answers that any model of the project must give.

    {"payloads": {"query": "how tall is the eiffel tower"}, "expect": {"Intent": "height"}}

`expect` says per task what a label of that task says: a class, a list of
classes with null where anything goes, the names of a bitvector, the position or
the id of the member that is selected. So it is checked as a label is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.checks import RecordChecks
from ovt.data.diagnosis import diagnose
from ovt.data.reader import jsonl_files, lines_of, payload_hash
from ovt.data.records import Flaw, Record, RecordCodec
from ovt.errors import ProjectError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.schema.spec import Schema

FOLDER = "examples"
EXPECT = "expect"
FORM = '{"payloads": {…}, "expect": {"TASK": answer}}'


@dataclass(frozen=True)
class Example:
    """One must-pass record."""

    record: Record
    """Checked, with an id; without labels."""
    expect: dict[str, Any]
    """By task the answer, in the form that labels have after `RecordChecks`."""
    path: str
    line: int


def example_files(project: Project) -> list[Path]:
    """The files, sorted by path."""
    folder = project.folder(FOLDER)
    return jsonl_files(folder) if folder.is_dir() else []


def read_examples(project: Project, codec: RecordCodec) -> list[Example]:
    """All examples, in the order of files and lines.

    Raises:
        ProjectError: a line is no record of the schema, or expects what no label could say, with file and line.
    """
    checks = RecordChecks(codec)
    found: list[Example] = []
    for path in example_files(project):
        with path.open("rb") as file:
            found.extend(
                _example(line, f"{project.shown(path)}", number, codec, checks)
                for number, line in lines_of(file) if line.strip()
            )
    return found


def _example(line: bytes, path: str, number: int, codec: RecordCodec, checks: RecordChecks) -> Example:
    at = f"{path}:{number}"
    raw = _object(line, at)
    expect = raw.pop(EXPECT, None)
    if not isinstance(expect, dict) or not expect:
        raise ProjectError("an example expects nothing", at=at, why="no `expect`, or an empty one", fix=FORM)
    for task in expect:
        if task not in codec.schema.tasks:
            raise ProjectError(f"an example expects an unknown task `{task}`", at=at, why="the schema has no such task",
                               fix=nearest(task, codec.schema.tasks))
    raw["tasks"] = {task: {EXPECT: answer} for task, answer in expect.items()}
    record = _record(json.dumps(raw, ensure_ascii=False).encode(), at, codec, checks)
    record.id = record.id or payload_hash(record.payloads)
    answers = {task: getattr(record.tasks, codec.task_fields[task])[EXPECT] for task in expect}
    record.tasks = codec.no_tasks
    return Example(record, answers, path, number)


def _object(line: bytes, at: str) -> dict[str, Any]:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProjectError("an example is no JSON", at=at, why=str(error), fix=FORM) from None
    if not isinstance(raw, dict):
        raise ProjectError("an example is no object", at=at, why=f"found {type(raw).__name__}", fix=FORM)
    return raw


def _record(line: bytes, at: str, codec: RecordCodec, checks: RecordChecks) -> Record:
    try:
        record: Record = codec.decode(line)
        checks.check(record)
    except Flaw as flaw:
        raise _wrong(flaw, at) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _wrong(_diagnosed(line, codec.schema, error), at) from None
    return record


def _diagnosed(line: bytes, schema: Schema, error: Exception) -> Flaw:
    return diagnose(line, schema, str(error))


def _wrong(flaw: Flaw, at: str) -> ProjectError:
    """In the words of an example: `tasks.Intent.expect` is `expect.Intent`."""
    words = flaw.path.split(".")
    path = ".".join([EXPECT, words[1], *words[3:]]) if words[0] == "tasks" and len(words) > 2 else flaw.path
    return ProjectError("an example is no record of the schema", at=at, why=f"{path}: {flaw.why}" if path else flaw.why,
                        fix=flaw.fix)
