"""Flat tables (CSV, Parquet, JSONL of plain objects): their rows, and what each column seems to be.

A CSV cell is text until every cell of its column is a number; empty cells are null.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ovt.data import tokenizer
from ovt.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Row = dict[str, Any]
Kind = Literal["text", "number", "flag", "texts", "numbers", "object", "empty"]
CSV_ENDINGS = {".csv": ",", ".tsv": "\t"}
DISTINCT_KEPT = 2000
"""Distinct short values remembered per column: enough to tell classes from text."""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table, by the ending of its name.

    Raises:
        ProjectError: the ending is unknown or the content is not what it says.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ProjectError(f"cannot read `{path.name}`", at=str(path), why=f"`{path.suffix}` is no known kind of file",
                           fix="give JSONL, CSV, TSV or Parquet")
    return reader(path)


def _jsonl_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
            except ValueError as error:
                raise ProjectError(f"`{path.name}` has a line that is no JSON object", at=f"{path}:{number}",
                                   why=str(error), fix="one object per line") from None


def _csv_rows(path: Path) -> Iterator[Row]:
    csv.field_size_limit(1 << 28)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=_delimiter(path, file.read(1 << 16)))
            file.seek(0)
            for row in reader:
                if None in row or None in row.values():
                    raise ProjectError(f"`{path.name}` has a row of another width", at=f"{path}:{reader.line_num}",
                                       why=f"the header has {len(reader.fieldnames or ())} columns",
                                       fix="quote fields that hold the separator")
                yield {name.strip(): value if value.strip() else None for name, value in row.items()}
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{path.name}` is not UTF-8", at=str(path), why=str(error),
                           fix="save it as UTF-8") from None
    except csv.Error as error:
        raise ProjectError(f"`{path.name}` cannot be read as CSV", at=str(path), why=str(error),
                           fix="check its quoting") from None


def _delimiter(path: Path, sample: str) -> str:
    """That of the header: what it has most of, a comma where it has none."""
    header = sample.partition("\n")[0]
    usual = CSV_ENDINGS[path.suffix.lower()]
    return max((usual, ",", ";", "\t", "|"), key=header.count)


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(4096):
                yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise ProjectError(f"`{path.name}` cannot be read as Parquet", at=str(path), why=str(error),
                           fix="check the file") from None


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows, ".json": _jsonl_rows, ".csv": _csv_rows, ".tsv": _csv_rows,
    ".parquet": _parquet_rows, ".pq": _parquet_rows,
}


def kind_of_value(value: object) -> Kind:
    """What a cell is."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "empty"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return _kind_of_list(value)
    return "object"


def _kind_of_list(value: list[Any] | tuple[Any, ...]) -> Kind:
    kinds = {kind_of_value(item) for item in value} - {"empty"}
    if kinds <= {"text"}:
        return "texts"
    return "numbers" if kinds <= {"number"} else "object"


def is_number(text: str) -> bool:
    """Whether a CSV cell spells a finite number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


@dataclass
class Column:
    """What is known of a column after all rows."""

    name: str
    filled: int = 0
    """Cells that are not null."""
    kinds: set[Kind] = field(default_factory=set)
    spells_numbers: bool = True
    """Every text cell spells a number."""
    whole: bool = True
    """Every number is whole."""
    values: dict[Any, int] = field(default_factory=dict)
    """Distinct values (of lists: their items) and how often; stops at DISTINCT_KEPT."""
    seen: set[int] = field(default_factory=set)
    """Hashes of all values: whether they are distinct."""
    letters: int = 0
    longest: int = 0
    """Of lists their length, of texts their tokens."""
    lengths: set[int] = field(default_factory=set)
    """Of lists."""

    def add(self, value: Any) -> None:
        """Look at one cell."""
        kind = kind_of_value(value)
        if kind == "empty":
            return
        self.filled += 1
        self.kinds.add(kind)
        if kind in {"texts", "numbers"}:
            self.longest = max(self.longest, len(value))
            self.lengths.add(len(value))
            for item in value:
                self._remember(item)
        elif kind != "object":
            self.seen.add(hash(value))
            self._remember(value)
            if kind == "text":
                self.letters += len(value)
                self.longest = max(self.longest, len(tokenizer.tokens(value)))
                self.spells_numbers = self.spells_numbers and is_number(value)
            elif kind == "number":
                self.whole = self.whole and float(value).is_integer()

    def _remember(self, value: Any) -> None:
        if value in self.values or len(self.values) <= DISTINCT_KEPT:
            self.values[value] = self.values.get(value, 0) + 1

    @property
    def kind(self) -> Kind:
        """One word for all cells; numbers spelled as text are numbers."""
        kinds = self.kinds - {"empty"}
        if kinds == {"text"}:
            return "number" if self.spells_numbers else "text"
        if len(kinds) == 1:
            return next(iter(kinds))
        if not kinds:
            return "empty"
        return "text" if kinds <= {"text", "number", "flag"} else "object"

    @property
    def distinct(self) -> bool:
        """No value comes twice."""
        return len(self.seen) == self.filled

    @property
    def classes(self) -> list[str]:
        """Distinct values as class names, sorted."""
        return sorted({class_name(value) for value in self.values})

    @property
    def few(self) -> bool:
        """So few distinct values that they look like classes."""
        return 2 <= len(self.values) <= min(200, max(2, self.filled // 5))

    @property
    def mean_letters(self) -> float:
        """Mean length of a text cell."""
        return self.letters / self.filled if self.filled else 0.0


def class_name(value: Any) -> str:
    """A value as the name of a class: text as it is, 1.0 as `1`, true as `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str) else str(value)
