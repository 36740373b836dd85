"""Answers of one function on one shard, and the cache that keeps them under `.ovt/cache/votes`.

Labels are kept by name, so that a class that joins the task later (and moves
the numbers of others) makes no cached answer wrong.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ovt.functions.closure import FORMAT, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.functions.answers import Label
    from ovt.functions.discover import Function


@dataclass(frozen=True)
class Answers:
    """Sparse answers: an item, and the label as a position in a table of names or numbers."""

    items: NDArray[np.int64]
    labels: NDArray[np.int32]
    table: tuple[Label, ...]

    @classmethod
    def of(cls, items: Sequence[int], labels: Sequence[Label]) -> Answers:
        """Pack a list of answers."""
        codes: dict[Label, int] = {}
        packed = [codes.setdefault(label, len(codes)) for label in labels]
        return cls(np.asarray(items, np.int64), np.asarray(packed, np.int32), tuple(codes))

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """The answers of all parts."""
        codes: dict[Label, int] = {}
        labels = [np.empty(0, np.int32)]
        for part in parts:
            own = np.asarray([codes.setdefault(label, len(codes)) for label in part.table], np.int32)
            labels.append(own[part.labels] if len(own) else part.labels)
        items = [np.empty(0, np.int64), *(part.items for part in parts)]
        return cls(np.concatenate(items), np.concatenate(labels), tuple(codes))

    def shifted(self, by: int) -> Answers:
        """The same answers with item numbers counted from elsewhere."""
        return Answers(self.items + by, self.labels, self.table)


class _Stored(msgspec.Struct, array_like=True):
    format: int
    table: list[str | int]
    items: bytes
    labels: bytes


class AnswerCache:
    """A folder of answers by function key and shard digest; anything in it may be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "votes"
        self._decoder = msgspec.msgpack.Decoder(_Stored)

    def place(self, function: Function, shard: str, tags: str) -> Path:
        """The file for one function on one shard; one that reads tags depends on the digest of those too."""
        if function.reads_tags:
            shard = digest_of([shard, tags])
        return self._folder / function.key[:2] / function.key[2:] / shard

    def read(self, place: Path) -> Answers | None:
        """The answers, or None if they are not there (or cannot be read: then they are made again)."""
        try:
            stored = self._decoder.decode(place.read_bytes())
            items, labels = np.frombuffer(stored.items, np.int64), np.frombuffer(stored.labels, np.int32)
        except (OSError, ValueError):  # msgspec's errors are ValueErrors too
            return None
        whole = stored.format == FORMAT and len(items) == len(labels) and (labels < len(stored.table)).all()
        return Answers(items, labels, tuple(stored.table)) if whole else None

    def write(self, place: Path, answers: Answers) -> None:
        """Keep the answers: whole or not at all for every reader, but without waiting for the disk.

        A flush takes some 8 ms, often longer than the pass itself; what a power
        cut leaves half-written does not decode, and is made again.
        """
        stored = _Stored(FORMAT, list(answers.table), answers.items.tobytes(), answers.labels.tobytes())
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_bytes(msgspec.msgpack.encode(stored))
        fresh.replace(place)
