"""A bucket: an object appears whole or not at all, a pointer moves only if it is what its mover has read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

S3 = "s3://"


@dataclass(frozen=True)
class Stamped:
    """An object's content and what tells it from a later one under the same name."""

    content: bytes
    stamp: str


class Bucket(Protocol):
    """Objects by name (`a/b/c`)."""

    url: str
    """As people type it."""

    def size(self, name: str) -> int | None:
        """Bytes of an object; None: there is none."""

    def read(self, name: str) -> Stamped | None:
        """A small object; None: there is none."""

    def names(self, prefix: str) -> Iterator[str]:
        """Names of the objects below a prefix that ends in a slash."""

    def put(self, name: str, file: Path) -> None:
        """Store a file."""

    def get(self, name: str, file: Path) -> bool:
        """Fetch an object into a file; False: there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Store a small object."""

    def replace(self, name: str, content: bytes, expected: str | None) -> bool:
        """Store a small object if what is there has the stamp `expected` (None: nothing is there); else False."""
