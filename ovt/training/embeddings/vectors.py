"""Files of vectors by name: word2vec and GloVe text, safetensors with its vocabulary beside it.

Only vectors that are wanted are kept, so a file larger than memory can be
read. The text form is one line per name, `NAME x1 x2 …`, with or without
word2vec's first line `COUNT LENGTH`. A safetensors file holds one matrix (or
one called `vectors`, `embeddings` or `weight`), and the names of its rows in
`NAME.vocab.txt`, `NAME.txt` or `vocab.txt` beside it, one a line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.errors import MissingError, ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAMES = "names"
"""Metadata of a safetensors file that brings its own names, as JSON; `ovt embed` writes it."""
MATRICES = ("vectors", "embeddings", "weight", "embedding.weight")


class Vectors(msgspec.Struct, frozen=True, tag="vectors"):
    """The words that a file's part of the model knows, in the order of their rows; row 0 is for all others."""

    words: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of the table, that of unknown words included."""
        return len(self.words) + 1

    def encode(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """(v,) the row of each string as it is written, else of its lower-cased form, else 0."""
        index = {word: number for number, word in enumerate(self.words, 1)}
        found = (index.get(text) or index.get(text.lower(), 0) for text in strings)
        return np.fromiter(found, np.int64, len(strings))


@dataclass(frozen=True)
class NamedVectors:
    """Names and their vectors."""

    names: tuple[str, ...]
    matrix: Floats
    """(names, length)."""

    def scaled(self) -> NamedVectors:
        """With a mean length of 1, as learned vectors have in the beginning."""
        norm = float(np.linalg.norm(self.matrix, axis=1).mean()) if len(self.names) else 0.0
        return NamedVectors(self.names, self.matrix / np.float32(norm)) if norm > 0 else self


def read_vectors(path: Path, wanted: frozenset[str], first: int = 0) -> NamedVectors:
    """The vectors of some names.

    Args:
        path: `.txt`, `.vec` or `.safetensors`.
        wanted: names that are kept if the file has them.
        first: names at the head of the file that are kept too; such files are sorted by frequency.

    Raises:
        MissingError: there is no such file.
        ProjectError: it is no file of vectors, with the line that is wrong.
    """
    if not path.is_file():
        raise MissingError(f"there is no `{path.name}`", at=str(path), why="an embedding reads it",
                           fix="put it there, or fetch it", command="ovt pull")
    stamp = path.stat()
    return _read(path, (stamp.st_size, stamp.st_mtime_ns), wanted, first)


@lru_cache(maxsize=4)
def _read(path: Path, stamp: tuple[int, int], wanted: frozenset[str], first: int) -> NamedVectors:
    """Remembered for the trials of a search, which differ in other things."""
    del stamp
    found = _read_safetensors(path, wanted, first) if path.suffix == ".safetensors" else _read_text(path, wanted, first)
    order = sorted(range(len(found.names)), key=found.names.__getitem__)
    return NamedVectors(tuple(found.names[place] for place in order), found.matrix[order])


def _read_text(path: Path, wanted: frozenset[str], first: int) -> NamedVectors:
    names: list[str] = []
    rows: list[Floats] = []
    seen: set[str] = set()
    length = 0
    for number, name, values in _lines(path):
        length = length or values.count(" ") + 1
        if name in seen or (name not in wanted and number >= first) or values.count(" ") >= length:
            continue  # more fields than numbers: a name with spaces in it, which no word is
        row = _numbers(path, number, values)
        if len(row) != length:
            raise _wrong(path, number, f"found {len(row)} numbers, the first line has {length}")
        seen.add(name)
        names.append(name)
        rows.append(row)
    if not length:
        raise _wrong(path, 0, "the file is empty")
    return NamedVectors(tuple(names), np.stack(rows) if rows else np.zeros((0, length), np.float32))


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number, name and numbers of each line; word2vec's header is passed over."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file):
            name, _, values = line.rstrip(" \r\n").partition(" ")
            if number == 0 and name.isdigit() and values.isdigit():
                continue
            if values:
                yield number, name, values


def _numbers(path: Path, number: int, values: str) -> Floats:
    try:
        return np.array(values.split(" "), np.float32)
    except ValueError:
        raise _wrong(path, number, f"found {values[:40]!r} where numbers should be") from None


def _read_safetensors(path: Path, wanted: frozenset[str], first: int) -> NamedVectors:
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        keys = sorted(file.keys())
        chosen = keys[0] if len(keys) == 1 else next((key for key in MATRICES if key in keys), None)
        if chosen is None:
            raise _wrong(path, None, f"found {', '.join(keys[:4])}: which of them is the matrix?")
        part = file.get_slice(chosen)
        shape = part.get_shape()
        names = json.loads(told) if (told := (file.metadata() or {}).get(NAMES)) else _vocabulary(path)
        if len(shape) != 2 or shape[0] != len(names):
            size = "×".join(map(str, shape))
            raise _wrong(path, None, f"`{chosen}` is {size}, the vocabulary has {len(names)} names")
        rows = [row for row, name in enumerate(names) if row < first or name in wanted]
        kept = [np.asarray(part[row:row + 1], np.float32) for row in rows]
    matrix = np.concatenate(kept) if kept else np.zeros((0, shape[1]), np.float32)
    return NamedVectors(tuple(names[row] for row in rows), matrix)


def _vocabulary(path: Path) -> list[str]:
    for beside in (path.with_suffix(".vocab.txt"), path.with_suffix(".txt"), path.parent / "vocab.txt"):
        if beside.is_file():
            return beside.read_text(encoding="utf-8").splitlines()
    raise MissingError(f"`{path.name}` has no vocabulary", at=str(path), why="which row is which word?",
                       fix=f"write the names, one a line, to {path.with_suffix('.vocab.txt').name}")


def folder_vectors(folder: Path, rows: int) -> Floats:
    """(rows, length) the input vectors of a Hugging Face folder.

    Raises:
        ProjectError: the folder holds no such matrix.
    """
    weights, key = folder / "model.safetensors", "embeddings.word_embeddings.weight"
    if not weights.is_file():
        raise MissingError("the pretrained folder has no weights", at=str(weights), why="an embedding reads them",
                           fix="save the model as safetensors, or fetch it", command="ovt pull")
    from safetensors import safe_open

    with safe_open(str(weights), framework="numpy") as file:
        name = next((found for found in sorted(file.keys()) if found.endswith(key)), None)
        matrix: Any = file.get_tensor(name) if name else None
    if matrix is None or len(matrix) < rows:
        found = "no word_embeddings" if matrix is None else f"{len(matrix)} rows for {rows} pieces"
        raise ProjectError("the pretrained folder has no input vectors", at=str(weights), why=f"found {found}",
                           fix="take a folder of the BERT family")
    return np.asarray(matrix[:rows], np.float32)


def folder_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a Hugging Face folder, without what tells where it came from.

    Raises:
        MissingError: the folder has none.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise MissingError("the pretrained folder has no config.json", at=str(folder), why="it names the encoder",
                           fix="put the whole folder there, or fetch it", command="ovt pull")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key not in {"_name_or_path", "transformers_version"}}


def _wrong(path: Path, number: int | None, why: str) -> ProjectError:
    at = str(path) if number is None else f"{path}:{number + 1}"
    return ProjectError(f"`{path.name}` is no file of vectors", at=at, why=why,
                        fix="one line per word: the word, then its numbers, with one space between")
