"""What transformation functions and generators made, kept under `.ovt/cache/augmented`.

The key is the definition of the function and the shard of its parents: one
record more in the data is one shard for each function, and a generator runs
once for all time. So a function that asks a slow service is asked once.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.functions.closure import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.functions.augmentation.augmenters import Augmenter

FORMAT = 1


class Made(msgspec.Struct, array_like=True):
    """One new record, before it is checked."""

    parent: int
    """Position in the shard; -1 for a generator."""
    number: int
    """From 1, among those of one parent and function."""
    payloads: dict[str, Any]
    labels: dict[str, Any]
    tags: list[str]


class Chunk(msgspec.Struct, array_like=True):
    """What a function made of one shard, or a part of what a generator made."""

    format: int
    made: list[Made]
    last: bool
    """No other chunk of this generator comes after it."""


class AugmentCache:
    """A folder of what was made; anything in it may be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "augmented"
        self._decoder = msgspec.msgpack.Decoder(Chunk)

    def place(self, augmenter: Augmenter, *parents: str) -> Path:
        """The file for one function and what its parents are told by."""
        return self._folder / augmenter.definition[:2] / augmenter.definition[2:] / digest_of(parents)

    def read(self, place: Path) -> Chunk | None:
        """What was made, or None if it is not there (or cannot be read: then it is made again)."""
        try:
            chunk = self._decoder.decode(place.read_bytes())
        except (OSError, ValueError):
            return None
        return chunk if chunk.format == FORMAT else None

    def write(self, place: Path, made: list[Made], *, last: bool) -> None:
        """Keep it, whole or not at all for every reader; what JSON cannot hold is not kept."""
        try:
            content = msgspec.msgpack.encode(Chunk(FORMAT, made, last))
        except (TypeError, ValueError, OverflowError):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_bytes(content)
        fresh.replace(place)
