"""What a network is trained to make small: cross-entropy with probabilistic labels, weighted item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ovt.training.network.attention import FAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.schema.spec import TaskType


def multiclass_loss(logits: Tensor, probabilities: Tensor) -> Tensor:
    """(l, k), (l, k) -> (l,) cross-entropy."""
    return -(probabilities * torch.log_softmax(logits, dim=-1)).sum(-1)


def bitvector_loss(logits: Tensor, probabilities: Tensor) -> Tensor:
    """(l, k), (l, k) -> (l,) binary cross-entropy, summed over classes: each is a question of its own."""
    return binary_cross_entropy_with_logits(logits, probabilities, reduction="none").sum(-1)


def select_loss(scores: Tensor, probabilities: Tensor) -> Tensor:
    """(l, M), (l, M) -> (l,) cross-entropy over candidates; scores beyond a row's candidates are FAR."""
    return multiclass_loss(scores, probabilities)


LOSSES: dict[TaskType, Callable[[Tensor, Tensor], Tensor]] = {
    "multiclass": multiclass_loss, "bitvector": bitvector_loss, "select": select_loss,
}


def item_losses(kind: TaskType, logits: Tensor, probabilities: Tensor) -> Tensor:
    """(l,) the loss of each labelled item."""
    return LOSSES[kind](logits, probabilities)


def smooth(probabilities: Tensor, amount: float) -> Tensor:
    """Move `amount` of each item's probability evenly to all classes."""
    return probabilities * (1 - amount) + amount / probabilities.shape[-1]


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean by weight.

    Each task is averaged over its own labelled items of the batch, so that a
    task with few labels counts as much in a step as one with many.
    """
    return (losses * weights).sum() / weights.sum().clamp(min=1e-6)


def mask_candidates(scores: Tensor, counts: Tensor) -> Tensor:
    """(B, M) with FAR beyond each row's candidates."""
    return torch.where(torch.arange(scores.shape[1]) < counts.unsqueeze(1), scores, FAR)


def membership_loss(logits: Tensor, members: Tensor, positive_weight: Tensor) -> Tensor:
    """Mean over slices of the class-weighted binary cross-entropy: (B, S), (B, S), (S,).

    Without the weight the indicator of a slice of 1 % says "no" to everything.
    """
    return binary_cross_entropy_with_logits(logits, members, pos_weight=positive_weight)
