"""Standard tools around a training run: TensorBoard, the torch profiler, several processes.

They are asked for on the command line and are no input of a version, so they
reach the train stage beside its arguments: `with using(Tools(…))`. The model's
bytes do not depend on the first two.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from ovt.training.optimisation.hooks import Team, Watcher
    from ovt.training.optimisation.scores import DevScore

PROFILED_STEPS = 30
"""A trace of more steps says nothing new, and is too large to open."""
SKIPPED_STEPS = 5
"""The first steps allocate memory and choose kernels."""
TOP_ROWS = 25
EVERY = 10
"""Steps between two points of a curve."""


@dataclass(frozen=True)
class Tools:
    """What is asked for; None: not."""

    tensorboard: Path | None = None
    """A folder for event files; each network gets one below it."""
    profile: Path | None = None
    """A folder for a trace and a table of the costliest operators."""
    team: Team | None = None


_TOOLS: ContextVar[Tools] = ContextVar("tools", default=Tools())  # noqa: B039 - frozen


@contextmanager
def using(tools: Tools) -> Iterator[None]:
    """Training inside the block uses these tools."""
    token = _TOOLS.set(tools)
    try:
        yield
    finally:
        _TOOLS.reset(token)


def tools() -> Tools:
    """Those of the present block."""
    return _TOOLS.get()


@contextmanager
def watching(name: str) -> Iterator[Watcher | None]:
    """Whoever shall look on while the network of this name is trained; None if nobody was asked to.

    Raises:
        MissingError: TensorBoard is asked for and is not installed.
    """
    asked = tools()
    watchers: list[Events | Profile] = []
    if asked.tensorboard is not None:
        watchers.append(Events(asked.tensorboard / name))
    if asked.profile is not None:
        watchers.append(Profile(asked.profile / name))
    try:
        yield _All(watchers) if watchers else None
    finally:
        for watcher in watchers:
            watcher.close()


class Events:
    """Event files for TensorBoard: loss and learning rate by step, dev scores by epoch."""

    def __init__(self, folder: Path) -> None:
        """Begin a file in `folder`.

        Raises:
            MissingError: the package is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingError("TensorBoard is not installed", why=str(error), fix="install it: ovt[tensorboard]",
                               command="pip install 'ovt[tensorboard]'") from None
        self._writer: Any = SummaryWriter(str(folder))
        self._steps = 0
        self._loss: Tensor | None = None

    def step(self, loss: Tensor, rate: float) -> None:
        """See `Watcher`; the loss is the mean since the last point."""
        self._steps += 1
        self._loss = loss.clone() if self._loss is None else self._loss + loss
        if self._steps % EVERY == 0:
            self._writer.add_scalar("train/loss", float(self._loss) / EVERY, self._steps)
            self._writer.add_scalar("train/learning_rate", rate, self._steps)
            self._loss = None

    def epoch(self, number: int, score: DevScore | None) -> None:
        """See `Watcher`."""
        if score is None:
            return
        self._writer.add_scalar("dev/criterion", score.criterion, number)
        for task, value in score.tasks.items():
            self._writer.add_scalar(f"dev/{task}", value, number)

    def close(self) -> None:
        """Write the rest."""
        self._writer.close()


class Profile:
    """The torch profiler over some steps near the beginning: `trace.json` for Chrome's viewer, `operators.txt`."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`."""
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # its library reports its own start and stop on stderr
        from torch.profiler import ProfilerActivity, profile

        self._folder, self._steps = folder, 0
        self._profiler: Any = profile(activities=[ProfilerActivity.CPU], acc_events=True)
        self._on = False

    def step(self, loss: Tensor, rate: float) -> None:
        """See `Watcher`."""
        del loss, rate
        self._steps += 1
        if self._steps == SKIPPED_STEPS:
            self._profiler.start()
            self._on = True
        elif self._steps == SKIPPED_STEPS + PROFILED_STEPS:
            self._stop()

    def epoch(self, number: int, score: DevScore | None) -> None:
        """See `Watcher`; steps are what is profiled."""

    def close(self) -> None:
        """Write what a short training has come to."""
        self._stop()

    def _stop(self) -> None:
        if not self._on:
            return
        from ovt.storage.files import write_text

        self._on = False
        self._profiler.stop()
        table = self._profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=TOP_ROWS)
        write_text(self._folder / "operators.txt", f"{table}\n")
        self._profiler.export_chrome_trace(str(self._folder / "trace.json"))


class _All:
    """Several watchers as one."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def step(self, loss: Tensor, rate: float) -> None:
        for watcher in self._watchers:
            watcher.step(loss, rate)

    def epoch(self, number: int, score: DevScore | None) -> None:
        for watcher in self._watchers:
            watcher.epoch(number, score)
