"""One writer at a time: a lock that the kernel drops when its holder dies.

The file stays; what locks is `flock` on it. So there is never a stale lock to
delete by hand: a killed process holds nothing. The file says who holds it
(pid, since when, doing what), for the message of whoever waits.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ovt.project import Project

PAUSE = 0.1


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    pid: int
    started: float
    """Unix seconds."""
    what: str


_DEPTH: dict[tuple[Path, int], int] = {}
"""Locks that a thread of this process holds: a workflow that holds it may call another that takes it."""


@contextmanager
def project_lock(project: Project, what: str, note: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the project's lock; wait for whoever has it, saying so once through `note`."""
    with file_lock(project.private / "lock", what, note):
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
    handle = _wait(path, note)
    _DEPTH[held] = 1
    try:
        _sign(handle, what)
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
    return found if found is not None and _alive(found.pid) else None


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _wait(path: Path, note: Callable[[str], None] | None) -> int:
    handle = _open(path)
    told = False
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told and note is not None:
                    note(_waiting_for(_signature(handle)))
                told = True
                time.sleep(PAUSE)
            else:
                return handle
    except BaseException:
        os.close(handle)
        raise


def _waiting_for(found: Holder | None) -> str:
    if found is None:
        return "waiting for another ovt command in this project"
    since = time.strftime("%H:%M:%S", time.localtime(found.started))
    return f"waiting for {found.what} (process {found.pid}, since {since})"


def _sign(handle: int, what: str) -> None:
    content = json.dumps({"pid": os.getpid(), "started": time.time(), "what": what}).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, content, 0)


def _signature(handle: int) -> Holder | None:
    return _parse(os.pread(handle, 4096, 0))


def _parse(content: bytes) -> Holder | None:
    try:
        value = json.loads(content)
        return Holder(int(value["pid"]), float(value["started"]), str(value["what"]))
    except (ValueError, KeyError, TypeError):
        return None  # released, or between taking the lock and signing


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _release(handle: int) -> None:
    os.ftruncate(handle, 0)
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
