"""What of a remote was read and found right: remembered by what the remote tells without a reading."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from ovt.storage.files import write_bytes

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.storage.remotes.objects import RemoteObjects

MEMORY_FILE = "verified-remote.json"


class RemoteMemory:
    """Stamps of remote objects that were right."""

    def __init__(self, project: Project, *, again: bool = False) -> None:
        """Load what is known; `again`: nothing is."""
        self.read_bytes = 0
        self._store = project.cache / MEMORY_FILE
        self._known: dict[str, str] = {} if again else self._load()
        self._fresh: dict[str, str] = {}

    def knows(self, digest: str, there: RemoteObjects) -> bool:
        """Whether the object was right when it was last read, and has not been written since."""
        stamp = there.stamp(digest)
        self._fresh[digest] = f"{there.place} {stamp}"
        return self._known.get(digest) == self._fresh[digest]

    def keep(self, digest: str, there: RemoteObjects) -> None:
        """It is right."""
        self._known[digest] = self._fresh.get(digest) or f"{there.place} {there.stamp(digest)}"

    def save(self) -> None:
        """Keep what was learnt; a folder that cannot be written to costs a second reading, nothing else."""
        if self._fresh:
            with suppress(OSError, UnicodeEncodeError):
                write_bytes(self._store, json.dumps(self._known, separators=(",", ":")).encode())

    def _load(self) -> dict[str, str]:
        try:
            value = json.loads(self._store.read_bytes())
        except (OSError, ValueError):
            return {}
        return {str(digest): str(stamp) for digest, stamp in value.items()} if isinstance(value, dict) else {}
