"""Training: shuffled batches, one loss over all tasks and slices, AdamW, and the epoch that dev likes best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ovt.training.inference import infer
from ovt.training.network.network import Network, to_tensors
from ovt.training.optimisation.averaging import Average
from ovt.training.optimisation.batches import shuffled_batches
from ovt.training.optimisation.losses import item_losses, mask_candidates, membership_loss, smooth, weighted_mean
from ovt.training.optimisation.optimizer import AdamW
from ovt.training.optimisation.scores import DevGold, DevScore, score

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.training.optimisation.targets import TargetIndex
    from ovt.training.reader import Arrays, Reader

Ints = NDArray[np.int64]
WARM_UP = 0.05
"""Share of the steps in which the learning rate rises; then it falls along a cosine."""
LAST_RATE = 0.02
"""Of the largest learning rate, at the end."""
RARE = 50.0
"""A slice's members count at most this many times as much as the others in its membership loss."""


@dataclass(frozen=True)
class Lesson:
    """All that a network is trained on."""

    reader: Reader
    rows: Ints
    """Train rows with a label of some task."""
    targets: dict[str, TargetIndex]
    members: NDArray[np.bool_]
    """(n, slices) membership of all rows of the store."""
    gold: DevGold | None
    """None: nothing to stop early by, so all epochs are run."""


@dataclass
class Outcome:
    """What came of it."""

    epochs: int = 0
    """Epochs that were run."""
    best_epoch: int = 0
    """Epochs after which the weights were kept."""
    score: DevScore | None = None
    """Dev's score of those weights."""

    def note(self, epoch: int, found: DevScore | None) -> bool:
        """Take in the score after an epoch; True if it is the best so far. Without scores the last is the best."""
        self.epochs = epoch
        if found is None or (self.score is not None and found.criterion <= self.score.criterion):
            self.best_epoch = epoch if found is None else self.best_epoch
            return False
        self.score, self.best_epoch = found, epoch
        return True


Hear = Callable[[int, DevScore], None]
"""Hears the dev score of each epoch; raises to give up (a search that prunes)."""


def train(network: Network, lesson: Lesson, seed: int, progress: Progress, hear: Hear | None = None) -> Outcome:
    """Train a network in place and leave it with its best weights."""
    values = network.blueprint.values.training
    random = np.random.default_rng(seed)
    optimizer = AdamW(list(network.parameters()), values.weight_decay)
    lengths = lesson.reader.lengths(lesson.rows)
    schedule = Schedule(values.learning_rate, values.epochs * math.ceil(len(lesson.rows) / values.batch))
    clock = Clock(progress, schedule.steps)
    average = Average(network, span=schedule.steps / values.epochs)
    outcome, losses = Outcome(), Losses(network, lesson)
    best: list[Tensor] = []
    for epoch in range(1, values.epochs + 1):
        network.train()
        for rows in shuffled_batches(lesson.rows, lengths, values.batch, random):
            torch.autograd.backward(losses(lesson.reader.read(rows), rows))
            optimizer.step(schedule.rate(optimizer.steps))
            optimizer.zero_grad()
            average.look(optimizer.steps)
            clock.tick(epoch, values.epochs, outcome.score)
        with average.applied():
            found = evaluate(network, lesson)
        if outcome.note(epoch, found):
            best = average.copy()
        if hear is not None and found is not None:
            hear(epoch, found)
        if epoch - outcome.best_epoch >= values.patience:
            break
    average.put(average.mean if outcome.score is None else best)
    return outcome


def evaluate(network: Network, lesson: Lesson) -> DevScore | None:
    """Dev's score of the network as it is."""
    if lesson.gold is None:
        return None
    found = infer(network, lesson.reader, lesson.gold.rows)
    weight = network.blueprint.values.training.slice_weight
    return score(found, lesson.gold, lesson.reader.store, lesson.members[lesson.gold.rows], weight)


class Losses:
    """The loss of a batch: the mean over the task's items for each task, plus slice membership."""

    def __init__(self, network: Network, lesson: Lesson) -> None:
        self.network, self.lesson = network, lesson
        values = network.blueprint.values
        self.tasks = network.blueprint.schema.tasks
        self.smoothing = values.training.label_smoothing
        self.slice_loss = values.slices.loss
        self.class_weights = {
            task: class_weights(index, values.training.rebalance) for task, index in lesson.targets.items()
            if self.tasks[task].type == "multiclass" and values.training.rebalance > 0
        }
        inside = lesson.members[lesson.rows].sum(0).astype(np.float64)
        self.positive = torch.from_numpy(np.clip((len(lesson.rows) - inside) / np.maximum(inside, 1), 1, RARE)).float()

    def __call__(self, arrays: Arrays, rows: Ints) -> Tensor:
        """The loss of some rows, as read into `arrays`."""
        outputs = self.network(to_tensors(arrays))
        total = torch.zeros(())
        for task in self.lesson.targets:
            total = total + self._task_loss(task, outputs.logits[task], arrays, rows)
        members = torch.from_numpy(self.lesson.members[rows].astype(np.float32))
        for logits in outputs.memberships.values():
            total = total + self.slice_loss * membership_loss(logits, members, self.positive)
        return total

    def _task_loss(self, task: str, logits: Tensor, arrays: Arrays, rows: Ints) -> Tensor:
        found = self.lesson.targets[task].read(rows)
        if not len(found.places):
            return torch.zeros(())
        kind = self.tasks[task].type
        if kind == "select":
            logits = mask_candidates(logits, torch.from_numpy(arrays[f"{self.tasks[task].payload}/count"]))
        chosen = logits.reshape(-1, logits.shape[-1])[torch.from_numpy(found.places)]
        probabilities, weights = torch.from_numpy(found.probabilities), torch.from_numpy(found.weights)
        if kind == "select":
            chosen = chosen[:, :probabilities.shape[1]]
        elif kind == "multiclass":
            if task in self.class_weights:
                weights = weights * (probabilities @ self.class_weights[task])
            probabilities = smooth(probabilities, self.smoothing)
        return weighted_mean(item_losses(kind, chosen, probabilities), weights)


def class_weights(index: TargetIndex, exponent: float) -> Tensor:
    """(k,) weight of each class: (mean frequency / its frequency) ** exponent, so that rare classes count more."""
    targets = index.targets
    frequency = targets.weights @ targets.probabilities + 1e-3
    weights = (frequency.mean() / frequency) ** exponent
    return torch.from_numpy((weights / (weights * frequency).sum() * frequency.sum()).astype(np.float32))


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step."""

    peak: float
    steps: int

    def rate(self, step: int) -> float:
        """Rising for the first steps, then falling along a cosine."""
        warm = max(1, round(self.steps * WARM_UP))
        if step < warm:
            return self.peak * (step + 1) / warm
        share = min(1.0, (step - warm) / max(1, self.steps - warm))
        return self.peak * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2)


class Clock:
    """Tells how far training is and how long it will take at most."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self.progress, self.steps, self.done = progress, steps, 0
        self.start = self.told = time.monotonic()

    def tick(self, epoch: int, epochs: int, best: DevScore | None) -> None:
        """Count a step; speak at most twice a second."""
        self.done += 1
        now = time.monotonic()
        if now - self.told < 0.5 and 1 < self.done < self.steps:
            return
        self.told = now
        left = (now - self.start) / self.done * (self.steps - self.done)
        known = "" if best is None else f" · dev {best}"
        message = f"epoch {epoch}/{epochs}{known} · at most {duration(left)} left"
        self.progress.update("train", message, self.done, self.steps)


def duration(seconds: float) -> str:
    """`50 s`, `3 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
