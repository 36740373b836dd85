"""Who trains the trials of a search: this process, one after the other, or several processes at once."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Protocol

import msgspec

from ovt.training.tuning.trial import Bench, Job, Result, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from ovt.progress import Progress


class Crew(Protocol):
    """Takes jobs and gives back results, in any order."""

    size: int
    """Jobs that it works on at once."""

    def submit(self, job: Job) -> None:
        """Begin a job, or put it in line."""

    def next(self) -> Result:
        """Wait for a result."""

    def close(self) -> None:
        """Stop whatever still runs."""


class OwnProcess:
    """Trains here."""

    size = 1

    def __init__(self, bench: Callable[[], Bench], progress: Progress) -> None:
        """Take what makes the bench, which is done when the first job comes."""
        self._make, self._progress = bench, progress
        self._bench: Bench | None = None
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """See `Crew`."""
        self._jobs.append(job)

    def next(self) -> Result:
        """See `Crew`."""
        self._bench = self._bench or self._make()
        job = self._jobs.popleft()
        return run_trial(self._bench, job, _TrialProgress(self._progress, job.number))

    def close(self) -> None:
        """See `Crew`."""


class Processes:
    """Trains in processes of their own, each of which reads the data once.

    They are programs of their own (`command`), not forks: a fork of a process
    in which torch has computed may hang. Jobs and results are lines of JSON.
    """

    def __init__(self, command: Sequence[str], size: int, log: Path, progress: Progress) -> None:
        """Start `size` processes; what they print goes to `log`."""
        self.size, self._progress = size, progress
        self._jobs: deque[Job] = deque()
        self._lines: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self._busy: dict[int, Job] = {}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("wb") as out:
            self._workers = [
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, env=environment)
                for _ in range(size)
            ]
        for number, worker in enumerate(self._workers):
            threading.Thread(target=self._read, args=(number, worker), daemon=True).start()

    def submit(self, job: Job) -> None:
        """See `Crew`."""
        self._jobs.append(job)
        self._hand_out()

    def next(self) -> Result:
        """See `Crew`; a process that died has failed its job, and so have those that nobody is left to do."""
        while True:
            if self._jobs and not self._busy and not self._alive():
                return Result(self._jobs.popleft().number, "failed", why=self._last_words())
            number, line = self._lines.get()
            if not line:
                job = self._busy.pop(number, None)
                self._hand_out()
                if job is not None:
                    return Result(job.number, "failed", why=self._last_words())
                continue
            found = msgspec.json.decode(line)
            if "told" in found:
                self._progress.update("tune", *found["told"])
                continue
            self._busy.pop(number)
            self._hand_out()
            return msgspec.convert(found, Result)

    def close(self) -> None:
        """See `Crew`."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    _close(pipe)

    def _hand_out(self) -> None:
        for number in self._alive():
            if self._jobs and number not in self._busy:
                job = self._busy[number] = self._jobs.popleft()
                self._send(number, job)

    def _send(self, number: int, job: Job) -> None:
        pipe = self._workers[number].stdin
        assert pipe is not None  # asked for above
        try:
            pipe.write(msgspec.json.encode(job) + b"\n")
            pipe.flush()
        except BrokenPipeError:
            return  # it has died: the reader will say so

    def _alive(self) -> list[int]:
        return [number for number, worker in enumerate(self._workers) if worker.poll() is None]

    def _read(self, number: int, worker: subprocess.Popen[bytes]) -> None:
        assert worker.stdout is not None  # asked for above
        for line in worker.stdout:
            self._lines.put((number, line))
        worker.wait()
        self._lines.put((number, b""))

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1][:200]}" if lines else "its process was killed"


def serve(bench: Bench, jobs: Iterable[bytes], say: Callable[[bytes], None]) -> None:
    """What such a process does: a job a line, results and progress back."""
    for line in jobs:
        job = msgspec.json.decode(line, type=Job)
        result = run_trial(bench, job, _TrialProgress(_Said(say), job.number))
        say(msgspec.json.encode(result))


class _Said:
    """Progress as lines of JSON."""

    def __init__(self, say: Callable[[bytes], None]) -> None:
        self._say = say

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Send it."""
        del stage
        self._say(msgspec.json.encode({"told": [message, done, total]}))

    def note(self, text: str) -> None:
        """Leave it out: it is about one trial of many."""


class _TrialProgress:
    """Puts the trial before what its training tells."""

    def __init__(self, inner: Progress, number: int) -> None:
        self._inner, self._number = inner, number

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on as the line of `tune`."""
        del stage
        self._inner.update("tune", f"trial {self._number} · {message}", done, total)

    def note(self, text: str) -> None:
        """Leave it out: it is about one trial of many."""


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what could not be flushed into a dead process is of no use to anyone
