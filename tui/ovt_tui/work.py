"""Slow work in threads: a worker computes and posts a message; it never touches a widget."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import Worker, WorkerState

from ovt.errors import InternalError, OvtError
from ovt_tui.messages import Noted, Told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.message import Message
    from textual.widget import Widget


def fetch(node: Widget, job: Callable[[], Message], group: str) -> None:
    """Run `job` in a thread and post its message to `node`.

    A later job of the same group takes the place of an earlier one. An
    exception arrives at `node` as `Worker.StateChanged`; see `error_of`.
    """
    node.run_worker(
        partial(_run, node, job), group=group, name=group, thread=True, exclusive=True, exit_on_error=False,
    )


def _run(node: Widget, job: Callable[[], Message]) -> None:
    node.post_message(job())


class Posting:
    """Progress of long work as messages to a widget."""

    def __init__(self, node: Widget) -> None:
        self._node = node

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Post what the work does now."""
        self._node.post_message(Told(stage, message, done, total))

    def note(self, text: str) -> None:
        """Post what it says for good."""
        self._node.post_message(Noted(text))


def error_of(event: Worker.StateChanged) -> OvtError | None:
    """What went wrong in a worker, as an error that says what to do; None if nothing did."""
    error = event.worker.error
    if event.state is not WorkerState.ERROR or error is None:
        return None
    if isinstance(error, OvtError):
        return error
    keep: Callable[[BaseException], Path | None] | None = getattr(event.worker.node.app, "keep_crash", None)
    return _crashed(error, event.worker.name, keep(error) if keep else None)


def _crashed(error: BaseException, doing: str, log: Path | None) -> InternalError:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
    if log is not None:
        where = f"{where} · {log}" if where else str(log)
    return InternalError(
        f"ovt crashed while reading {doing}", at=where, why=f"{type(error).__name__}: {error}",
        fix="nothing is lost; try again with R, and report this if it stays", command="ovt doctor",
    )
