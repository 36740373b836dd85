"""Learning from another model: cross-entropy with its softened probabilities (Hinton, Vinyals and Dean 2015).

    loss = (1 - share) × loss of the labels + share × T² × cross-entropy(teacher at T, student at T)

At a temperature T above 1 the teacher also says which of the wrong answers are
nearly right; the factor T² keeps its gradients as large as at T = 1. The
teacher answers on every train record, so records that no source labels teach too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ovt.training.network.attention import FAR
from ovt.training.optimisation.losses import item_losses, weighted_mean
from ovt.training.optimisation.targets import TargetIndex, Targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.schema.spec import Task
    from ovt.training.predictions import TaskPredictions

    Floats = NDArray[np.float32]

SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


@dataclass(frozen=True)
class Teacher:
    """Soft targets of another model (Hinton, Vinyals and Dean 2015)."""

    targets: dict[str, TargetIndex]
    """By task: its probabilities at the temperature, on train items, labelled or not."""
    temperature: float
    share: float
    """Of the loss that is the teacher's; the rest is the labels'."""
    rows: NDArray[np.int64]
    """Train rows that it has something to say about."""


def make_teacher(
    store: Store, answers: Mapping[str, TaskPredictions], rows: NDArray[np.int64], *, temperature: float, share: float,
) -> Teacher:
    """A teacher from what a trained model answers on some train rows."""
    targets = {
        task: TargetIndex(store, task, soft_targets(found, temperature)) for task, found in answers.items()
        if len(found.items)
    }
    return Teacher(targets, temperature, share, rows)


def soft_targets(found: TaskPredictions, temperature: float) -> Targets:
    """A model's probabilities at a temperature, as labels of weight 1; items without a candidate are left out."""
    items = np.asarray(found.items, np.int64)
    weights = np.ones(len(items), np.float32)
    if found.offsets is not None:
        softened = _soften_segments(found.probabilities, found.offsets, temperature)
        whole = Targets(items, weights, softened, np.asarray(found.offsets, np.int64))
        return whole.keep(np.diff(found.offsets) > 0)
    if found.decoded.ndim == 2:
        return Targets(items, weights, _soften_bits(found.probabilities, temperature))
    return Targets(items, weights, _soften(found.probabilities, temperature))


def distillation_loss(
    teacher: Teacher, tasks: Mapping[str, Task], logits: Mapping[str, Tensor], rows: NDArray[np.int64],
) -> Tensor:
    """The teacher's part of a batch's loss, summed over its tasks."""
    total = torch.zeros(())
    for task, index in teacher.targets.items():
        found = index.read(rows)
        if task not in logits or not len(found.places):
            continue
        probabilities = torch.from_numpy(found.probabilities)
        own = logits[task]
        chosen = own.reshape(-1, own.shape[-1])[torch.from_numpy(found.places)]
        chosen = chosen[:, :probabilities.shape[1]] / teacher.temperature
        if tasks[task].type == "select":  # beyond a record's candidates the teacher's probability is exactly 0
            chosen = torch.where(probabilities > 0, chosen, FAR)
        losses = item_losses(tasks[task].type, chosen, probabilities)
        total = total + teacher.temperature**2 * weighted_mean(losses, torch.from_numpy(found.weights))
    return total


def _soften(probabilities: Floats, temperature: float) -> Floats:
    """(m, k) p^(1/T), normalised: the softmax of logits that are divided by T."""
    raised = np.clip(probabilities, SMALLEST, 1.0) ** (1 / temperature)
    found: Floats = (raised / raised.sum(1, keepdims=True)).astype(np.float32)
    return found


def _soften_bits(probabilities: Floats, temperature: float) -> Floats:
    """(m, k) the sigmoid of each logit divided by T."""
    clipped = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    logits = np.log(clipped) - np.log1p(-clipped)
    found: Floats = (1 / (1 + np.exp(-logits / temperature))).astype(np.float32)
    return found


def _soften_segments(probabilities: Floats, offsets: NDArray[np.int64], temperature: float) -> Floats:
    """(v,) as `_soften`, over the candidates of each item."""
    raised = np.clip(probabilities, SMALLEST, 1.0) ** (1 / temperature)
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    sums = np.bincount(owners, weights=raised, minlength=len(offsets) - 1)
    found: Floats = (raised / sums[owners]).astype(np.float32)
    return found
