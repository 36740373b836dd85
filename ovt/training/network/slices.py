"""Slices as capacity: is the record in the slice, and what would an expert for it change.

    z' = z + (σ(q) ⊗ gelu(V z)) U

`q` are the membership logits of all slices, `V` and `U` the experts of all
slices side by side, so the whole costs two matrix products however many
slices there are. `U` starts from zero: at first no slice changes anything.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SliceExperts(nn.Module):
    """Membership indicators and low-rank experts of all slices on one payload."""

    def __init__(self, size: int, slices: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.membership = nn.Linear(2 * size, slices)
        self.into = nn.Linear(size, slices * rank)
        self.out = nn.Parameter(torch.zeros(slices * rank, size))

    def forward(self, z: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, size), (B, 2 × size) -> the changed z and the membership logits (B, slices)."""
        logits = self.membership(summary)
        gate = torch.sigmoid(logits).repeat_interleave(self.rank, dim=1)  # (B, slices × rank)
        change = (nn.functional.gelu(self.into(z)) * gate.unsqueeze(1)) @ self.out
        return z + change, logits
