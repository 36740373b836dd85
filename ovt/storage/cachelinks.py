"""Files put into the working tree from DVC's cache the way that DVC's `cache.type` says, without importing DVC.

An entry is made under another name and moved into place, so that a killed
process leaves the old file or the new one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.storage.objects import link_types

if TYPE_CHECKING:
    from ovt.project import Project

FICLONE = 0x40049409
"""Linux: let two files share their blocks (ioctl_ficlone(2))."""


class Linker:
    """Puts objects of the cache into the working tree."""

    def __init__(self, project: Project) -> None:
        self.kinds = link_types(project)
        self._scratch = project.private

    def copies(self, source: Path) -> bool:
        """Whether an object would be copied whole, tried with this one."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            return self._make(source, Path(folder) / "probe") == "copy"

    def put(self, source: Path, target: Path) -> None:
        """Put an object in the place of a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.ovt-{os.getpid()}")
        try:
            self._make(source, fresh)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)  # replacing a hard link by one to the same object leaves both

    def _make(self, source: Path, target: Path) -> str:
        for kind in (*self.kinds, "copy"):
            try:
                MAKERS[kind](source, target)
            except (OSError, KeyError):
                target.unlink(missing_ok=True)
                continue
            return kind
        raise OSError(f"cannot write {target}")


def _reflink(source: Path, target: Path) -> None:
    if not sys.platform.startswith("linux"):
        raise OSError("no reflink here")
    with source.open("rb") as old, target.open("wb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


def _hardlink(source: Path, target: Path) -> None:
    if source.stat().st_size == 0:
        raise OSError("empty files are copied, as DVC does: a file system has a limit of links")
    os.link(source, target)


def _symlink(source: Path, target: Path) -> None:
    target.symlink_to(source.resolve())


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


MAKERS = {"reflink": _reflink, "hardlink": _hardlink, "symlink": _symlink, "copy": _copy}
