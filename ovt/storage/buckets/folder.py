"""A folder, perhaps on a share, as a bucket."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.buckets.interface import Stamped
from ovt.storage.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FolderBucket:
    """A folder, perhaps on a share."""

    def __init__(self, top: Path) -> None:
        self.top, self.url = top, str(top)

    def size(self, name: str) -> int | None:
        """See `Bucket.size`."""
        try:
            return (self.top / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, name: str) -> Stamped | None:
        """See `Bucket.read`."""
        try:
            content = (self.top / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stamped(content, _stamp(content))

    def names(self, prefix: str) -> Iterator[str]:
        """See `Bucket.names`."""
        found = (path for path in (self.top / prefix).rglob("*") if path.is_file() and not path.name.startswith("."))
        yield from sorted(path.relative_to(self.top).as_posix() for path in found)

    def put(self, name: str, file: Path) -> None:
        """See `Bucket.put`."""
        import shutil

        place = self.top / name
        fresh = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, fresh)
            with fresh.open("rb") as written:
                os.fsync(written.fileno())
            fresh.replace(place)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise self._failed(error) from None

    def get(self, name: str, file: Path) -> bool:
        """See `Bucket.get`."""
        import shutil

        try:
            shutil.copyfile(self.top / name, file)
        except FileNotFoundError:
            return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """See `Bucket.write`."""
        try:
            write_bytes(self.top / name, content)
        except OSError as error:
            raise self._failed(error) from None

    def replace(self, name: str, content: bytes, expected: str | None) -> bool:
        """See `Bucket.replace`; the folder is locked meanwhile."""
        import fcntl

        try:
            self.top.mkdir(parents=True, exist_ok=True)
            with (self.top / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                present = self.read(name)
                if (present.stamp if present else None) != expected:
                    return False
                write_bytes(self.top / name, content)
        except OSError as error:
            raise self._failed(error) from None
        return True

    def _failed(self, error: OSError) -> MissingError:
        return MissingError(f"`{self.url}` cannot be written", why=error.strerror or str(error),
                            fix="what was sent stays; the same command goes on from there")


def _stamp(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
