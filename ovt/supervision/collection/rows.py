"""Files of `supervision/`, JSON lines and Parquet alike, as a stream of rows with the file and line of each.

A row is `{"id", "task", "source", "label"}`, and may have `worker` (who of a
crowd), `confidence` (0 … 1), `position` (one token or member of the record),
`retracted` (takes back what the source said before) and, in
`corrections.jsonl`, `correction`. A line `{"batch": …}` is no row: it tells how
the rows after it were collected (see `batches`).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.reader import lines_of
from ovt.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 100_000
"""Rows whose records are looked up at once."""
PSEUDONYM = 10
"""Hexadecimal digits of a worker's pseudonym: among 100,000 workers two share one in 0.5 % of the crowds."""
NEEDED = ("id", "task", "source")
OPTIONAL = ("label", "worker", "confidence", "retracted", "position", "correction")


class Row(msgspec.Struct, gc=False):
    """One opinion of one source on one record."""

    id: str
    task: str
    source: str
    label: Any = msgspec.UNSET
    worker: str | int | None = None
    confidence: float | None = None
    retracted: bool | None = None
    position: int | None = None
    correction: bool | None = None

    @property
    def name(self) -> str:
        """The source's name; of a crowd's worker `SOURCE/PSEUDONYM`."""
        return self.source if self.worker is None else worker_name(self.source, str(self.worker))


class Header(msgspec.Struct):
    """The line before a batch of rows."""

    batch: str


class Line(msgspec.Struct, frozen=True, gc=False):
    """One row of one file, not yet checked; a struct, of which millions are made."""

    file: str
    number: int
    text: bytes
    """As it was written; of Parquet empty, see `shown`."""
    row: Row | None
    """None: it could not be decoded; `flaw` says why."""
    flaw: str = ""

    @property
    def shown(self) -> str:
        """The row for the quarantine."""
        if not self.text and self.row is not None:
            return msgspec.json.encode(self.row).decode()
        return self.text.decode("utf-8", "backslashreplace").rstrip("\r\n")


@lru_cache(maxsize=1 << 16)
def worker_name(source: str, worker: str) -> str:
    """The source that a worker of a crowd is: under a pseudonym, so that nothing that ovt writes names a person."""
    digest = hashlib.sha256(f"{source}\0{worker}".encode()).hexdigest()
    return f"{source}/w{digest[:PSEUDONYM]}"


def supervision_files(folder: Path) -> list[Path]:
    """The files with rows below a folder, sorted by path; hidden files and folders are left out."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.rglob("*") if path.suffix in {".jsonl", ".parquet"} and path.is_file()]
    visible = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return sorted(visible, key=lambda path: path.relative_to(folder).as_posix())


def read_lines(path: Path, name: str) -> Iterator[Line]:
    """The rows of one file, one after the other; `name` is the file as a message names it.

    Raises:
        ProjectError: a Parquet file that cannot be read, or lacks a column.
    """
    if path.suffix == ".parquet":
        yield from _parquet(path, name)
        return
    decode = msgspec.json.Decoder(Row).decode
    with path.open("rb") as file:
        for number, text in lines_of(file):
            if not text.strip():
                continue
            try:
                yield Line(name, number, text, decode(text))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if not _is_header(text):
                    yield Line(name, number, text, None, str(error))


def chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lists of at most CHUNK lines."""
    chunk: list[Line] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_header(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _parquet(path: Path, name: str) -> Iterator[Line]:
    """Rows of a Parquet file; a row's number counts from 1, as a table program shows it without its header."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            have = file.schema_arrow.names
            _refuse_missing_columns(name, have)
            number = 0
            columns = [column for column in (*NEEDED, *OPTIONAL) if column in have]
            for batch in file.iter_batches(CHUNK // 4, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield _from_values(name, number, values)
    except (pa.ArrowInvalid, OSError) as error:
        raise ProjectError("a Parquet file cannot be read", at=name, why=str(error).split("\n")[0],
                           fix="write it again, or remove it") from None


def _refuse_missing_columns(name: str, have: list[str]) -> None:
    missing = [column for column in NEEDED if column not in have]
    if missing or not {"label", "retracted"} & set(have):
        missing += [] if "label" in have else ["label"]
        raise ProjectError(f"a table of labels has no column `{missing[0]}`", at=name,
                           why=f"its columns are {', '.join(have)}", fix="rename or add it: id, task, source, label")


def _from_values(name: str, number: int, values: dict[str, Any]) -> Line:
    try:
        values["label"] = _plain(values.get("label"))
        return Line(name, number, b"", msgspec.convert(values, Row))
    except msgspec.ValidationError as error:
        return Line(name, number, msgspec.json.encode({key: str(value) for key, value in values.items()}), None,
                    str(error))


def _plain(label: Any) -> Any:
    """A label as JSON would have it: whole floats (what pandas makes of integers beside nulls) and JSON in a text."""
    if isinstance(label, float):
        return int(label) if label.is_integer() else None if label != label else label  # noqa: PLR0124 - NaN
    if isinstance(label, str) and label[:1] in {"[", "{"}:
        try:
            return msgspec.json.decode(label)
        except msgspec.DecodeError:
            return label
    return label
