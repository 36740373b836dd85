"""`ovt add --logs`: what a served model was asked about becomes records, each question once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ovt.project import Project
    from ovt.serving.requests import RequestReader

DAY = re.compile(r"log:(\d{4}-\d{2}-\d{2})")
SHOWN = 5
"""Bad lines that are named."""


@dataclass(frozen=True)
class TakenIn:
    """What became of the logged records."""

    files: tuple[str, ...]
    """Written in `data/`, one for each day."""
    new: int
    known: int
    """Asked before, or in the data already."""
    bad: int
    """No records of the schema."""
    problems: tuple[str, ...]
    """The first of the bad ones: where and why."""


def take_in_logs(project: Project, folder: Path) -> TakenIn:
    """Copy the records of a server's log into `data/logs-DAY.jsonl`.

    A record gets no id but the one that compiling gives it: the hash of its
    payloads. So the same question is one record however often it was asked,
    and what a client called it stays out. It has the tag `log:DAY` of the day
    on which it came first, and a split by its id like any other.

    Raises:
        UsageError: there is no log.
    """
    import msgspec

    from ovt.data.reader import payload_hash
    from ovt.serving.requests import Problem, RequestReader
    from ovt.storage.files import write_bytes

    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise UsageError(f"no log in `{folder}`", why="it has no *.jsonl", fix="where `ovt serve --log DIR` writes")
    reader = RequestReader(project.schema)
    known = set(_known(project, reader))
    fresh: dict[str, list[bytes]] = {}
    problems: list[str] = []
    count = {"known": 0, "bad": 0}
    for where, line in _lines(paths):
        record = reader.from_json(line)
        if isinstance(record, Problem):
            count["bad"] += 1
            problems.append(f"{where}: {record}")
            continue
        digest = payload_hash(record.payloads)
        if digest in known:
            count["known"] += 1
            continue
        known.add(digest)
        plain = msgspec.json.decode(line)
        day = next((found[1] for tag in plain.get("tags") or () if (found := DAY.fullmatch(str(tag)))), "unknown")
        row = {"payloads": plain["payloads"], "tags": [f"log:{day}"]}
        fresh.setdefault(day, []).append(msgspec.json.encode(row) + b"\n")
    written = []
    for day, lines in sorted(fresh.items()):
        target = project.folder("data") / f"logs-{day}.jsonl"
        write_bytes(target, (target.read_bytes() if target.exists() else b"") + b"".join(lines))
        written.append(project.shown(target))
    new = sum(len(lines) for lines in fresh.values())
    return TakenIn(tuple(written), new, count["known"], count["bad"], tuple(problems[:SHOWN]))


def _known(project: Project, reader: RequestReader) -> Iterator[str]:
    """Hashes of the payloads of all records of the project."""
    from ovt.data.reader import payload_hash
    from ovt.serving.requests import Problem

    for _, line in _lines(sorted(project.folder("data").rglob("*.jsonl"))):
        record = reader.from_json(line)
        if not isinstance(record, Problem):
            yield payload_hash(record.payloads)


def _lines(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Lines that are not empty, with the places where they stand."""
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path.name}:{number}", line.strip()
