"""One writer at a time: a lock that the kernel drops when its holder dies.

The file stays; what locks is `flock` on it. So there is never a stale lock to
delete by hand: a killed process holds nothing. The file says who holds it
(process, when it was born, machine, since when, doing what), for the message
of whoever waits.

Worktrees have a lock each, and work side by side. What they share, DVC's
cache, has one of its own: whoever adds objects holds it together with others,
whoever deletes objects holds it alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ovt.project import Project

PAUSE = 0.1
CACHE_LOCK = "ovt.lock"
"""Beside `files/` and `runs/` of a DVC cache."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    pid: int
    started: float
    """Unix seconds."""
    what: str
    host: str = ""
    """The machine, since a folder may be shared over the network; empty: this one."""
    born: int = 0
    """When the process started, in the kernel's ticks since boot: another process may get the same number later."""

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.host in {"", socket.gethostname()}


_DEPTH: dict[tuple[Path, int], int] = {}
"""Locks that a thread of this process holds: a workflow that holds it may call another that takes it."""


@contextmanager
def project_lock(project: Project, what: str, note: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the project's lock; wait for whoever has it, saying so once through `note`."""
    with file_lock(project.private / "lock", what, note):
        yield


@contextmanager
def adding_objects(cache: Path, what: str) -> Iterator[None]:
    """Keep objects of a DVC cache from being deleted until what was added is written down somewhere.

    Any number of processes may add at once. A cache that cannot be written to
    needs no lock: nobody adds or deletes there.
    """
    try:
        handle = _open(cache / CACHE_LOCK)
    except OSError:
        yield
        return
    try:
        _take(handle, fcntl.LOCK_SH, what, None)
        yield
    finally:
        os.close(handle)


@contextmanager
def deleting_objects(cache: Path, note: Callable[[str], None] | None = None) -> Iterator[None]:
    """Be alone in a DVC cache: wait until nobody adds to it, and let nobody begin."""
    with file_lock(cache / CACHE_LOCK, "ovt gc", note):
        yield


@contextmanager
def file_lock(path: Path, what: str, note: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock of a file (made if missing); reentrant within a thread."""
    path = path.resolve()
    held = (path, threading.get_ident())
    if _DEPTH.get(held):
        _DEPTH[held] += 1
        try:
            yield
        finally:
            _DEPTH[held] -= 1
        return
    handle = _wait(path, what, note)
    _DEPTH[held] = 1
    try:
        yield
    finally:
        del _DEPTH[held]
        _release(handle)


def try_lock(path: Path, what: str) -> Callable[[], None] | None:
    """Take the lock of a file without waiting: a function that releases it, or None if someone has it."""
    handle = _open(path.resolve())
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    _sign(handle, what)
    return lambda: _release(handle)


def holder(path: Path) -> Holder | None:
    """Who holds the lock of a file now, without touching the lock (a probe could make a taker fail)."""
    try:
        found = _parse(path.read_bytes())
    except OSError:
        return None
    return found if found is not None and alive(found) else None


def alive(found: Holder) -> bool:
    """Whether a process that signed still lives; one of another machine is believed to."""
    if not found.here:
        return True
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    born = birth(found.pid)
    return not found.born or not born or born == found.born


def birth(pid: int) -> int:
    """When a process started, in ticks since boot; 0 where the system does not tell."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(line.rpartition(")")[2].split()[19])  # the name before it may hold anything
    except (OSError, ValueError, IndexError):
        return 0


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _wait(path: Path, what: str, note: Callable[[str], None] | None) -> int:
    handle = _open(path)
    try:
        _take(handle, fcntl.LOCK_EX, what, note)
        _sign(handle, what)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _take(handle: int, kind: int, what: str, note: Callable[[str], None] | None) -> None:
    told = False
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told and note is not None:
                note(_waiting_for(_signature(handle), what))
            told = True
            time.sleep(PAUSE)
        else:
            return


def _waiting_for(found: Holder | None, what: str) -> str:
    if found is None:
        return f"{what}: waiting for another ovt command"
    since = time.strftime("%H:%M:%S", time.localtime(found.started))
    place = "" if found.here else f" on {found.host}"
    return f"waiting for {found.what} (process {found.pid}{place}, since {since})"


def _sign(handle: int, what: str) -> None:
    pid = os.getpid()
    value = {"pid": pid, "started": time.time(), "what": what, "host": socket.gethostname(), "born": birth(pid)}
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(value).encode(), 0)
    except OSError:
        return  # the disk is full: the lock holds, only nobody learns whose it is


def _signature(handle: int) -> Holder | None:
    return _parse(os.pread(handle, 4096, 0))


def _parse(content: bytes) -> Holder | None:
    try:
        value = json.loads(content)
        return Holder(int(value["pid"]), float(value["started"]), str(value["what"]), str(value.get("host", "")),
                      int(value.get("born", 0)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # released, or between taking the lock and signing


def _release(handle: int) -> None:
    try:
        os.ftruncate(handle, 0)
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
