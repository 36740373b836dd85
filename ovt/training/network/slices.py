"""Slices as capacity: is the record in the slice, and what does that change.

Every form has membership indicators `q` (one logit per slice and record, read
from what the network makes of the record, so that they hold for records that
nobody tagged) and differs in what a slice may change:

    lowrank   the representation, by a low-rank expert     (the default)
    logit     the logits, by a linear head of its own
    sram      the representation, by attention over whole experts (Chen et al. 2019)
    none      nothing; there are no indicators either

A slice whose `scale` is 0 is shut: whatever its indicator says, it changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ovt.schema.spec import TaskType
    from ovt.training.network.payloads import Representation


@dataclass(frozen=True)
class SliceShape:
    """What decides the size of a slice layer: one payload, its tasks, and the slices."""

    size: int
    """Components of the payload's representation."""
    slices: int
    tasks: dict[str, tuple[TaskType, int]]
    """The payload's tasks: type, and logits per element (1 of select)."""
    rank: int
    """Of each slice's expert (lowrank)."""
    temperature: float
    """Of the attention over experts (sram); 0: learned."""


@dataclass(frozen=True)
class Sliced:
    """What the slices make of a payload's representation (B, T, size)."""

    membership: Tensor
    """(B, slices) logits."""
    elements: dict[str, Tensor]
    """By task what its head reads: (B, T, size)."""
    added: dict[str, Tensor] = field(default_factory=dict)
    """By task what is added to its head's logits: (B, T, k)."""
    experts: dict[str, Tensor] = field(default_factory=dict)
    """By task what each expert alone would answer, the first for all records: (B, T, 1 + slices, k)."""


class SliceLayer(nn.Module, ABC):
    """The indicators of all slices on one payload; a form adds what they gate."""

    scale: Tensor

    def __init__(self, shape: SliceShape) -> None:
        super().__init__()
        self.shape = shape
        self.membership = nn.Linear(2 * shape.size, shape.slices)
        self.register_buffer("scale", torch.ones(shape.slices))

    @property
    def held(self) -> bool:
        """Whether it must stay as it is: a task that is frozen reads it."""
        return not self.membership.weight.requires_grad

    def gates(self, found: Representation) -> tuple[Tensor, Tensor]:
        """How open each slice is for each record, and the membership logits: (B, slices) each."""
        logits = self.membership(found.summary())
        return torch.sigmoid(logits) * self.scale, logits

    @abstractmethod
    def forward(self, found: Representation) -> Sliced:
        """What the slices change."""


class LowRank(SliceLayer):
    """Low-rank experts: `z' = z + (gate ⊗ gelu(V z)) U`.

    `V` and `U` are the experts of all slices side by side, so that the whole
    costs two matrix products however many slices there are. `U` starts from
    zero: at first no slice changes anything.
    """

    def __init__(self, shape: SliceShape) -> None:
        super().__init__(shape)
        width = shape.slices * shape.rank
        self.into = nn.Linear(shape.size, width)
        self.out = nn.Parameter(torch.zeros(width, shape.size))

    def forward(self, found: Representation) -> Sliced:
        """The changed representation, for all tasks alike."""
        gate, logits = self.gates(found)
        z, rank = found.elements, self.shape.rank
        wide = gate if rank == 1 else gate.repeat_interleave(rank, dim=1)  # (B, slices × rank)
        change = (nn.functional.gelu(self.into(z)) * wide.unsqueeze(1)) @ self.out
        return Sliced(logits, dict.fromkeys(self.shape.tasks, z + change))


class Logit(SliceLayer):
    """A linear head per slice, added to the task's logits where the slice's gate is open; all start from zero.

    Each is a full matrix from the representation to the classes, so it costs
    slices × size × classes: for few classes, or few slices.
    """

    def __init__(self, shape: SliceShape) -> None:
        super().__init__(shape)
        self.names = {name: f"@{number}" for number, name in enumerate(sorted(shape.tasks))}
        self.heads = nn.ModuleDict({
            self.names[name]: nn.Linear(shape.size, shape.slices * width) for name, (_, width) in shape.tasks.items()
        })
        for head in self.heads.values():
            for found in head.parameters():
                nn.init.zeros_(found)

    def forward(self, found: Representation) -> Sliced:
        """What is added to each task's logits."""
        gate, logits = self.gates(found)
        z, added = found.elements, {}
        for name, (_, width) in self.shape.tasks.items():
            each = self.heads[self.names[name]](z).view(z.shape[0], z.shape[1], self.shape.slices, width)
            added[name] = (each * gate[:, None, :, None]).sum(2)
        return Sliced(logits, dict.fromkeys(self.shape.tasks, z), added)
