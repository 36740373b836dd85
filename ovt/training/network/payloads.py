"""Payload representations: one module per payload type, run in the order of the schema's graph.

Each gives a Representation: elements (B, T, size) with a mask. A singleton has
one element. A row whose payload is null or empty has one element, a learned
vector, so that whatever reads it never meets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ovt.training.network.aggregations import build_aggregation, masked_max, masked_mean
from ovt.training.network.attention import length_mask
from ovt.training.network.dropout import RowDropout
from ovt.training.network.encoders import build_encoder

if TYPE_CHECKING:
    from ovt.schema.spec import Payload
    from ovt.training.tuning.values import PayloadValues

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Representation:
    """A payload of a batch."""

    elements: Tensor
    """(B, T, size)."""
    mask: Tensor
    """(B, T) true where there is an element; true somewhere in every row."""

    def vector(self) -> Tensor:
        """(B, size) the only element of a singleton, the mean of a sequence or set."""
        return self.elements[:, 0] if self.elements.shape[1] == 1 else masked_mean(self.elements, self.mask)

    def summary(self) -> Tensor:
        """(B, 2 × size) mean and maximum: what a record is about, whatever the payload's type."""
        if self.elements.shape[1] == 1:  # the same, and a dozen steps fewer when one record is served
            return self.elements[:, 0].repeat(1, 2)
        return torch.cat([masked_mean(self.elements, self.mask), masked_max(self.elements, self.mask)], dim=1)


Representations = dict[str, Representation]


class NullVector(nn.Module):
    """Puts a learned vector where a row has no element."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.null = nn.Parameter(torch.zeros(size))

    def forward(self, elements: Tensor, mask: Tensor) -> Representation:
        """(B, T, size), (B, T)."""
        if mask.shape[1] == 1:  # the same, and a dozen steps fewer when one record is served
            return Representation(torch.where(mask.unsqueeze(2), elements, self.null), torch.ones_like(mask))
        empty = ~mask.any(1, keepdim=True)  # (B, 1)
        first = torch.arange(mask.shape[1]).unsqueeze(0) == 0  # (1, T)
        place = empty & first  # (B, T)
        return Representation(torch.where(place.unsqueeze(2), self.null, elements), mask | place)


class Context(nn.Module):
    """What the payloads that this one builds on say, as one vector per row."""

    def __init__(self, base_sizes: list[int], size: int) -> None:
        super().__init__()
        self.project = nn.Linear(2 * sum(base_sizes), size)

    def forward(self, base: list[Representation]) -> Tensor:
        """-> (B, size)."""
        out: Tensor = torch.relu(self.project(torch.cat([found.summary() for found in base], dim=1)))
        return out


class Sequence(nn.Module):
    """Tokens: word vectors, the context of its base, an encoder."""

    def __init__(
        self, payload: Payload, values: PayloadValues, word_size: int, base_sizes: list[int], dropout: float,
    ) -> None:
        super().__init__()
        self.name, self.base = payload.name, payload.base
        self.context = Context(base_sizes, word_size) if base_sizes else None
        self.dropout = RowDropout(dropout)
        self.encoder = build_encoder(values.encoder, word_size, values.size, dropout)
        self.empty = NullVector(values.size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Encode (B, T) words."""
        x = self.dropout(words[inputs[f"{self.name}/words"]])  # (B, T, word_size)
        if self.context is not None:
            x = x + self.context([done[name] for name in self.base]).unsqueeze(1)
        lengths = inputs[f"{self.name}/length"]
        out: Representation = self.empty(self.encoder(x, lengths), length_mask(lengths, x.shape[1]))
        return out


class OwnText(nn.Module):
    """A singleton that reads its own tokens: a sequence, then an aggregation."""

    def __init__(self, sequence: nn.Module, values: PayloadValues) -> None:
        super().__init__()
        self.sequence = sequence
        self.aggregation = build_aggregation(values.aggregation, values.size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Encode and aggregate."""
        found = self.sequence(inputs, words, done)
        return single(self.aggregation(found.elements, found.mask))


class Aggregate(nn.Module):
    """A singleton made of other payloads: each aggregated, and where several mix, all their elements attended to."""

    def __init__(self, payload: Payload, values: PayloadValues, base_sizes: list[int], dropout: float) -> None:
        super().__init__()
        size = values.size
        self.name, self.base = payload.name, payload.base
        self.projections = nn.ModuleList(nn.Linear(found, size) for found in base_sizes)
        self.aggregations = nn.ModuleList(build_aggregation(values.aggregation, size) for _ in base_sizes)
        self.mixture = build_aggregation("attention", size) if len(base_sizes) > 1 else None
        parts = len(base_sizes) + (self.mixture is not None)
        self.join = nn.Linear(parts * size, size) if parts > 1 else nn.Identity()
        self.dropout = RowDropout(dropout)
        self.empty = NullVector(size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Aggregate the base."""
        del words
        base = [done[name] for name in self.base]
        elements = [project(found.elements) for project, found in zip(self.projections, base, strict=True)]
        parts = [pool(x, found.mask) for pool, x, found in zip(self.aggregations, elements, base, strict=True)]
        if self.mixture is not None:
            parts.append(self.mixture(torch.cat(elements, dim=1), torch.cat([found.mask for found in base], dim=1)))
        vector = self.join(torch.cat(parts, dim=1))
        # Its own text is spelled out by the base: it is null only where nothing of it is there.
        present = torch.stack([inputs[f"{name}/present"] for name in (self.name, *self.base)], dim=1)
        out: Representation = self.empty(self.dropout(vector.unsqueeze(1)), present.any(1, keepdim=True))
        return out


class Category(nn.Module):
    """One of some names, embedded."""

    def __init__(self, payload: Payload, values: PayloadValues, names: int) -> None:
        super().__init__()
        self.name = payload.name
        self.table = nn.Embedding(names + 1, values.size, sparse=True)
        self.empty = NullVector(values.size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Look it up."""
        del words, done
        x = self.table(inputs[f"{self.name}/name"]).unsqueeze(1)
        out: Representation = self.empty(x, inputs[f"{self.name}/present"].unsqueeze(1))
        return out


class Numbers(nn.Module):
    """A number or a ready-made vector, standardised, through one hidden layer."""

    def __init__(self, payload: Payload, values: PayloadValues, dropout: float) -> None:
        super().__init__()
        self.name = payload.name
        width = payload.length or 1
        self.layers = nn.Sequential(nn.Linear(width, values.size), nn.GELU(), nn.Dropout(dropout),
                                    nn.Linear(values.size, values.size))
        self.empty = NullVector(values.size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Transform it."""
        del words, done
        x = self.layers(inputs[f"{self.name}/value"]).unsqueeze(1)
        out: Representation = self.empty(x, inputs[f"{self.name}/present"].unsqueeze(1))
        return out


def single(vector: Tensor) -> Representation:
    """A representation of one element per row, (B, size)."""
    return Representation(vector.unsqueeze(1), torch.ones(vector.shape[0], 1, dtype=torch.bool))
