"""Set payloads: each member from all that is known about it, then attention among the members.

A member is its id, its place (candidate order is the linker's rank), its own
words, the encoded span that it stands for, how its words overlap with the
text, and the context of the record; it also attends to the encoded sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ovt.training.network.aggregations import masked_mean
from ovt.training.network.attention import Attention, length_mask
from ovt.training.network.dropout import RowDropout
from ovt.training.network.embeddings import FixedTable
from ovt.training.network.encoders import TransformerLayer
from ovt.training.network.overlap import FEATURES
from ovt.training.network.payloads import Context, NullVector, Representation, Representations, Tensors

if TYPE_CHECKING:
    from ovt.schema.spec import Payload
    from ovt.training.tuning.values import PayloadValues

PLACES = 32
"""Places told apart; all later ones share a vector."""
PLACE_SIZE = 16


@dataclass(frozen=True)
class MemberTables:
    """What is known of members by their ids."""

    names: int
    """Ids that are known."""
    learned: int
    """The first so many have a learned vector."""
    length: int
    """Components of the vectors that a file brought; 0: there is none."""


class MemberSet(nn.Module):
    """Members of a set, and what they say about each other."""

    def __init__(
        self, payload: Payload, values: PayloadValues, word_size: int, members: MemberTables, sizes: dict[str, int], *,
        dropout: float,
    ) -> None:
        super().__init__()
        self.name, self.base, self.range = payload.name, payload.base, payload.range
        size, (heads, head_size) = values.size, values.heads()
        self.learned = members.learned
        self.ids = nn.Embedding(members.learned + 1, size // 2, padding_idx=0, sparse=True)
        self.vectors = FixedTable(members.names + 1, members.length, values.fine_tune) if members.length else None
        self.places = nn.Embedding(PLACES, PLACE_SIZE)
        self.numbers = nn.Linear(FEATURES, size // 2)
        span_size = 2 * sizes[payload.range] if payload.range else 0
        self.context = Context([sizes[name] for name in self.context_names()], size) if self.context_names() else None
        context_size = size if self.context is not None else 0
        width = 2 * (size // 2) + members.length + PLACE_SIZE + word_size + span_size + context_size
        self.dropout = RowDropout(dropout)
        self.join = nn.Sequential(nn.Linear(width, size), nn.GELU())
        self.read = Attention(size, sizes[payload.range], heads, head_size) if payload.range else None
        self.layer = TransformerLayer(size, heads, head_size, dropout)
        self.empty = NullVector(size)

    def context_names(self) -> list[str]:
        """Payloads that tell what the record is about: the base and the range."""
        return [*self.base, *([self.range] if self.range and self.range not in self.base else [])]

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Represent the members: (B, M, size)."""
        counts = inputs[f"{self.name}/count"]
        members = inputs[f"{self.name}/id"].shape[1]
        mask = length_mask(counts, members)
        x = self.join(self.dropout(torch.cat(self._parts(inputs, words, done), dim=2)))
        if self.read is not None and self.range is not None:
            x = x + self.dropout(self.read(x, done[self.range].elements, done[self.range].mask))
        out: Representation = self.empty(self.layer(x, mask), mask)
        return out

    def members(self, ids: Tensor) -> Tensor:
        """(…) numbers of ids -> (…, size) their vectors: learned, and beside them those of a file."""
        if self.vectors is None:
            learned: Tensor = self.ids(ids)
            return learned
        # Members that only a file knows have the numbers after those that train taught.
        return torch.cat([self.ids(torch.where(ids <= self.learned, ids, 0)), self.vectors(ids)], dim=-1)

    def _parts(self, inputs: Tensors, words: Tensor, done: Representations) -> list[Tensor]:
        ids = inputs[f"{self.name}/id"]
        rows, members = ids.shape[0], ids.shape[1]
        places = torch.arange(members).clamp(max=PLACES - 1)
        own = inputs[f"{self.name}/words"]  # (B, M, L)
        text = masked_mean(words[own].view(rows * members, -1, words.shape[1]), own.view(rows * members, -1) > 0)
        parts = [
            self.members(ids), self.places(places).unsqueeze(0).expand(rows, -1, -1),
            torch.relu(self.numbers(inputs[f"{self.name}/overlap"])), text.view(rows, members, words.shape[1]),
        ]
        if self.range is not None:
            parts.append(span_summary(done[self.range].elements, inputs[f"{self.name}/range"]))
        if self.context is not None:
            context = self.context([done[name] for name in self.context_names()])
            parts.append(context.unsqueeze(1).expand(-1, members, -1))
        return parts


def span_summary(elements: Tensor, ranges: Tensor) -> Tensor:
    """Each half-open range as the mean of its elements and of its two ends.

    (B, T, D), (B, M, 2) -> (B, M, 2 × D)
    """
    steps = torch.arange(elements.shape[1])
    inside = (steps >= ranges[..., :1]) & (steps < ranges[..., 1:])  # (B, M, T)
    weights = inside.to(elements.dtype)
    mean = weights @ elements / weights.sum(2, keepdim=True).clamp(min=1.0)
    ends = torch.stack([ranges[..., 0], ranges[..., 1] - 1], dim=2).clamp(min=0, max=elements.shape[1] - 1)
    first = elements.gather(1, ends[..., :1].expand(-1, -1, elements.shape[2]))
    last = elements.gather(1, ends[..., 1:].expand(-1, -1, elements.shape[2]))
    return torch.cat([mean, (first + last) * inside.any(2, keepdim=True) / 2], dim=2)
