"""What a step of training makes small: the loss of tasks, what a teacher says, and how well slices know members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ovt.training.network.heads import Transitions
from ovt.training.network.network import Network, Outputs, to_tensors
from ovt.training.optimisation.chains import ChainTargets, chain_loss
from ovt.training.optimisation.distillation import distillation_loss
from ovt.training.optimisation.losses import item_losses, mask_candidates, membership_loss, smooth, weighted_mean
from ovt.training.optimisation.precision import autocast

if TYPE_CHECKING:
    from ovt.training.optimisation.lesson import Lesson
    from ovt.training.optimisation.targets import BatchTargets, TargetIndex
    from ovt.training.reader import Arrays

Ints = NDArray[np.int64]
RARE = 50.0
"""A slice's members count at most this many times as much as the others in its membership loss."""
WEIGHTY = 0.1
"""Share of the records up to which `slices.weight` lifts a slice; larger ones are heard anyway."""


class Losses:
    """The loss of a batch: the mean over the task's items for each task, plus slice membership."""

    def __init__(self, network: Network, lesson: Lesson) -> None:
        self.network, self.lesson = network, lesson
        values = network.blueprint.values
        self.tasks = network.blueprint.schema.tasks
        self.smoothing, self.precision = values.training.label_smoothing, values.training.precision
        self.slice_loss = values.slices.loss
        self.class_weights = {
            task: class_weights(index, values.training.rebalance) for task, index in lesson.targets.items()
            if self.tasks[task].type == "multiclass" and values.training.rebalance > 0
        }
        inside = lesson.members[lesson.rows].sum(0).astype(np.float64)
        self.positive = torch.from_numpy(np.clip((len(lesson.rows) - inside) / np.maximum(inside, 1), 1, RARE)).float()
        self.lifts = slice_lifts(inside / max(1, len(lesson.rows)), values.slices.weight)
        self.parts: dict[str, Tensor] = {}
        """Of the last batch, by what is told of them where one is not finite."""

    def __call__(self, arrays: Arrays, rows: Ints) -> Tensor:
        """The loss of some rows, as read into `arrays`."""
        with autocast(self.precision):
            outputs = self.network(to_tensors(arrays))
        self.parts = {}
        total = torch.zeros(())
        for task in self.lesson.targets:
            self.parts[f"task `{task}`"] = found = self._task_loss(task, outputs, arrays, rows)
            total = total + found
        teacher = self.lesson.hooks.teacher
        if teacher is not None:
            self.parts["the teacher"] = taught = distillation_loss(teacher, self.tasks, outputs.logits, rows)
            total = (1 - teacher.share) * total + teacher.share * taught
        inside = torch.from_numpy(self.lesson.members[rows].astype(np.float32))
        for payload, logits in outputs.memberships.items():
            self.parts[f"slices of `{payload}`"] = known = membership_loss(logits.float(), inside, self.positive)
            total = total + self.slice_loss * known
        return total

    def _task_loss(self, task: str, outputs: Outputs, arrays: Arrays, rows: Ints) -> Tensor:
        found = self.lesson.targets[task].read(rows)
        if not len(found.places):
            return torch.zeros(())
        kind, logits = self.tasks[task].type, outputs.logits[task].float()
        if kind == "select":
            logits = mask_candidates(logits, torch.from_numpy(arrays[f"{self.tasks[task].payload}/count"]))
        probabilities, weights = torch.from_numpy(found.probabilities), torch.from_numpy(found.weights)
        places = torch.from_numpy(found.places)
        chosen = logits.reshape(-1, logits.shape[-1])[places]
        if kind == "select":
            chosen = chosen[:, :probabilities.shape[1]]
        elif kind == "multiclass":
            if task in self.class_weights:
                weights = weights * (probabilities @ self.class_weights[task])
            probabilities = smooth(probabilities, self.smoothing)
        if self.lifts is not None:
            weights = weights * self._lift(logits, found, rows, kind == "select")
        head = self.network.head(task)
        if isinstance(head, Transitions):
            lengths = torch.from_numpy(arrays[f"{self.tasks[task].payload}/length"])
            loss = chain_loss(logits, head, ChainTargets.of(logits, lengths, places, probabilities, weights))
        else:
            loss = weighted_mean(item_losses(kind, chosen, probabilities), weights)
        if task not in outputs.experts:
            return loss
        return loss + self.slice_loss * self._expert_loss(task, outputs.experts[task], found, arrays, rows)

    def _lift(self, logits: Tensor, found: BatchTargets, rows: Ints, select: bool) -> Tensor:
        """(l,) how many times each labelled item counts because of the slices that its record is in."""
        assert self.lifts is not None  # asked before
        lift = np.where(self.lesson.members[rows], self.lifts, np.float32(1)).max(1, initial=1)  # (B,)
        return torch.from_numpy(lift[found.places // _items_per_row(logits, select)])

    def _expert_loss(self, task: str, experts: Tensor, found: BatchTargets, arrays: Arrays, rows: Ints) -> Tensor:
        """What experts (B, T, 1 + S, k) alone would say, each about the items of its slice, the first about all."""
        kind, many = self.tasks[task].type, experts.shape[2]
        if kind == "select":
            flat = experts.squeeze(3).transpose(1, 2)[torch.from_numpy(found.places)]  # (l, 1 + S, M)
            flat, owners = flat[:, :, :found.probabilities.shape[1]], found.places
        else:
            flat = experts.reshape(-1, many, experts.shape[3])[torch.from_numpy(found.places)]  # (l, 1 + S, k)
            owners = found.places // experts.shape[1]
        inside = np.column_stack([np.ones(len(owners), bool), self.lesson.members[rows][owners]])
        items, which = (torch.from_numpy(part) for part in np.nonzero(inside))
        probabilities, weights = torch.from_numpy(found.probabilities)[items], torch.from_numpy(found.weights)[items]
        scores = flat[items, which].float()
        if kind == "select":
            counts = torch.from_numpy(arrays[f"{self.tasks[task].payload}/count"][found.places])
            scores = mask_candidates(scores, counts[items])
        return weighted_mean(item_losses(kind, scores, probabilities), weights)


def _items_per_row(logits: Tensor, select: bool) -> int:
    """How many places of the flattened logits belong to one row."""
    return logits.shape[1] if logits.ndim == 3 and not select else 1


def class_weights(index: TargetIndex, exponent: float) -> Tensor:
    """(k,) weight of each class: (mean frequency / its frequency) ** exponent, so that rare classes count more."""
    targets = index.targets
    frequency = targets.weights @ targets.probabilities + 1e-3
    weights = (frequency.mean() / frequency) ** exponent
    return torch.from_numpy((weights / (weights * frequency).sum() * frequency.sum()).astype(np.float32))


def slice_lifts(shares: NDArray[np.float64], weight: float) -> NDArray[np.float32] | None:
    """(slices,) how many times a member of each counts; None where all count alike.

    Args:
        shares: (slices,) of the train records.
        weight: of a rare slice; one that would so get more than a tenth of everything is lifted less.
    """
    if weight == 1 or not len(shares):
        return None
    return np.clip(WEIGHTY / np.maximum(shares, 1e-9), 1, weight).astype(np.float32)
