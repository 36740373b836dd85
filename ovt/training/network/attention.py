"""Attention as matrix products and a masked softmax.

`nn.MultiheadAttention` bakes the length into an exported graph; this does not.
Rows without any element give zeros, never NaN.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

FAR = -1e4
"""Score of what must not be looked at: small enough to vanish, finite in every precision."""


def length_mask(lengths: Tensor, width: int) -> Tensor:
    """(B, T) true for the elements before each row's length."""
    return torch.arange(width, device=lengths.device).unsqueeze(0) < lengths.unsqueeze(1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis among the elements where `mask` is true; zeros elsewhere."""
    weights = torch.softmax(torch.where(mask, scores, FAR), dim=-1)
    return weights * mask


class Attention(nn.Module):
    """Multi-head attention: each query element reads the key elements that the mask allows."""

    def __init__(self, query_size: int, key_size: int, heads: int, head_size: int) -> None:
        super().__init__()
        self.heads, self.head_size = heads, head_size
        width = heads * head_size
        self.query = nn.Linear(query_size, width)
        self.key = nn.Linear(key_size, width)
        self.value = nn.Linear(key_size, width)
        self.out = nn.Linear(width, query_size)

    def forward(self, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """(B, Q, query_size), (B, K, key_size), (B, K) -> (B, Q, query_size)."""
        q, k, v = self._split(self.query(queries)), self._split(self.key(keys)), self._split(self.value(keys))
        scores = q @ k.transpose(2, 3) / math.sqrt(self.head_size)  # (B, heads, Q, K)
        read = masked_softmax(scores, mask[:, None, None, :]) @ v  # (B, heads, Q, head_size)
        joined = read.transpose(1, 2).reshape(queries.shape[0], queries.shape[1], self.heads * self.head_size)
        out: Tensor = self.out(joined)
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, self.head_size).transpose(1, 2)
