"""The slice residual attention module of Chen et al. (2019), for more than two classes and for any granularity.

Every slice has an expert representation, and so have "all records"; a
predictor that the experts share says how sure each is. What the task's head
reads is the experts' mean, weighed by attention:

    attention = softmax(likelihood × confidence / τ)      over the slices and "all records"

As published, τ is 1: likelihood and confidence are at most 1, so the right one
of K slices gets at most e / (e + K) of the weight, 0.12 of 20 and 0.009 of 300.
Here τ is learned, unless the tuning spec pins it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ovt.training.network.attention import FAR
from ovt.training.network.slices import Sliced, SliceLayer, SliceShape

if TYPE_CHECKING:
    from ovt.training.network.payloads import Representation


class Sram(SliceLayer):
    """Attention over an expert per slice and one for all records; costs slices × size²."""

    def __init__(self, shape: SliceShape) -> None:
        super().__init__(shape)
        self.experts = nn.Linear(shape.size, (1 + shape.slices) * shape.size)
        self.names = {name: f"@{number}" for number, name in enumerate(sorted(shape.tasks))}
        self.predictors = nn.ModuleDict({
            self.names[name]: nn.Linear(shape.size, width) for name, (_, width) in shape.tasks.items()
        })
        # From where the right slice of all can have half of the weight.
        start = 1 / (1 + math.log1p(shape.slices))
        self.log_temperature = None if shape.temperature else nn.Parameter(torch.tensor(math.log(start)))

    def forward(self, found: Representation) -> Sliced:
        """By task the attended experts, and what each expert would say alone."""
        gate, logits = self.gates(found)
        z, many = found.elements, 1 + self.shape.slices
        own = torch.relu(self.experts(z)).view(z.shape[0], z.shape[1], many, z.shape[2])  # (B, T, 1 + slices, size)
        every = torch.ones_like(gate[:, :1])
        likelihood, is_open = torch.cat([every, gate], dim=1), torch.cat([every[0], self.scale])
        elements, experts = {}, {}
        for name, (kind, _) in self.shape.tasks.items():
            experts[name] = self.predictors[self.names[name]](own)
            sure = confidence(kind, experts[name], found.mask)  # (B, T or 1, 1 + slices)
            attention = self._attention(likelihood.unsqueeze(1) * sure, is_open)
            elements[name] = z + (attention.unsqueeze(3) * own).sum(2)
        return Sliced(logits, elements, experts=experts)

    def _attention(self, scores: Tensor, is_open: Tensor) -> Tensor:
        """(B, T, 1 + slices) -> the same, positive and summing to 1; nothing for what is shut."""
        fixed = self.shape.temperature
        sharp = 1 / fixed if self.log_temperature is None else torch.exp(-self.log_temperature)
        weights = torch.softmax(scores * sharp, dim=-1) * is_open
        return weights / weights.sum(-1, keepdim=True)


def confidence(kind: str, logits: Tensor, mask: Tensor) -> Tensor:
    """How sure each expert is, the probability of its answer.

    Args:
        kind: the task's type; the candidates of `select` answer together, so they share one confidence.
        logits: (B, T, experts, k).
        mask: (B, T) the elements that are there.

    Returns:
        (B, T, experts), or (B, 1, experts) for select.
    """
    if kind == "select":
        scores = torch.where(mask.unsqueeze(2), logits.squeeze(3), FAR)  # (B, M, experts)
        return torch.softmax(scores, dim=1).amax(1, keepdim=True)
    if kind == "bitvector":
        return torch.sigmoid(logits.abs()).mean(-1)
    return torch.softmax(logits, dim=-1).amax(-1)
