"""What is served now, and what replaces it while requests go on."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import OvtError
from ovt.serving.loading import load
from ovt.serving.manifest import MANIFEST, sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.serving.model import Model

    Origin = Callable[[], Path]
    """Where the bundle lies that should be served now: a folder, or what an alias means, fetched."""


@dataclass(frozen=True)
class Served:
    """One bundle, loaded."""

    model: Model
    identity: str
    """Digest of its manifest, and so of all its files."""

    @property
    def key(self) -> str:
        """KEY of the version that it was made from."""
        return str(self.model.manifest.get("key") or "")


class Serving:
    """The bundle that is served; it is replaced whole, and a bad replacement changes nothing."""

    def __init__(self, origin: Origin) -> None:
        """Load what the origin names.

        Raises:
            MissingError: it is not there, or damaged.
        """
        self._origin = origin
        self._twins = threading.local()
        self.now = self._loaded(origin())
        self.problem: OvtError | None = None
        """Why the last attempt to replace it failed; None: it did not."""

    def model(self) -> Model:
        """The present model for the calling thread, which alone may use it."""
        now = self.now
        if getattr(self._twins, "identity", None) != now.identity:
            self._twins.identity, self._twins.model = now.identity, now.model.twin()
        found: Model = self._twins.model
        return found

    def refresh(self) -> bool:
        """Load what the origin names now, if it is another bundle; True if it was replaced.

        What cannot be fetched or loaded is kept in `problem`, and the present model goes on.
        """
        try:
            folder = self._origin()
            if sha256(folder / MANIFEST) == self.now.identity:
                self.problem = None
                return False
            fresh = self._loaded(folder)
            fresh.model.twin().predict([])
        except OvtError as error:
            self.problem = error
            return False
        except OSError as error:
            self.problem = OvtError("the bundle cannot be read", why=str(error.strerror or error))
            return False
        self.now, self.problem = fresh, None
        return True

    def _loaded(self, folder: Path) -> Served:
        model = load(folder)
        return Served(model, sha256(folder / MANIFEST))

    def about(self) -> dict[str, Any]:
        """What is served, for people."""
        return {"key": self.now.key, "bundle": self.now.identity}
