"""Aggregations: from the elements of a payload to one vector.

Each is a module `Aggregation(size)` with
`forward(x (B, T, size), mask (B, T)) -> (B, size)`; no element gives zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ovt.training.extensions import find_extension
from ovt.training.network.attention import FAR, masked_softmax

GROUP = "ovt.aggregations"


def build_aggregation(name: str, size: int) -> nn.Module:
    """The aggregation of that name, built in or installed under `ovt.aggregations`."""
    module: nn.Module = find_extension(GROUP, AGGREGATIONS, name)(size)
    return module


class Mean(nn.Module):
    """The mean of the elements."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, size), (B, T) -> (B, size)."""
        return masked_mean(x, mask)


class Max(nn.Module):
    """The largest value of each component."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, size), (B, T) -> (B, size)."""
        return masked_max(x, mask)


class AttentionPooling(nn.Module):
    """A learned look: several heads score the elements, each reads its share of the components."""

    def __init__(self, size: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads if size % heads == 0 else 1
        self.score = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, self.heads))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, size), (B, T) -> (B, size)."""
        scores = self.score(x).transpose(1, 2)  # (B, heads, T)
        weights = masked_softmax(scores, mask.unsqueeze(1))
        share = x.shape[2] // self.heads
        values = x.view(x.shape[0], x.shape[1], self.heads, share).transpose(1, 2)  # (B, heads, T, share)
        return (weights.unsqueeze(2) @ values).reshape(x.shape[0], x.shape[2])


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """(B, T, D), (B, T) -> (B, D), zeros where nothing is left."""
    kept = mask.unsqueeze(2).to(x.dtype)
    return (x * kept).sum(1) / kept.sum(1).clamp(min=1.0)


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """(B, T, D), (B, T) -> (B, D), zeros where nothing is left."""
    kept = mask.unsqueeze(2)
    return torch.where(kept, x, FAR).amax(1) * kept.any(1)


AGGREGATIONS: dict[str, type[nn.Module]] = {"max": Max, "mean": Mean, "attention": AttentionPooling}
