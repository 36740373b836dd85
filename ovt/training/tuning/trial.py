"""One trial: what it is asked to train, and what came of it. It trains exactly as the train stage would."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ovt.errors import OvtError
from ovt.training.tuning.cost import Limits, Measurement
from ovt.training.tuning.pruning import FEWEST_EPOCHS, Bar
from ovt.training.tuning.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.progress import Progress
    from ovt.training.optimisation.fit import Material
    from ovt.training.optimisation.hooks import Start
    from ovt.training.optimisation.scores import DevGold, DevScore

State = Literal["complete", "stopped", "too costly", "out of time", "failed"]


class Job(msgspec.Struct, frozen=True):
    """What a trial shall train."""

    number: int
    """From 1, as people count."""
    values: dict[str, Any]
    """All of them, as plain `Values`."""
    seed: int
    bar: tuple[float, ...] = ()
    """What it has to reach to go on (see `ovt.training.tuning.pruning`); empty: it may not be stopped."""
    deadline: float | None = None
    """Unix seconds after which it ends with the epoch it is in; None: it is trained to the end."""
    limits: tuple[float | None, float | None] = (None, None)
    """Of latency in ms and of size in MB."""


class Result(msgspec.Struct, frozen=True):
    """What came of it."""

    number: int
    state: State
    score: float | None = None
    """The best criterion on dev; of a stopped trial, until then."""
    error: float = 0.0
    """Standard error of the score, from the number of dev records."""
    curve: tuple[float, ...] = ()
    """The criterion after each epoch."""
    tasks: dict[str, float] = {}
    """The primary metric of each task."""
    parameters: int = 0
    seconds: float = 0.0
    latency_ms: float | None = None
    size_mb: float | None = None
    excess: float | None = None
    """How far it is above the limits, as a fraction of them."""
    why: str = ""
    """Why it is not complete."""


@dataclass(frozen=True)
class Bench:
    """What trials are trained on and measured with."""

    material: Material
    measure: Measurement | None = None
    """None: cost is not limited."""
    start: Callable[[], Start | None] = lambda: None
    """A fresh start for each trial; None: from scratch."""


class _Stop(Exception):  # noqa: N818 - it ends a trial, and is no error
    def __init__(self, state: State, why: str) -> None:
        super().__init__(why)
        self.state, self.why = state, why


def run_trial(bench: Bench, job: Job, progress: Progress) -> Result:
    """Train what a job asks for; never raises for what the values are to blame for."""
    began = time.monotonic()
    try:
        result = _trained(bench, job, progress)
    except (OvtError, RuntimeError, MemoryError, ValueError) as error:  # shapes or sizes that no network can have
        result = Result(job.number, "failed", why=f"{type(error).__name__}: {error}"[:300])
    return msgspec.structs.replace(result, seconds=round(time.monotonic() - began, 2))


def _trained(bench: Bench, job: Job, progress: Progress) -> Result:
    from ovt.training.optimisation.fit import fit
    from ovt.training.optimisation.hooks import Hooks

    values = msgspec.convert(job.values, Values)
    result = _measured(bench, job, values)
    if result.state == "too costly":
        return result
    listener = _Listener(job, values.training.epochs)
    try:
        fitted = fit(bench.material, values, job.seed, progress, listener, Hooks(start=bench.start()))
    except _Stop as stop:
        best = max(listener.curve, default=None)
        return msgspec.structs.replace(result, state=stop.state, why=stop.why, score=best, curve=tuple(listener.curve))
    score = fitted.outcome.score
    if score is None or bench.material.gold is None:
        return msgspec.structs.replace(result, state="failed", why="dev has no gold")
    return msgspec.structs.replace(
        result, score=score.criterion, error=standard_error(score, bench.material.gold), curve=tuple(listener.curve),
        tasks={task: round(value, 6) for task, value in score.tasks.items()},
        parameters=sum(found.numel() for found in fitted.network.parameters()),
    )


def _measured(bench: Bench, job: Job, values: Values) -> Result:
    """Cost does not depend on the weights, so it is known before any time is spent on training."""
    limits = Limits(*job.limits)
    result = Result(job.number, "complete")
    if bench.measure is None or not limits:
        return result
    from ovt.training.optimisation.fit import Fitted, build, repeatable_torch
    from ovt.training.optimisation.outcome import Outcome

    with repeatable_torch(job.seed):
        network, lexicon = build(bench.material, values)
        network.eval()
        cost = bench.measure(Fitted(network, lexicon, Outcome()))
    result = msgspec.structs.replace(
        result, latency_ms=round(cost.latency_ms, 4), size_mb=round(cost.size_mb, 4),
        excess=round(limits.excess(cost), 4), parameters=sum(found.numel() for found in network.parameters()))
    broken = limits.broken(cost)
    return msgspec.structs.replace(result, state="too costly", why=broken) if broken else result


class _Listener:
    """Hears each epoch's score, and ends what is not worth going on with."""

    def __init__(self, job: Job, epochs: int) -> None:
        self.job, self.epochs = job, epochs
        self.bar = Bar(job.bar)
        self.curve: list[float] = []
        self.parent = os.getppid()

    def __call__(self, epoch: int, score: DevScore) -> None:
        self.curve.append(round(score.criterion, 6))
        if os.getppid() != self.parent:  # whoever asked is gone
            raise KeyboardInterrupt
        if epoch >= self.epochs:
            return
        if self.job.deadline is not None and time.time() > self.job.deadline:
            raise _Stop("out of time", f"after {epoch} of {self.epochs} epochs")
        if epoch >= FEWEST_EPOCHS and max(self.curve) < self.bar.at(epoch / self.epochs):
            raise _Stop("stopped", f"after {epoch} of {self.epochs} epochs, below the median of the others by then")


def standard_error(score: DevScore, gold: DevGold) -> float:
    """Of the criterion: what another dev set of the same size would change, from the tasks' binomial errors.

    Tasks share their records, so their errors are averaged, not taken for independent.
    """
    errors = []
    for task, value in score.tasks.items():
        known = gold.known.get(task)
        if known is None:
            continue
        rows = len(set(gold.owners[task][known].tolist()))
        clipped = min(max(value, 0.0), 1.0)
        errors.append(math.sqrt(clipped * (1 - clipped) / rows) if rows else 0.0)
    return round(sum(errors) / len(errors), 6) if errors else 0.0
