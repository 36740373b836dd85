"""Objects of a DVC remote, one by one: which are there, read in pieces, put there. `ovt.storage.dvc` opens it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.storage.dvc import reaching, remote_store, secrets_of
from ovt.storage.remotes.secrets import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from ovt.project import Project

STAMPS = ("size", "ETag", "etag", "mtime", "LastModified", "ino")
"""What the kinds of remotes tell about a file without its being read."""


@contextmanager
def remote_objects(project: Project, remote: str | None = None) -> Iterator[RemoteObjects]:
    """A remote's objects.

    Args:
        project: whose remote.
        remote: its name; None: the default.

    Raises:
        MissingError: no remote is set.
    """
    with remote_store(project, remote) as store:
        yield RemoteObjects(store, secrets_of(project))


class RemoteObjects:
    """The objects of one remote; every method raises `MissingError` where it cannot be reached."""

    def __init__(self, store: Any, secrets: tuple[str, ...] = ()) -> None:
        """Wrap DVC's view of it.

        Args:
            store: as `ovt.storage.dvc.remote_store` gives it.
            secrets: what no message may tell.
        """
        self._store = store
        self._secrets = secrets

    @property
    def place(self) -> str:
        """The remote as a person names it; never with a secret."""
        return redacted(str(self._store.fs.unstrip_protocol(self._store.path)), self._secrets)

    def present(self, digests: Iterable[str]) -> set[str]:
        """Those of the objects that are there."""
        wanted = list(digests)
        with reaching(self._store, self._secrets):
            if self._is_folder:
                # DVC's own answer for a folder deletes what it finds corrupt.
                return {digest for digest in wanted if Path(self._path(digest)).is_file()}
            return set(self._store.oids_exist(wanted))

    def stamp(self, digest: str) -> str:
        """Changes when the object is written again."""
        with reaching(self._store, self._secrets):
            info = self._store.fs.info(self._path(digest))
        return " ".join(f"{name}={info[name]}" for name in STAMPS if name in info)

    def size(self, digest: str) -> int:
        """Bytes of an object that is there."""
        with reaching(self._store, self._secrets):
            return int(self._store.fs.info(self._path(digest))["size"] or 0)

    @contextmanager
    def opened(self, digest: str) -> Iterator[BinaryIO]:
        """An object's content, read in pieces."""
        with reaching(self._store, self._secrets), self._store.fs.open(self._path(digest), "rb") as file:
            yield file

    def put(self, source: Path, digest: str) -> None:
        """Put an object there, over the one that is: whole or not at all."""
        path, file_system = self._path(digest), self._store.fs
        with reaching(self._store, self._secrets):
            if not self._is_folder:
                file_system.put_file(str(source), path)  # an object store shows it when it is complete
                return
            fresh = Path(path).with_name(f".{Path(path).name}.fresh")
            fresh.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, fresh)
            fresh.replace(path)

    @property
    def _is_folder(self) -> bool:
        return "file" in self._store.fs.protocol or "local" in self._store.fs.protocol

    def _path(self, digest: str) -> str:
        return str(self._store.oid_to_path(digest))
