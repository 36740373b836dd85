"""Dictionaries of phrases in files: JSON, YAML, CSV, TSV, or one phrase a line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from ovt.documents import read_document
from ovt.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
DICTIONARIES = (".json", ".yaml", ".yml", ".csv", ".tsv", ".txt")
"""Endings of the files that `read_dictionary` reads."""


def read_dictionary(path: Path, shown: str) -> Any:
    """The content of a dictionary file: a mapping from phrase to label, or a list of phrases.

    Raises:
        ProjectError: its form is unknown, or a line of it is wrong.
    """
    if path.suffix in {".json", ".yaml", ".yml"}:
        return read_document(path, shown).value
    if path.suffix in _SEPARATORS:
        return _read_table(path, shown, _SEPARATORS[path.suffix])
    if path.suffix == ".txt":
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return [line.strip() for line in lines if line.strip()]
    raise ProjectError(f"`{shown}` is no dictionary", at=shown, why=f"`{path.suffix}` is not known",
                       fix="one of .json .yaml .csv .tsv (phrase, label) .txt (one phrase a line)")


def _read_table(path: Path, shown: str, separator: str) -> dict[str, str | None]:
    phrases: dict[str, str | None] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        for row in reader:
            if not row or not row[0].strip():
                continue
            if len(row) > 2:
                raise ProjectError(f"a row of `{shown}` has {len(row)} columns", at=f"{shown}:{reader.line_num}",
                                   why="a dictionary has two: phrase, label", fix="drop the others")
            phrases.setdefault(row[0].strip(), row[1].strip() if len(row) == 2 and row[1].strip() else None)
    return phrases
