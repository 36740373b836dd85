"""Streams `data/**/*.jsonl`: records in the order of files and lines, and a `BadRecord` for each line that is none."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from ovt.data.checks import RecordChecks
from ovt.data.diagnosis import diagnose
from ovt.data.quarantine import BadRecord
from ovt.data.records import Flaw, Record, RecordCodec
from ovt.data.tags import TagSet, TagSets, stable_split
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOM = b"\xef\xbb\xbf"
_TAGS = re.compile(rb'"tags"\s*:\s*\[([^\]]*)')
_LINE_BITS = 40


def jsonl_files(folder: Path) -> list[Path]:
    """The `*.jsonl` files below a folder, sorted by path; hidden files and folders are left out."""
    found = [path for path in folder.rglob("*.jsonl") if path.is_file()]
    visible = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return sorted(visible, key=lambda path: path.relative_to(folder).as_posix())


def lines_of(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Numbered lines, without a byte order mark at the start."""
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    return enumerate(file, 1)


class RecordReader:
    """Iterates over records; what it knows at the end is in its counts.

    Each record comes with an id, in its one form (see `RecordChecks`), and with
    a `TagSet` as its tags.
    """

    def __init__(self, root: Path, codec: RecordCodec, tag_sets: TagSets) -> None:
        self._root = root
        self._codec = codec
        self._checks = RecordChecks(codec)
        self._tag_sets = tag_sets
        self._seen: dict[str, int] = {}
        self._made: dict[str, int] = {}
        self._names: list[str] = []
        self.files = jsonl_files(root / "data")
        self.on_file: Callable[[str], object] = str
        """Called with each file's name before it is read."""
        self.bytes_total = sum(path.stat().st_size for path in self.files)
        self.bytes_read = 0
        self.made_ids = 0
        """Records without an id of their own."""

    def __iter__(self) -> Iterator[Record | BadRecord]:
        for path in self.files:
            name = path.relative_to(self._root).as_posix()
            self._names.append(name)
            self.on_file(name)
            with path.open("rb") as file:
                yield from self._read(lines_of(file), name)

    def _read(self, lines: Iterator[tuple[int, bytes]], name: str) -> Iterator[Record | BadRecord]:
        decode, check, seen, tags_of = self._codec.decode, self._checks.check, self._seen, self._tag_sets.of
        place = len(self._names) - 1 << _LINE_BITS
        for number, line in lines:
            self.bytes_read += len(line)
            try:
                record: Record = decode(line)
                identity = record.id
                if identity is None:
                    digest = payload_hash(record.payloads)
                    check(record)
                    record.id = identity = self._made_id(digest)
                else:
                    check(record)
                    if identity in seen or not identity:
                        raise self._duplicate(identity)
                record.tags = tags_of(identity, record.tags)
            except Flaw as flaw:
                yield self._bad(flaw, name, number, line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if line.strip():
                    yield self._bad(diagnose(line, self._codec.schema, str(error)), name, number, line)
            else:
                seen[identity] = place + number
                yield record

    def taken(self, record_id: str) -> bool:
        """Whether a record that was read has an id."""
        return record_id in self._seen

    def _made_id(self, digest: str) -> str:
        count = self._made.get(digest, 0)
        while True:
            count += 1
            identity = digest if count == 1 else f"{digest}#{count}"
            if identity not in self._seen:
                break
        self._made[digest] = count
        self.made_ids += 1
        return identity

    def _duplicate(self, identity: str) -> Flaw:
        if not identity:
            return Flaw("id", "the id is empty", "leave `id` out: then it is a hash of the payloads")
        first = self._seen[identity]
        where = f"{self._names[first >> _LINE_BITS]}:{first & ((1 << _LINE_BITS) - 1)}"
        return Flaw("id", f"the id {identity!r} was already given at {where}",
                    "the first is kept; rename or remove this one")

    def _bad(self, flaw: Flaw, name: str, number: int, line: bytes) -> BadRecord:
        identity, split = self._membership(line)
        text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        return BadRecord(name, number, flaw.path, flaw.why, flaw.fix, split, identity, text)

    def _membership(self, line: bytes) -> tuple[str | None, str | None]:
        """Id and split of a bad line as far as they can be told; a held-out split wins where it has two."""
        try:
            raw: Any = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            raw = {"tags": [word.decode("utf-8", "replace") for word in re.findall(rb'"([^"]*)"', _tags_text(line))]}
        if not isinstance(raw, dict):
            return None, None
        identity = raw["id"] if isinstance(raw.get("id"), str) else None
        own = raw["tags"] if isinstance(raw.get("tags"), list) else []
        tags = [*own, *self._tag_sets.outside.get(identity or "", ())]
        named = [split for split in reversed(SPLITS) if split in tags]
        if named:
            return identity, named[0]
        return identity, SPLITS[stable_split(identity)] if identity else None


def _tags_text(line: bytes) -> bytes:
    found = _TAGS.search(line)
    return found.group(1) if found else b""


def payload_hash(payloads: Any) -> str:
    """The id of a record that has none: a hash of its payloads, whatever their order."""
    plain = {name: value for name, value in msgspec.to_builtins(payloads).items() if value is not None}
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:16]


def read_tag_sets(root: Path) -> tuple[TagSets, list[BadRecord]]:
    """Everything in `tags/**/*.jsonl`, and the lines there that say nothing."""
    outside: dict[str, list[str]] = {}
    bad: list[BadRecord] = []
    decode = msgspec.json.Decoder(_TagLine).decode
    for path in jsonl_files(root / "tags"):
        with path.open("rb") as file:
            for number, line in lines_of(file):
                if not line.strip():
                    continue
                try:
                    found = decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    bad.append(_bad_tag_line(path.relative_to(root).as_posix(), number, line, error))
                else:
                    outside.setdefault(found.id, []).extend(found.tags)
    return TagSets(outside), bad


class _TagLine(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    tags: list[str]


def _bad_tag_line(name: str, number: int, line: bytes, error: Exception) -> BadRecord:
    split = None
    with contextlib.suppress(ValueError):
        raw = msgspec.json.decode(line)
        tags = raw.get("tags") if isinstance(raw, dict) else None
        split = next((one for one in reversed(SPLITS) if isinstance(tags, list) and one in tags), None)
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    fix = 'e.g. {"id": "q-17", "tags": ["date:2019-09"]}'
    return BadRecord(name, number, "", f"no tag set: {error}", fix, split, None, text)


def split_of(record: Record) -> int:
    """The split code of a record that the reader gave out."""
    tags: TagSet = record.tags
    return tags.split if tags.split is not None else stable_split(record.id or "")
