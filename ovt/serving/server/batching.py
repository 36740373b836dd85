"""What waits is answered together, and what cannot wait is refused.

A batch is whatever came while the workers were busy: a lone request goes at
once, a burst goes in few calls of the network, and nothing ever waits for a
batch to fill. Beyond `most_waiting` records a request is refused, so that the
time that any request waits has a bound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.serving.requests import Problem
    from ovt.serving.server.serving import Serving

    Hear = Callable[[int], None]
    """Hears how many records were answered together."""

MOST_TOGETHER = 64
"""Records that one call of the network answers: more make the first of them wait longer than they save."""


class BusyError(Exception):
    """There is no room for a request's records."""


class FailedError(Exception):
    """The model failed on a record: a bug, told to the log and not to the client."""


@dataclass(eq=False)
class _Waiting:
    """One record and who waits for its answer."""

    line: bytes
    answer: asyncio.Future[bytes | Problem]


class Batcher:
    """Takes records from the event loop to the threads that compute."""

    def __init__(
        self, serving: Serving, workers: int = 1, most_waiting: int = 1024, hear: Hear | None = None,
    ) -> None:
        self._serving, self._hear = serving, hear
        self.most_waiting = most_waiting
        self._waiting: deque[_Waiting] = deque()
        self._idle = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="answering")

    @property
    def waiting(self) -> int:
        """Records that no worker has taken yet."""
        return len(self._waiting)

    async def answer(self, lines: Sequence[bytes]) -> list[bytes | Problem]:
        """Answer the records of one request, in order.

        Raises:
            BusyError: too many wait already.
            FailedError: the model failed.
        """
        if len(self._waiting) + len(lines) > self.most_waiting:
            raise BusyError
        loop = asyncio.get_running_loop()
        asked = [_Waiting(line, loop.create_future()) for line in lines]
        self._waiting.extend(asked)
        self._start(loop)
        try:
            return list(await asyncio.gather(*(one.answer for one in asked)))
        except BaseException:  # the client is gone, or one record failed: the others need no answer
            for one in asked:
                one.answer.cancel()
            raise

    def close(self) -> None:
        """Let what runs end."""
        self._pool.shutdown()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._idle and self._waiting:
            share = min(MOST_TOGETHER, -(-len(self._waiting) // self._idle))
            taken = [self._waiting.popleft() for _ in range(share)]
            batch = [one for one in taken if not one.answer.done()]  # a client may have gone meanwhile
            if not batch:
                continue
            self._idle -= 1
            running = loop.run_in_executor(self._pool, self._compute, [one.line for one in batch])
            running.add_done_callback(partial(self._settle, loop, batch))
            if self._hear is not None:
                self._hear(len(batch))

    def _settle(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Waiting],
        done: asyncio.Future[list[bytes | Problem | FailedError]],
    ) -> None:
        self._idle += 1
        self._start(loop)
        found = done.result() if done.exception() is None else [FailedError(str(done.exception()))] * len(batch)
        for one, answer in zip(batch, found, strict=True):
            if one.answer.done():
                continue
            if isinstance(answer, FailedError):
                one.answer.set_exception(answer)
            else:
                one.answer.set_result(answer)

    def _compute(self, lines: list[bytes]) -> list[bytes | Problem | FailedError]:
        """In a worker: all at once; should the model fail, one by one, so that only the culprit's client suffers."""
        model = self._serving.model()
        try:
            return [*model.predict_json(lines)]
        except Exception as error:  # noqa: BLE001 - whatever it is, other requests must go on
            if len(lines) == 1:
                return [FailedError(f"{type(error).__name__}: {error}")]
        return [answer for line in lines for answer in self._compute([line])]
