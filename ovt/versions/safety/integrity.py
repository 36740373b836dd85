"""Whether an object of a DVC cache is what its name says: its MD5, read once per state of the file.

What was found right is remembered with size, times and inode, so that a second
look at a large cache reads nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ovt.storage.files import write_bytes
from ovt.storage.fingerprint import CHUNK, file_md5, md5_of
from ovt.storage.objects import object_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from ovt.project import Project

Standing = Literal["right", "corrupt", "missing"]
MEMORY_FILE = "verified.json"
READ_ONLY = 0o444
"""As DVC keeps its objects."""


class Verifier:
    """Looks at objects in one or more caches; `save` keeps what was learnt."""

    def __init__(self, project: Project, caches: Sequence[Path], *, again: bool = False) -> None:
        """Prepare to look.

        Args:
            project: whose `.ovt/cache` remembers.
            caches: DVC caches, the project's own first.
            again: read everything, remembered or not.
        """
        self.caches = tuple(caches)
        self.read_bytes = 0
        self._store = project.cache / MEMORY_FILE
        self._known: dict[str, list[int]] = {} if again else _load(self._store)
        self._dirty = False

    def look(self, digest: str) -> Standing:
        """Whether some cache has the object, right; `corrupt` if one has it and it is not."""
        standing: Standing = "missing"
        for cache in self.caches:
            path = object_in(cache, digest)
            try:
                if self._right(path, digest):
                    return "right"
                standing = "corrupt"
            except FileNotFoundError:
                continue
            except OSError:
                standing = "corrupt"  # there, and cannot be read
        return standing

    def path(self, digest: str) -> Path:
        """The file of an object: the first that is there, else where the project's own cache would have it."""
        paths = [object_in(cache, digest) for cache in self.caches]
        return next((path for path in paths if path.exists()), paths[0])

    def _right(self, path: Path, digest: str) -> bool:
        found = path.stat()
        state = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        if self._known.get(str(path)) == state:
            return True
        self.read_bytes += found.st_size
        if file_md5(path) != digest.removesuffix(".dir"):
            self._dirty = self._known.pop(str(path), None) is not None or self._dirty
            return False
        self._known[str(path)] = state
        self._dirty = True
        return True

    def save(self) -> None:
        """Keep what was learnt; a folder that cannot be written to costs a second reading, nothing else."""
        if self._dirty:
            with suppress(OSError, UnicodeEncodeError):
                write_bytes(self._store, json.dumps(self._known, separators=(",", ":")).encode())
        self._dirty = False


def put_right(source: BinaryIO, target: Path, digest: str) -> bool:
    """Write an object from a second copy: whole and right, or not at all (False).

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    import hashlib

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".heal-", dir=target.parent)
    found = hashlib.md5(usedforsecurity=False)
    try:
        with os.fdopen(handle, "wb") as file:
            while chunk := source.read(CHUNK):
                found.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if found.hexdigest() != digest.removesuffix(".dir"):
            return False
        Path(name).chmod(READ_ONLY)
        Path(name).replace(target)
        return True
    finally:
        Path(name).unlink(missing_ok=True)


def heal_from_files(candidates: Iterable[Path], target: Path, digest: str) -> bool:
    """Put an object right from a file that has the same content; False if none has."""
    for path in candidates:
        with suppress(OSError):
            if path.is_file() and path.resolve() != target.resolve():
                with path.open("rb") as source:
                    if put_right(source, target, digest):
                        return True
    return False


def rebuilt_listing(folder: Path, digest: str, target: Path) -> bool:
    """Put a `.dir` object right from the folder that it lists, if that is still as it was."""
    import io

    from ovt.storage.fingerprint import folder_listing

    if not folder.is_dir():
        return False
    files = [(path.relative_to(folder).as_posix(), file_md5(path)) for path in sorted(folder.rglob("*"))
             if path.is_file()]
    content = folder_listing(files)
    return f"{md5_of(content)}.dir" == digest and put_right(io.BytesIO(content), target, digest)


def _load(store: Path) -> dict[str, list[int]]:
    try:
        value = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
