"""Heads: from a payload's representation to the logits of one task.

A head is `Head(size, classes, dropout)` with
`forward(elements (B, T, size)) -> (B, T, classes)`; a `select` head scores
each member with one number. A record-level task reads the single element of
its payload, a token or member task every element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from ovt.training.network.dropout import RowDropout

if TYPE_CHECKING:
    from ovt.schema.spec import TaskType


class ClassHead(nn.Module):
    """A logit per class; multiclass takes their softmax, bitvector the sigmoid of each."""

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = RowDropout(dropout)
        self.linear = nn.Linear(size, classes)

    def forward(self, elements: Tensor) -> Tensor:
        """(B, T, size) -> (B, T, classes)."""
        out: Tensor = self.linear(self.dropout(elements))
        return out


class SelectHead(nn.Module):
    """A score per member; their softmax over the set is the answer."""

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__()
        del classes
        self.layers = nn.Sequential(
            RowDropout(dropout), nn.Linear(size, size), nn.GELU(), RowDropout(dropout), nn.Linear(size, 1),
        )

    def forward(self, elements: Tensor) -> Tensor:
        """(B, M, size) -> (B, M, 1)."""
        out: Tensor = self.layers(elements)
        return out


HEADS: dict[TaskType, type[nn.Module]] = {"multiclass": ClassHead, "bitvector": ClassHead, "select": SelectHead}
