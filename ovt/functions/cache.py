"""Answers of one function on one shard, and the cache that keeps them under `.ovt/cache/votes`.

Labels are kept by name, so that a class that joins the task later (and moves
the numbers of others) makes no cached answer wrong.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
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


LIMIT = 4 << 30
"""Bytes of answers that are kept; more only where one run needs more."""


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


_decoder = msgspec.msgpack.Decoder(_Stored)


def encode_answers(answers: Answers) -> bytes:
    """Answers as they are kept, and sent by workers."""
    stored = _Stored(FORMAT, list(answers.table), answers.items.tobytes(), answers.labels.tobytes())
    return msgspec.msgpack.encode(stored)


def decode_answers(content: bytes) -> Answers:
    """What `encode_answers` made.

    Raises:
        ValueError: it is damaged, or of another format.
    """
    stored = _decoder.decode(content)
    items, labels = np.frombuffer(stored.items, np.int64), np.frombuffer(stored.labels, np.int32)
    if stored.format != FORMAT or len(items) != len(labels) or not (labels < len(stored.table)).all():
        raise ValueError("these are no whole answers")
    return Answers(items, labels, tuple(stored.table))


class AnswerCache:
    """A folder of answers by function key and shard digest; anything in it may be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "votes"
        self._used: set[Path] = set()

    def place(self, function: Function, shard: str, tags: str) -> Path:
        """The file for one function on one shard; one that reads tags depends on the digest of those too."""
        if function.reads_tags:
            shard = digest_of([shard, tags])
        return self._folder / function.key[:2] / function.key[2:] / shard

    def read(self, place: Path) -> Answers | None:
        """The answers, or None if they are not there (or cannot be read: then they are made again)."""
        try:
            found = decode_answers(place.read_bytes())
        except (OSError, ValueError):  # msgspec's errors are ValueErrors too
            return None
        self._used.add(place.parent)
        return found

    def write(self, place: Path, answers: Answers) -> None:
        """Keep the answers: whole or not at all for every reader, but without waiting for the disk.

        A flush takes some 8 ms, often longer than the pass itself; what a power
        cut leaves half-written does not decode, and is made again.
        """
        self._used.add(place.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_bytes(encode_answers(answers))
        fresh.replace(place)

    def prune(self, limit: int = LIMIT) -> int:
        """Delete answers until the rest is under a limit, those of functions first that were not used for longest.

        What this object has read or written stays. Returns how many bytes were deleted.
        """
        for folder in self._used:
            _touch(folder)  # a function is used or not as a whole: one time stamp for all of its shards
        sizes = {folder: _age_and_size(folder) for folder in self._folder.glob("*/*")}
        excess, deleted = sum(size for _, size in sizes.values()) - limit, 0
        for folder in sorted(sizes, key=lambda folder: (sizes[folder][0], str(folder))):
            if deleted >= excess:
                break
            if folder not in self._used:
                shutil.rmtree(folder, ignore_errors=True)
                deleted += sizes[folder][1]
        return deleted


def _touch(folder: Path) -> None:
    with suppress(FileNotFoundError):  # another process has pruned it
        os.utime(folder)


def _age_and_size(folder: Path) -> tuple[int, int]:
    """When a folder was last used, and its bytes; nothing of one that another process has just pruned."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return folder.stat().st_mtime_ns, sum(entry.stat().st_size for entry in found)
    return 0, 0
