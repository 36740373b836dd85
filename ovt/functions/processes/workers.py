"""Processes that run the user's code: what hangs, crashes or eats memory there ends the process, and nothing else.

A worker is a fork, so it has the imported functions and the mapped store at
once. It tells the record that it is at through shared memory (40 ns), so that
its death, of whatever kind, has a record; `faulthandler` writes where in the
code it was. What it prints goes to a file of its own.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any

from ovt.functions.processes.confinement import Frame, confine, read_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

Work = Callable[[Any, "Desk"], None]
"""Does a task; runs in the child."""

IDLE = -1
"""At no record: the limit of time does not count."""
_PRINTED = 10_000
"""Bytes kept of what one pass prints."""
_NICE = 0.05
"""Seconds that a stuck worker has to write down where it is."""
_LAST_RITES = 1.0
"""Seconds that a worker which closed its connection has to end."""


@dataclass(frozen=True)
class Limits:
    """What the user's code may take."""

    seconds: float
    """For one record."""
    memory: int
    """Bytes beyond what the worker starts with."""


@dataclass(frozen=True)
class Death:
    """The end of a worker in the middle of a task."""

    row: int
    """The record that it was at, or IDLE."""
    seconds: float | None
    """How long it was stuck there; None if it ended by itself."""
    status: int
    """As `os.waitpid` tells it."""
    frames: tuple[Frame, ...]
    """Where it was, innermost first; empty where it ended without a trace."""
    printed: str

    @property
    def why(self) -> str:
        """What happened, in words."""
        if self.seconds is not None:
            return f"no answer within {self.seconds:g} s"
        code = os.waitstatus_to_exitcode(self.status)
        if code >= 0:
            return f"it ended its process (exit status {code})"
        if -code == signal.SIGKILL:
            return "its process was killed from outside, most likely because the machine had no memory left"
        return f"it crashed its process ({signal.strsignal(-code) or f'signal {-code}'})"


class Desk:
    """The child's side: where it says which record it is at, and sends what it found."""

    def __init__(self, connection: Connection, beat: memoryview, output: int) -> None:
        self.beat = beat
        """`beat[0]` is the row of the record; `beat[1]` how many times the limit it may take."""
        self._connection = connection
        self._output = output

    def send(self, message: Any) -> None:
        """Send plain data to the parent."""
        self.beat[0] = IDLE
        self._connection.send(message)

    def printed(self) -> str:
        """What was printed since the last call."""
        sys.stdout.flush()
        return _taken(self._output)


class Worker:
    """One child process; it does a task at a time."""

    def __init__(self, work: Work, limits: Limits, others: Iterable[Worker] = ()) -> None:
        """Start it.

        Args:
            work: does a task.
            limits: of one record.
            others: workers of the same parent, whose connections the child closes.
        """
        self.limits = limits
        self.task: Any = None
        """What it does now; None: nothing."""
        self._memory = mmap.mmap(-1, 16)
        self._beat = memoryview(self._memory).cast("q")
        self._beat[0], self._beat[1] = IDLE, 1
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`
        self.connection, theirs = Pipe()
        self._seen, self._since = IDLE, 0.0
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # From Python 3.12 on it warns where the process has threads; the child calls nothing that they may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            self._live(work, theirs, others)
        theirs.close()

    def _live(self, work: Work, connection: Connection, others: Iterable[Worker]) -> None:
        status = 1
        try:
            for worker in (self, *others):
                worker.connection.close()
            os.dup2(self._output.fileno(), 1)
            os.dup2(self._output.fileno(), 2)
            confine(self.limits.memory, self._trace)
            desk = Desk(connection, self._beat, self._output.fileno())
            while True:
                work(connection.recv(), desk)
                desk.send(None)
        except EOFError:  # the parent is done
            status = 0
        except BaseException:  # noqa: BLE001  whatever it is, no code of the parent may run here
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)

    def start(self, task: Any) -> None:
        """Give it a task."""
        self.task = task
        try:
            self.connection.send(task)
        except BrokenPipeError:  # it is dead: `receive` tells why
            return

    def receive(self) -> Any:
        """The next message (None: the task is done), or its Death."""
        try:
            found = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._buried(None)
        if found is None:
            self.task = None
        return found

    def stuck(self) -> Death | None:
        """Its Death, if it has been at one record for longer than it may; else None. To be asked again and again."""
        row, now = self._beat[0], time.monotonic()
        if row == IDLE or row != self._seen:
            self._seen, self._since = row, now
            return None
        allowed = self.limits.seconds * self._beat[1]
        if now - self._since <= allowed or self.connection.poll():
            return None
        os.kill(self.pid, signal.SIGUSR1)  # it writes where it is
        time.sleep(_NICE)
        self._kill()
        return self._buried(allowed)

    @property
    def waiting(self) -> tuple[int, float]:
        """The row that it is at, and for how long."""
        return self._seen, time.monotonic() - self._since

    def stop(self) -> None:
        """End it, whatever it does."""
        self.connection.close()
        if self.pid:  # 0 once it is buried, and a signal to 0 goes to this process itself
            self._kill()
            os.waitpid(self.pid, 0)
            self.pid = 0
        self._beat.release()
        self._memory.close()
        self._trace.close()
        self._output.close()

    def _kill(self) -> None:
        for kill in (os.killpg, os.kill):  # its own children too, once it has a group of its own
            try:
                kill(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue

    def _buried(self, seconds: float | None) -> Death:
        until = time.monotonic() + _LAST_RITES
        while os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None and time.monotonic() < until:
            time.sleep(_NICE / 10)
        self._kill()  # before it is reaped: after that its number may be another process's
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        self._trace.seek(0)
        frames = read_frames(self._trace.read().decode(errors="replace"))
        return Death(self._beat[0], seconds, status, frames, _taken(self._output.fileno()))


def _taken(file: int) -> str:
    size = os.fstat(file).st_size
    if not size:
        return ""
    text = os.pread(file, min(size, _PRINTED), 0).decode(errors="replace")
    os.ftruncate(file, 0)
    return text if size <= _PRINTED else f"{text}… ({size - _PRINTED:,} bytes more)"


def cores() -> int:
    """How many workers to run: `OVT_WORKERS`, or one per core that this process may use."""
    wanted = os.environ.get("OVT_WORKERS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
