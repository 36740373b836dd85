"""Training: shuffled batches, one loss over all tasks and slices, AdamW, and the epoch that dev likes best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ovt.errors import ProjectError
from ovt.training.inference import infer
from ovt.training.optimisation.averaging import Average
from ovt.training.optimisation.batches import shuffled_batches, with_repeats
from ovt.training.optimisation.checkpoint import State
from ovt.training.optimisation.gates import hold_outside, open_all, shut_unknown
from ovt.training.optimisation.objective import Losses
from ovt.training.optimisation.optimizer import AdamW
from ovt.training.optimisation.outcome import Outcome
from ovt.training.optimisation.schedule import Clock, Schedule
from ovt.training.optimisation.scores import DevScore, score

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.training.network.network import Network
    from ovt.training.optimisation.lesson import Lesson

Ints = NDArray[np.int64]


Hear = Callable[[int, DevScore], None]
"""Hears the dev score of each epoch; raises to give up (a search that prunes)."""


def train(network: Network, lesson: Lesson, seed: int, progress: Progress, hear: Hear | None = None) -> Outcome:
    """Train a network in place and leave it with its best weights.

    Raises:
        ProjectError: a loss or a gradient is not finite.
    """
    values, checkpoint = network.blueprint.values.training, lesson.hooks.checkpoint
    store = lesson.reader.store
    rows = with_repeats(
        lesson.rows, (store.rows_of_items(task, found.targets.items) for task, found in lesson.targets.items()),
    )
    steps = math.ceil(len(rows) / values.batch)
    open_all(network)
    state = State(network, AdamW(list(network.parameters()), values.weight_decay), Average(network, span=steps),
                  np.random.default_rng(seed), Outcome())
    if checkpoint is not None and checkpoint.resume(state):
        progress.note(f"training goes on after epoch {state.outcome.epochs}, where it was interrupted")
    course = _Course(state, lesson, progress, rows)
    outcome = state.outcome
    while outcome.epochs < values.epochs and outcome.epochs - outcome.best_epoch < values.patience:
        course.epoch(hear)
        if checkpoint is not None:
            checkpoint.note(state)
    if checkpoint is not None:
        checkpoint.note(state, last=True)
    state.average.put(state.average.mean if outcome.score is None else state.best)
    course.settle()
    return outcome


class _Course:
    """One training run."""

    def __init__(self, state: State, lesson: Lesson, progress: Progress, rows: Ints) -> None:
        self.state, self.lesson, self.rows = state, lesson, rows
        self.values = state.network.blueprint.values
        self.lengths = lesson.reader.lengths(rows)
        steps = math.ceil(len(rows) / self.values.training.batch)
        self.losses = Losses(state.network, lesson)
        self.schedule = Schedule(self.values.training.learning_rate, self.values.training.epochs * steps)
        self.clock = Clock(progress, self.schedule.steps, state.outcome.epochs * steps)

    def epoch(self, hear: Hear | None) -> None:
        """Every row once, and what dev says then."""
        state, training, watcher = self.state, self.values.training, self.lesson.hooks.watcher
        number = state.outcome.epochs + 1
        state.network.train()
        for rows in shuffled_batches(self.rows, self.lengths, training.batch, state.random):
            step(self.losses, state.optimizer, self.schedule.rate(state.optimizer.steps), rows)
            state.optimizer.zero_grad()
            state.average.look(state.optimizer.steps)
            self.clock.tick(number, training.epochs, state.outcome.score)
        with state.average.applied():
            if number == training.epochs // 2:
                self._shut()
            found = evaluate(state.network, self.lesson)
        if state.outcome.note(number, found):
            state.best = state.average.copy()
        if watcher is not None:
            watcher.epoch(number, found)
        if hear is not None and found is not None:
            hear(number, found)

    def _shut(self) -> None:
        """Shut the experts of slices that it does not know by now; what was best with them is no more."""
        shut = shut_unknown(self.state.network, self.lesson, halfway=True)
        if shut:
            self.state.outcome.health += tuple(shut)
            self.state.outcome.score, self.state.best = None, []

    def settle(self) -> None:
        """The last word about each slice's expert, with the weights that are kept."""
        state, found = self.state, []
        for judged in (shut_unknown(state.network, self.lesson),
                       hold_outside(state.network, self.lesson, self.values.slices.epsilon)):
            found.extend(judged)
        if found:
            state.outcome.health += tuple(found)
            state.outcome.score = evaluate(state.network, self.lesson)


def step(losses: Losses, optimizer: AdamW, rate: float, rows: Ints) -> None:
    """Learn from a batch.

    Raises:
        ProjectError: a loss or a gradient is not finite; no weight has been changed by it.
    """
    hooks = losses.lesson.hooks
    if hooks.team is not None:
        rows = hooks.team.share(rows)
    loss = losses(losses.lesson.reader.read(rows), rows)
    if not math.isfinite(loss.item()):
        raise _diverged(losses, optimizer.steps + 1, rate)
    if loss.requires_grad:  # not where all that these rows teach is held still
        torch.autograd.backward(loss)
    if hooks.team is not None:
        hooks.team.agree(optimizer.parameters)
    try:
        optimizer.step(rate)
    except FloatingPointError:
        raise _diverged(losses, optimizer.steps + 1, rate) from None
    if hooks.watcher is not None:
        hooks.watcher.step(loss.detach(), rate)


def _diverged(losses: Losses, number: int, rate: float) -> ProjectError:
    broken = [name for name, part in losses.parts.items() if not math.isfinite(part.item())]
    what = f"the loss of {broken[0]}" if broken else "a gradient"
    peak = losses.network.blueprint.values.training.learning_rate
    return ProjectError(
        f"training diverged: {what} is not finite", at=f"step {number}, learning rate {rate:.2g}",
        why="the steps were too large, or a number in the data is; the model trained before is untouched",
        fix=f"a lower `training: {{learning_rate: {peak / 4:.2g}}}` in tuning.yaml", command="ovt tune",
    )


def evaluate(network: Network, lesson: Lesson) -> DevScore | None:
    """Dev's score of the network as it is."""
    if lesson.gold is None:
        return None
    found = infer(network, lesson.reader, lesson.gold.rows)
    weight = network.blueprint.values.training.slice_weight
    return score(found, lesson.gold, lesson.reader.store, lesson.members[lesson.gold.rows], weight)
