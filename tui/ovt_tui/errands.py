"""Long work in a process of its own: running and committing the workspace, fetching a version.

Training in a thread of the app would hold up its keys, and a thread cannot be
interrupted. A process can, by the signal that ctrl+c sends to `ovt run`, and
what ovt promises about that holds here: the last good state stays as it is.

The process (`ovt_tui.errand_process`) tells what it does as lines of JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from ovt import errors
from ovt.errors import InternalError, OvtError
from ovt.storage.git import clean_environment

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ovt.progress import Progress

POLL = 0.1
"""Seconds after which it is looked whether someone wants to stop."""
GRACE = 15.0
"""Seconds that an interrupted process has to put things in order."""
LAST_LINES = 3
"""How much of what a process said before it died is shown."""


@dataclass(frozen=True)
class Recorded:
    """What a run, or a commit, of the workspace did."""

    stages: dict[str, str] = field(default_factory=dict)
    """Stage → `ran`, `restored` or `unchanged`."""
    commit: str | None = None
    """The new version; None where nothing was committed."""
    files: int = 0
    first: bool = False
    """There is no version before it to compare with."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched of a version."""

    runs: int
    objects: int


class Stopped(OvtError):  # noqa: N818 - no error: someone asked for it
    """The errand was stopped because someone asked for it."""


def run_errand(root: Path, arguments: Sequence[str], progress: Progress, stop: threading.Event) -> dict[str, Any]:
    """Run an errand until it ends; what it answers.

    Args:
        root: the project's folder.
        arguments: the errand's name and what it is about.
        progress: hears what the process tells.
        stop: once set, the process is interrupted.

    Raises:
        OvtError: what went wrong in the process.
        Stopped: it was interrupted.
    """
    with tempfile.TemporaryFile() as said:
        # -P: a module of the user's repository must not shadow the standard library's.
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "ovt_tui.errand_process", str(root), *arguments], cwd=root,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, start_new_session=True,
            env=clean_environment(),
        ) as process:
            answer = _listen(process, progress, stop)
        return _answer(answer, process.returncode, said, stopped=stop.is_set())


def _listen(
    process: subprocess.Popen[bytes], progress: Progress, stop: threading.Event,
) -> dict[str, Any]:
    """Pass on what it tells; its last word is the answer, or an error."""
    last: dict[str, Any] = {}
    for line in _lines(process, stop):
        value = json.loads(line)
        if "update" in value:
            progress.update(*value["update"])
        elif "note" in value:
            progress.note(value["note"])
        else:
            last = value
    return last


def _lines(process: subprocess.Popen[bytes], stop: threading.Event) -> Iterator[bytes]:
    """Whole lines until it closes its end; it is interrupted as soon as someone wants to stop."""
    assert process.stdout is not None
    handle, rest = process.stdout.fileno(), b""
    interrupted: float | None = None
    while True:
        if stop.is_set():
            interrupted = _interrupt(process, interrupted)
        if not select.select([handle], [], [], POLL)[0]:
            continue
        read = os.read(handle, 65536)
        if not read:
            return
        *whole, rest = (rest + read).split(b"\n")
        yield from whole


def _interrupt(process: subprocess.Popen[bytes], since: float | None) -> float:
    """Interrupt it with all its children, as ctrl+c would; end it if that does not help."""
    now = time.monotonic()
    if since is None:
        _signal(process, signal.SIGINT)
        return now
    if now - since > GRACE:
        _signal(process, signal.SIGTERM)
        return now
    return since


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)  # it leads a session of its own
    except ProcessLookupError:
        return


def _answer(last: dict[str, Any], code: int, said: IO[bytes], *, stopped: bool) -> dict[str, Any]:
    if "answer" in last:
        return dict(last["answer"])
    if stopped:
        raise Stopped("stopped: nothing was committed", why="what had ended before is kept, the rest is as it was")
    if "error" in last:
        raise _error(last["error"])
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()[-LAST_LINES:]
    raise InternalError(f"the work ended with code {code} and no answer", why=" / ".join(lines) or None,
                        fix="try the same in a shell", command="ovt run")


def _error(told: dict[str, Any]) -> OvtError:
    """The error as it was raised over there."""
    kind: type[OvtError] = getattr(errors, told.pop("kind"), OvtError)
    return kind(told.pop("what"), **told)
