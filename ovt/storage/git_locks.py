"""Git's own lock files: waited for while their owner lives, cleared when it was killed together with ovt.

Git creates `index.lock` and the like and removes them when it is done. A
`git` that was killed leaves them, and the next one tells a person to delete
them. Where it was ovt that ran it, ovt knows: it leaves a note before it
writes through Git and takes it away afterwards. A note whose writer is dead,
and a lock that was not there when the note was written, are cleared together.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.files import write_bytes
from ovt.storage.lock import Holder, alive, birth

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from ovt.project import Project
    from ovt.storage.layout import Layout

NOTE = "git-writing.json"
LOCKED = re.compile(rb"Unable to create '(.*\.lock)': File exists|[Cc]annot lock ref '[^']*': .*File exists")
READERS = frozenset({b"cat-file", b"log", b"diff", b"show", b"blame", b"grep"})
PATIENCE = 30.0
"""Seconds that another Git command may take before it is told about."""
SETTLE = 10.0
"""Seconds after which a lock is nobody's, where the system does not tell which processes there are."""


def patiently(run: Callable[[], subprocess.CompletedProcess[bytes]]) -> subprocess.CompletedProcess[bytes]:
    """Run a Git command again and again while another one has the repository's locks.

    Raises:
        MissingError: one has had them for half a minute.
    """
    end = time.monotonic() + PATIENCE
    pause = 0.02
    while True:
        done = run()
        if done.returncode == 0 or LOCKED.search(done.stderr) is None:
            return done
        if time.monotonic() > end:
            raise MissingError(
                "another Git command has this repository locked", why=f"for more than {PATIENCE:.0f} s",
                fix="let it end (an editor or a dialog may be waiting for you); if none runs, let ovt clear what a "
                    "killed one left", command="ovt doctor --fix",
            )
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


@contextmanager
def noted(project: Project, layout: Layout) -> Iterator[None]:
    """Leave a note while Git writes for ovt; see `clear`. The caller holds the project's lock."""
    note = project.private / NOTE
    pid = os.getpid()
    value = {"pid": pid, "born": birth(pid), "there": [str(path) for path in lock_files(layout)]}
    write_bytes(note, json.dumps(value).encode())
    yield
    note.unlink(missing_ok=True)  # an exception leaves it, and a lock of Git's too if there is one: cleared next time


def clear(project: Project, layout: Layout, *, unasked: bool = True) -> tuple[Path, ...]:
    """Remove lock files that a killed Git of ours left; what was removed.

    Args:
        project: the caller holds its lock.
        layout: of its working tree.
        unasked: only what a note of ovt's tells to be ours; False (a person asked): any that no process can own.
    """
    note = project.private / NOTE
    before = _read(note)
    if before is None and unasked:
        return ()
    found = tuple(path for path in lock_files(layout) if str(path) not in (before or ()))
    cleared = tuple(path for path in found if _abandoned(path, layout))
    for path in cleared:
        path.unlink(missing_ok=True)
    note.unlink(missing_ok=True)
    return cleared


def lock_files(layout: Layout) -> list[Path]:
    """Git's lock files that are there now: of the working tree's index and HEAD, and of the repository's refs."""
    refs = layout.common_dir / "refs"
    found = [*layout.git_dir.glob("*.lock"), *layout.common_dir.glob("*.lock"), *refs.rglob("*.lock")]
    return sorted({path.resolve() for path in found if path.is_file()})


def _read(note: Path) -> list[str] | None:
    """The locks that were there before; None if there is no note, or its writer lives."""
    try:
        value = json.loads(note.read_bytes())
        writer = Holder(int(value["pid"]), 0.0, "", born=int(value["born"]))
        there = [str(path) for path in value["there"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if writer.pid != os.getpid() and alive(writer) else there


def _abandoned(path: Path, layout: Layout) -> bool:
    """Whether the lock's owner is gone: it stays as it is, and no Git process works in the repository."""
    end = time.monotonic() + SETTLE
    while time.monotonic() < end:
        if not path.exists():
            return False
        if _git_at_work(layout) is False:
            return path.exists()
        time.sleep(0.05)
    return path.exists() and _git_at_work(layout) is None


def _git_at_work(layout: Layout) -> bool | None:
    """Whether a Git process has its folder in this working tree or repository; None where the system does not tell."""
    proc = Path("/proc")
    if not (proc / "self" / "cwd").exists():
        return None
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            if (entry / "comm").read_text(encoding="utf-8", errors="replace").strip() != "git":
                continue
            if _reads_only(entry):
                continue
            where = (entry / "cwd").readlink()
            if any(where.is_relative_to(folder) for folder in (layout.top.resolve(), layout.common_dir)):
                return True
    return False


def _reads_only(entry: Path) -> bool:
    """Readers take no lock, and a pager keeps them for hours."""
    return not READERS.isdisjoint((entry / "cmdline").read_bytes().split(b"\0"))
