"""Where the bulk is: the cache, how files are linked from it, room on the disk, the remote."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.storage.objects import cache_folder, default_remote, link_types
from ovt.workflows.health.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project

LOW_DISK = 2 * 1024**3
"""Bytes below which a run with its cached outputs may fail."""
PATIENCE = 15.0
"""Seconds that a remote may take to answer."""


def places(project: Project, *, network: bool = True) -> Iterator[Finding]:
    """Look at each in turn.

    Args:
        project: whose.
        network: ask the remote whether it answers.
    """
    cache = cache_folder(project)
    yield _room("disk", project.root)
    if _device(cache) != _device(project.root):
        yield _room("disk of the cache", cache)
    yield _writable(project)
    yield _links(project, cache)
    yield _remote(project, network=network)


def _room(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    low = free <= LOW_DISK
    return Finding(name, not low, f"{free / 1024**3:.1f} GiB free", "make room: ovt gc" if low else "")


def _writable(project: Project) -> Finding:
    closed = [str(folder) for folder in (project.root, project.private, cache_folder(project))
              if not os.access(_existing(folder), os.W_OK)]
    return Finding("may write", not closed, f"not in {', '.join(closed)}" if closed else "yes",
                   "change the owner or the rights of that folder" if closed else "")


def _links(project: Project, cache: Path) -> Finding:
    """How files come from the cache: a copy takes the room twice."""
    configured = link_types(project)
    works = [kind for kind in ("reflink", "hardlink", "symlink") if _can_link(kind, cache, project.root)]
    used = next((kind for kind in configured if kind == "copy" or kind in works), "copy")
    if used != "copy" or not works:
        return Finding("cache links", ok=True, found=f"{used} in {cache}")
    return Finding("cache links", ok=True, found=f"copies in {cache}: every file takes its room twice",
                   fix=f"dvc config cache.type {','.join(works)}   (then never edit such a file in place)")


def _can_link(kind: str, cache: Path, root: Path) -> bool:
    try:
        with tempfile.TemporaryDirectory(dir=_existing(cache)) as there, \
                tempfile.TemporaryDirectory(dir=_existing(root / ".ovt")) as here:
            source, target = Path(there, "a"), Path(here, "b")
            source.write_bytes(b"x")
            if kind == "reflink":
                _reflink(source, target)
            elif kind == "hardlink":
                target.hardlink_to(source)
            else:
                target.symlink_to(source)
            return target.read_bytes() == b"x"
    except OSError:
        return False


def _reflink(source: Path, target: Path) -> None:
    """Linux' FICLONE.

    Raises:
        OSError: the file system cannot.
    """
    import fcntl

    with source.open("rb") as read, target.open("wb") as written:
        fcntl.ioctl(written.fileno(), 0x40049409, read.fileno())


def _remote(project: Project, *, network: bool) -> Finding:
    name = default_remote(project)
    if name is None:
        return Finding("remote", ok=False, found="none: this machine has the only copy of data and models",
                       fix="ovt remote add URL", weight="advised")
    if not network:
        return Finding("remote", ok=True, found=f"{name}, not asked")
    answer: list[Finding] = []
    # A thread, since what waits for a dead network cannot be told to stop.
    asking = threading.Thread(target=lambda: answer.append(_asked(project, name)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answer[0] if answer else Finding(
        "remote", ok=False, found=f"{name}: no answer in {PATIENCE:.0f} s", fix="check the network and the address",
        weight="advised")


def _asked(project: Project, name: str) -> Finding:
    try:
        from ovt.storage.remotes.objects import remote_objects

        with remote_objects(project) as there:
            there.present(["0" * 32])
            return Finding("remote", ok=True, found=f"{name}: {there.place} answers")
    except OvtError as error:
        return Finding("remote", ok=False, found=f"{name}: {error.what}", fix=error.fix or error.command or "",
                       weight="advised")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _device(folder: Path) -> int:
    return _existing(folder).stat().st_dev
