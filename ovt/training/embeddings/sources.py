"""All that a model's embeddings know of strings, by part: made from the train records and from pretrained files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.training.embeddings.alignment import Alignment
from ovt.training.embeddings.characters import Characters, alphabet_of
from ovt.training.embeddings.names import GROUP, TABLE_ARRAYS, feature, is_file, is_folder, parts_of
from ovt.training.embeddings.pieces import Pieces, folder_pieces, learn_pieces
from ovt.training.embeddings.vectors import Vectors, folder_config, folder_vectors, read_vectors
from ovt.training.extensions import find_extension

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.training.tuning.values import PayloadValues, WordValues

    Encoded = NDArray[Any] | tuple[NDArray[np.int64], NDArray[np.int32]]

PRETRAINED = "pretrained"
"""The encoder that a folder brings."""


class Installed(msgspec.Struct, frozen=True, tag="installed"):
    """An embedding of an installed package: an object with `encode(strings) -> (v, F)` and `build(size) -> module`."""

    name: str
    rows: int = 0

    def encode(self, strings: Sequence[str]) -> NDArray[Any]:
        """(v, F) what the package's module reads of each string."""
        found = np.asarray(find_extension(GROUP, {}, self.name).encode(list(strings)))
        return found.astype(np.float32 if found.dtype.kind == "f" else np.int64)


Source = Characters | Pieces | Vectors | Installed


@dataclass(frozen=True)
class Embeddings:
    """What is known of strings beyond the shared word table."""

    parts: dict[str, Source] = field(default_factory=dict)
    """By part of `embedding:`, sorted."""
    alignments: dict[str, Alignment] = field(default_factory=dict)
    """By payload whose encoder is pretrained."""
    table: tuple[str, ...] = ("id", "subwords")
    """Arrays of the shared word table that some payload reads."""
    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Rows and components of each matrix that a file brought, by part; by `PAYLOAD.id` learned members, components."""
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`config.json` of the folders of pretrained encoders, by part."""
    matrices: dict[str, NDArray[np.float32]] = field(default_factory=dict, compare=False, repr=False)
    """The matrices themselves, while a model is made; afterwards they are among its weights."""

    def encode(self, strings: Sequence[str]) -> dict[str, Encoded]:
        """By array `words/…`: (v,) or (v, F) values, or offsets and values."""
        return {feature(part): source.encode(strings) for part, source in self.parts.items()}


@dataclass(frozen=True)
class Wanted:
    """What a set of values asks for."""

    values: Mapping[str, PayloadValues]
    """Of the payloads that have words."""
    words: WordValues
    root: Path | None
    """Where files and folders lie."""

    def parts(self) -> list[str]:
        """All parts, sorted."""
        return sorted({part for values in self.values.values() for part in parts_of(values.embedding)})

    def readers(self) -> Iterable[PayloadValues]:
        """The values of each payload."""
        return self.values.values()

    def path(self, part: str) -> Path:
        """A file or folder."""
        from pathlib import Path

        return (self.root or Path()) / part


def build_embeddings(wanted: Wanted, strings: Iterable[str], counted: Iterable[tuple[str, int]]) -> Embeddings:
    """Learn alphabets and pieces, and read the files that values name.

    Args:
        wanted: the values.
        strings: every string of the store, of all splits: a word that a file knows keeps its vector.
        counted: words of train with their counts.

    Raises:
        MissingError: a file, a folder or a package is not there.
        ProjectError: one of them is of another kind.
    """
    parts = wanted.parts()
    table = tuple(name for name in ("id", "subwords") if any(name in TABLE_ARRAYS.get(part, ()) for part in parts))
    found = Embeddings(table=table if parts else ("id", "subwords"))
    for part in parts:
        if part not in TABLE_ARRAYS:
            found.parts[part] = _source(part, wanted, found, strings, counted)
    for payload, values in wanted.values.items():
        if values.encoder == PRETRAINED:
            found.alignments[payload] = _alignment(payload, values, wanted, found)
    return found


def _source(
    part: str, wanted: Wanted, found: Embeddings, strings: Iterable[str], counted: Iterable[tuple[str, int]],
) -> Source:
    if part == "characters":
        return alphabet_of(counted)
    if part == "subwords":
        return learn_pieces(counted, wanted.words.pieces)
    if is_file(part):
        names = frozenset(strings) | {text.lower() for text in strings}
        vectors = read_vectors(wanted.path(part), names, wanted.words.extra_vectors).scaled()
        _keep(found, part, vectors.matrix)
        return Vectors(vectors.names)
    if is_folder(part):
        pieces = folder_pieces(wanted.path(part))
        if any(part in parts_of(values.embedding) and values.encoder != PRETRAINED for values in wanted.readers()):
            matrix = folder_vectors(wanted.path(part), pieces.rows - 1)
            _keep(found, part, matrix / np.float32(np.linalg.norm(matrix, axis=1).mean()))
        return pieces
    return Installed(part)


def _keep(found: Embeddings, part: str, matrix: NDArray[np.float32]) -> None:
    found.matrices[part] = np.concatenate([np.zeros((1, matrix.shape[1]), np.float32), matrix])
    found.tables[part] = (len(matrix) + 1, matrix.shape[1])


def _alignment(payload: str, values: PayloadValues, wanted: Wanted, found: Embeddings) -> Alignment:
    from ovt.errors import ProjectError

    parts = parts_of(values.embedding)
    if len(parts) != 1 or not is_folder(parts[0]):
        raise ProjectError("`encoder: pretrained` needs the folder that it is in", at=f"payloads.{payload}.embedding",
                           why=f"found {values.embedding!r}", fix="`embedding: models/bert`, a folder of this project")
    part = parts[0]
    config, pieces = folder_config(wanted.path(part)), found.parts[part]
    found.configs[part] = config
    assert isinstance(pieces, Pieces)
    longest = int(config.get("max_position_embeddings", 512))
    return Alignment(feature(part), pieces.number("[CLS]"), pieces.number("[SEP]"), longest, values.pieces == "first")
