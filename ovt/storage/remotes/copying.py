"""A batch of objects on its way between DVC's cache and a remote: what has arrived, what is left.

Interrupted, refused or cut off, it goes on with what is left. What arrives
here is compared with its hash; what is not what it should be is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ovt.errors import MissingError
from ovt.storage.remotes.errors import altered, hearing, incomplete

if TYPE_CHECKING:
    from collections.abc import Callable

Way = Literal["push", "pull"]


@dataclass
class Copying:
    """Objects that are copied; `go_on` may be called until it succeeds."""

    transfer: Callable[..., Any]
    """DVC's. Its index of the remote is not used: it would say that an object is there after someone deleted it."""
    source: Any
    target: Any
    left: set[Any]
    callback: Any
    way: Way
    secrets: tuple[str, ...]
    """What errors must not tell."""
    moved: int = 0

    def go_on(self) -> None:
        """Copy what is left of it.

        Raises:
            MissingError: an object is on neither side, was not copied (its cause says why), or is damaged.
        """
        missing: list[str] = []
        try:
            with hearing() as heard:
                result = self.transfer(
                    self.source, self.target, self.left, verify=self.way == "pull",
                    validate_status=lambda status: missing.extend(str(found.value) for found in status.missing),
                    callback=self.callback,
                )
        finally:
            if self.way == "pull":  # what arrived before it broke off
                arrived = {found for found in self.left if self.target.exists(str(found.value))}
                self.left, self.moved = self.left - arrived, self.moved + len(arrived)
        if missing:
            raise MissingError(
                f"{len(missing)} objects are neither here nor on the remote", at=", ".join(sorted(missing)[:3]),
                why="they were never pushed from where they were made", fix="push from that machine",
                command="ovt push")
        if self.way == "push":
            self.left, self.moved = result.failed, self.moved + len(result.transferred)
        if result.failed:
            raise incomplete([str(found.value) for found in result.failed], heard, self.way, self.secrets)
        if self.way == "pull" and self.left:  # DVC threw away what did not have the hash it is named by
            raise altered(str(found.value) for found in self.left)
