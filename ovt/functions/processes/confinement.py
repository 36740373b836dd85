"""What a fresh child does before it runs the user's code: it gives up what is the parent's and takes its limits."""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_FRAME = re.compile(r'^ {2}File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


@dataclass(frozen=True)
class Frame:
    """One line of a traceback."""

    file: str
    line: int
    name: str


def confine(memory: int, trace: IO[bytes]) -> None:
    """Confine this process, a fresh fork whose files 1 and 2 are already its own.

    Args:
        memory: bytes that it may take from now on.
        trace: where a crash, or SIGUSR1, writes the Python traceback.
    """
    os.setpgid(0, 0)  # its own children go with it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for the life of the process
    sys.stdout = sys.stderr = _appending(1)
    gc.freeze()  # what is shared with the parent is not looked at, so its pages are not copied
    faulthandler.enable(trace, all_threads=False)
    faulthandler.register(signal.SIGUSR1, trace, all_threads=False)
    _limit_memory(memory)


def read_frames(text: str) -> tuple[Frame, ...]:
    """The frames that faulthandler wrote, innermost first."""
    return tuple(Frame(found["file"], int(found["line"]), found["name"]) for found in _FRAME.finditer(text))


def _appending(file: int) -> io.TextIOWrapper:
    import fcntl

    # The parent and `Desk` empty the file now and then: what follows must be written at its end, wherever that is.
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return io.TextIOWrapper(io.FileIO(file, "w", closefd=False), encoding="utf-8", errors="replace", write_through=True)


def _limit_memory(memory: int) -> None:
    import resource

    status = Path("/proc/self/status")
    if not status.exists():  # only Linux holds a process to its data limit
        return
    found = re.search(r"^VmData:\s+(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
    here = int(found[1]) * 1024 if found else 0
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = here + memory
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    library: Any = ctypes.CDLL(None)
    library.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
