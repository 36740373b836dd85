"""Workers on all cores: tasks in, messages and deaths out, in the order in which they happen."""

from __future__ import annotations

from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Self

from ovt.functions.processes.workers import Death, Limits, Work, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TICK = 0.1
"""Seconds between two looks at workers that may be stuck, and at the clock of the progress line."""


class Pool:
    """Runs tasks in worker processes; a context, at whose end no worker is left."""

    def __init__(self, work: Work, limits: Limits, workers: int) -> None:
        self._work = work
        self._limits = limits
        self._most = workers
        self._workers: list[Worker] = []
        self.tasks: deque[Any] = deque()
        """What waits; may be added to and taken from meanwhile."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def run(self, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Run tasks; pairs of a task and a message of its worker, or its Death.

        After a Death the task is gone: what is left of it can be put into `tasks`.
        A pair of two None comes in every quiet tenth of a second.
        """
        self.tasks.extend(tasks)
        while self._give():
            busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
            ready = wait(list(busy), _TICK)
            for connection in ready:
                worker = busy[connection]  # type: ignore[index]
                task, message = worker.task, worker.receive()
                if message is not None:
                    yield task, self._after(worker, message)
            yield from self._stuck()
            if not ready:
                yield None, None

    def drain(self) -> Iterator[tuple[Any, Any]]:
        """What workers have sent already, without waiting for more."""
        for worker in self._workers:
            while worker.task is not None and worker.connection.poll():
                task, message = worker.task, worker.receive()
                if isinstance(message, Death):
                    break
                if message is not None:
                    yield task, message

    @property
    def slowest(self) -> tuple[Any, int, float] | None:
        """The task, row and seconds of the worker that has been at one record for longest."""
        found = [(worker.task, *worker.waiting) for worker in self._workers if worker.task is not None]
        return max((one for one in found if one[1] >= 0), key=lambda one: one[2], default=None)

    def _give(self) -> bool:
        """Give waiting tasks to workers; False when there is nothing left to wait for."""
        idle = [worker for worker in self._workers if worker.task is None]
        while self.tasks and (idle or len(self._workers) < self._most):
            worker = idle.pop() if idle else Worker(self._work, self._limits, self._workers)
            if worker not in self._workers:
                self._workers.append(worker)
            worker.start(self.tasks.popleft())
        return any(worker.task is not None for worker in self._workers)

    def _stuck(self) -> Iterator[tuple[Any, Any]]:
        for worker in list(self._workers):
            death = worker.stuck() if worker.task is not None else None
            if death is not None:
                yield worker.task, self._after(worker, death)

    def _after(self, worker: Worker, message: Any) -> Any:
        if isinstance(message, Death):
            self._workers.remove(worker)
            worker.stop()
        return message
