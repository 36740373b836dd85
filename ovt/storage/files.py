"""Writing so that nothing is lost: whole or not at all, one writer at a time."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT_BEHIND = 24 * 3600.0
"""Seconds after which a scratch folder belongs to nobody."""


def safe_name(name: str) -> str:
    """A task or source name as a file name: anything but letters, digits, `_`, `-` is percent-encoded."""
    return quote(name, safe="").replace(".", "%2E")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode_of(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON in the form every report has: sorted keys, indent 1, final newline, UTF-8."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n")


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def swap_in(fresh: Path, final: Path) -> None:
    """Put a new file or folder in the place of an old one.

    A folder cannot be replaced in one step by POSIX, so the old one is moved
    aside first: a crash in between leaves both, and the next run starts over.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    if not final.is_dir() or final.is_symlink():
        fresh.replace(final)
        return
    aside = final.with_name(f".{final.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    final.replace(aside)
    fresh.replace(final)
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A fresh folder below `parent` (same file system as what it will replace), removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what killed processes left behind long ago; what is younger may be in use."""
    for left in parent.iterdir():
        if time.time() - left.stat().st_mtime > LEFT_BEHIND:
            shutil.rmtree(left, ignore_errors=True)
