"""Word vectors of every kind, for the distinct words of a batch; a payload reads the parts that it names, side by side.

A module of an installed package (group `ovt.embeddings`) is built by its
`build(size)` and reads what its `encode` gave for each word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from ovt.storage.files import safe_name
from ovt.training.embeddings.characters import Characters
from ovt.training.embeddings.names import GROUP, TABLE_ARRAYS, feature
from ovt.training.embeddings.sources import Installed
from ovt.training.embeddings.vectors import Vectors
from ovt.training.extensions import find_extension
from ovt.training.features import FIRST_WORD, PADDING, UNKNOWN
from ovt.training.network.aggregations import masked_max, masked_mean
from ovt.training.network.blueprint import LEARNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ovt.training.embeddings.sources import Source
    from ovt.training.network.blueprint import Blueprint

CHARACTER_SIZE = 24


class FixedTable(nn.Module):
    """Vectors that a file brought: kept as they are, or learned on from there."""

    def __init__(self, rows: int, size: int, fine_tune: bool) -> None:
        super().__init__()
        self.size, self.fine_tune = size, fine_tune
        if fine_tune:
            self.table = nn.Parameter(torch.zeros(rows, size))
        else:
            self.register_buffer("table", torch.zeros(rows, size))

    def fill(self, matrix: NDArray[np.float32]) -> None:
        """Take over the file's vectors."""
        self.table.data.copy_(torch.from_numpy(matrix))

    def forward(self, ids: Tensor) -> Tensor:
        """(…) -> (…, size); 0 is zeros."""
        return embedding(ids, self.table, padding_idx=PADDING, sparse=self.fine_tune)


class FixedPieces(FixedTable):
    """A word as the mean of its pieces' vectors."""

    def forward(self, ids: Tensor) -> Tensor:
        """(U, P) -> (U, size)."""
        return masked_mean(super().forward(ids), ids > 0)


class LearnedWords(nn.Module):
    """A learned vector per frequent word, and nothing of its form."""

    def __init__(self, words: int, size: int, word_dropout: float) -> None:
        super().__init__()
        self.size, self.word_dropout = size, word_dropout
        self.table = learned_table(words + FIRST_WORD, size)

    def forward(self, ids: Tensor) -> Tensor:
        """(U,) -> (U, size)."""
        if self.training and self.word_dropout > 0:
            forget = (torch.rand(ids.shape) < self.word_dropout) & (ids != PADDING)
            ids = torch.where(forget, UNKNOWN, ids)
        out: Tensor = self.table(ids)
        return out


class LearnedPieces(nn.Module):
    """The mean of learned vectors of a word's pieces or hashed sub-words."""

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.table = learned_table(rows, size)

    def forward(self, ids: Tensor) -> Tensor:
        """(U, P) -> (U, size)."""
        return masked_mean(self.table(ids), ids > 0)


class CharacterCnn(nn.Module):
    """Characters, convolutions over two, three and four of them, the largest of each filter (Kim et al. 2016)."""

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.table = nn.Embedding(rows, CHARACTER_SIZE, padding_idx=PADDING)
        shares = [size // 3, size // 3, size - 2 * (size // 3)]
        self.layers = nn.ModuleList(nn.Conv1d(CHARACTER_SIZE, share, width) for share, width in zip(
            shares, (2, 3, 4), strict=True) if share)

    def forward(self, ids: Tensor) -> Tensor:
        """(U, C) -> (U, size)."""
        # Three more places, so that the widest filter fits the shortest word, whatever it stands beside.
        padded = torch.cat([ids, torch.zeros_like(ids[:, :1]).expand(-1, 3)], dim=1)
        x = self.table(padded).transpose(1, 2)  # (U, D, C + 3)
        found = []
        for layer in self.layers:
            filtered = torch.tanh(layer(x)).transpose(1, 2)  # (U, C + 4 - width, share)
            found.append(masked_max(filtered[:, :ids.shape[1]], ids > 0))
        return torch.cat(found, dim=1)


def learned_table(rows: int, size: int) -> nn.Embedding:
    """Random vectors of length about 1; padding is zeros. Gradients are sparse."""
    table = nn.Embedding(rows, size, padding_idx=PADDING, sparse=True)
    nn.init.normal_(table.weight, std=size**-0.5)
    with torch.no_grad():
        table.weight[PADDING].zero_()
    return table


class OtherEmbeddings(nn.Module):
    """The parts that are not `learned`."""

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        readers: dict[str, list[str]] = {}
        for payload in blueprint.values.payloads:
            for part in blueprint.embedding(payload):
                readers.setdefault(part, []).append(payload)
        self.names = sorted(readers.keys() - {LEARNED})
        tuned = {name for name, values in blueprint.values.payloads.items() if values.fine_tune}
        self.parts = nn.ModuleDict({
            _key(part): _module(part, blueprint, fine_tune=not tuned.isdisjoint(readers[part])) for part in self.names
        })

    def fill(self, matrices: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over the vectors that files brought."""
        for part in self.names:
            module = self.parts[_key(part)]
            if isinstance(module, FixedTable):
                module.fill(matrices[part])

    def sizes(self) -> dict[str, int]:
        """Components of each part."""
        return {part: int(getattr(self.parts[_key(part)], "size")) for part in self.names}  # noqa: B009

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """By part, (U, size)."""
        return {part: self.parts[_key(part)](inputs[f"words/{_array(part)}"]) for part in self.names}


def _key(part: str) -> str:
    """A part as part of a parameter's name."""
    return f"@{safe_name(part)}"


def _array(part: str) -> str:
    return TABLE_ARRAYS[part][0] if part in TABLE_ARRAYS else feature(part)


def _module(part: str, blueprint: Blueprint, *, fine_tune: bool) -> nn.Module:
    values, found = blueprint.values, blueprint.embeddings
    size = values.words.size
    if part == "words":
        return LearnedWords(blueprint.words, size, values.training.word_dropout)
    if part == "hashed":
        return LearnedPieces(values.words.buckets + 1, size)
    source = found.parts[part]
    if part in found.tables:
        kind = FixedTable if isinstance(source, Vectors) else FixedPieces
        return kind(*found.tables[part], fine_tune)
    return _learned(source, size)


def _learned(source: Source, size: int) -> nn.Module:
    if isinstance(source, Installed):
        module: nn.Module = find_extension(GROUP, {}, source.name).build(size)
        module.size = size  # type: ignore[assignment]
        return module
    return CharacterCnn(source.rows, size) if isinstance(source, Characters) else LearnedPieces(source.rows, size)


def joined(parts: dict[str, Tensor], names: tuple[str, ...]) -> Tensor:
    """The vectors of some parts side by side; nothing of none."""
    if not names:
        return torch.zeros(1, 0)
    return parts[names[0]] if len(names) == 1 else torch.cat([parts[name] for name in names], dim=1)
