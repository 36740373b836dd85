"""Progress on stderr: one live line on a terminal, one line per step elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from ovt.cli.output import Output


class PatientProgress:
    """Draws nothing, and imports nothing to draw with, until there is something to tell."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._drawn: TerminalProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if self._drawn is not None:
            self._drawn.__exit__(kind, error, trace)

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Begin to draw, and pass it on."""
        self._shown().update(stage, message, done, total)

    def note(self, text: str) -> None:
        """A line that stays."""
        self._shown().note(text)

    def _shown(self) -> TerminalProgress:
        if self._drawn is None:
            self._drawn = TerminalProgress(self._output).__enter__()
        return self._drawn


class TerminalProgress:
    """Draws what a stage does; use it as a context manager so that the live line ends."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._live: Any = None
        self._task: Any = None
        self._stage = ""
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._output.quiet:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.table import Column

            console = Console(stderr=True, no_color=not self._output.colored(sys.stderr), highlight=False)
            self._live = Progress(
                SpinnerColumn(), TextColumn("{task.fields[stage]}", table_column=Column(min_width=9, no_wrap=True)),
                BarColumn(bar_width=24),
                TextColumn("{task.description}", markup=False), TimeElapsedColumn(), TimeRemainingColumn(),
                console=console, transient=True,
            )
            self._task = self._live.add_task("", total=None, stage="")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Replace the live line; elsewhere say only that a stage began."""
        if self._live is not None:
            fresh = stage != self._stage
            if fresh:
                self._live.reset(self._task, total=total)
            self._live.update(self._task, stage=stage, description=message, completed=done or 0, total=total)
        elif stage != self._stage:
            self._output.note(f"{stage}: {message}")
        self._stage = stage

    def note(self, text: str) -> None:
        """A line that stays."""
        if self._live is not None:
            self._live.console.print(text, markup=False, soft_wrap=True)
        else:
            self._output.note(text)
