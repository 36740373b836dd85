"""What a killed process leaves in DVC's `rwlock`: half a file, or its number, which another process may get later.

DVC refuses to work with half a file, and waits for whoever has the number.
Both are mended under the lock by which DVC itself guards the file; DVC is not
imported.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.storage.files import write_bytes
from ovt.storage.lock import birth

if TYPE_CHECKING:
    from ovt.project import Project

KINDS = ("read", "write")


def mend_rwlock(project: Project) -> bool:
    """Take out what no living process can have written; True if there was anything."""
    path = project.root / ".dvc" / "tmp" / "rwlock"
    if rwlock_is_right(project):
        return False
    guard = os.open(path.with_name("rwlock.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        kept = _living(path, repair=True)
        if kept is None:
            return False
        write_bytes(path, json.dumps(kept).encode())
        return True
    finally:
        os.close(guard)


def rwlock_is_right(project: Project) -> bool:
    """Whether the file is whole and all in it may be alive."""
    return _living(project.root / ".dvc" / "tmp" / "rwlock") is not None


def _living(path: Path, *, repair: bool = False) -> dict[str, Any] | None:
    """Without `repair`: the content if it is all right, else None. With it: what stays, None if all is right."""
    try:
        value = json.loads(path.read_bytes())
        written = path.stat().st_mtime
        found = {kind: value.get(kind, {}) for kind in KINDS}
        kept = {"read": {name: left for name, infos in found["read"].items() if (left := [
                    info for info in infos if _may_be(info, written)])},
                "write": {name: info for name, info in found["write"].items() if _may_be(info, written)}}
    except FileNotFoundError:
        return None if repair else {}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {} if repair else None
    right = kept == found
    if repair:
        return None if right else kept
    return found if right else None


def _may_be(info: dict[str, Any], written: float) -> bool:
    """Whether the process may have written it: it lives, and began before the file was written."""
    pid = int(info["pid"])
    born = birth(pid)
    if not Path(f"/proc/{pid}").exists():
        return not Path("/proc/self").exists()  # no /proc: DVC's own look must do
    return not born or _seconds(born) <= written + 1.0


def _seconds(born: int) -> float:
    """Unix seconds of a time in ticks since boot."""
    for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1]) + born / os.sysconf("SC_CLK_TCK")
    return 0.0
