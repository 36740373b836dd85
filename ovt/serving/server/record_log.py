"""A sampled, redacted stream of the records that were asked about, for `ovt add --logs`.

One thread writes; requests hand records over and never wait. When the disk is
slow or full, records are dropped, and serving goes on.
"""

from __future__ import annotations

import os
import queue
import random
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.serving.server.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_WAITING = 1000
KEPT = ("id", "payloads")
"""What of a record is written: what it is about, and nothing that a client claims to know about it."""


@dataclass(frozen=True)
class LogPolicy:
    """What is written, and where."""

    folder: Path
    share: float = 0.01
    """Of the records."""
    redact: bool = True
    file_bytes: int = 64 << 20
    """Beyond this the next file begins."""


class RecordLog:
    """The stream; `close` writes what waits."""

    def __init__(self, policy: LogPolicy, wrote: Callable[[], None] = lambda: None) -> None:
        self._policy, self._wrote = policy, wrote
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self._dice = random.Random()  # noqa: S311 - a sample, no secret
        self.problem = ""
        """Why the last record could not be written."""
        policy.folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._write_all, name="record-log", daemon=True)
        self._thread.start()

    def take(self, line: bytes) -> None:
        """Keep a record, if the dice say so and there is room."""
        if self._dice.random() < self._policy.share:
            try:
                self._waiting.put_nowait(line)
            except queue.Full:
                self.problem = "the disk is slower than the requests"

    def close(self) -> None:
        """Write what waits, and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._append(self._row(line))
                self._wrote()
            except OSError as error:
                self.problem = error.strerror or str(error)

    def _row(self, line: bytes) -> bytes:
        plain: dict[str, Any] = msgspec.json.decode(line)
        kept: dict[str, Any] = {name: plain[name] for name in KEPT if plain.get(name) is not None}
        if self._policy.redact:
            kept = redacted(kept)
        kept["tags"] = [f"log:{_today()}"]
        return msgspec.json.encode(kept) + b"\n"

    def _append(self, row: bytes) -> None:
        """One write a line, so that no reader and no crash sees half of one."""
        path = self._file()
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, row)
        finally:
            os.close(handle)

    def _file(self) -> Path:
        number = 0
        while True:
            path = self._policy.folder / f"records-{_today()}-{os.getpid()}-{number}.jsonl"
            if not path.exists() or path.stat().st_size < self._policy.file_bytes:
                return path
            number += 1


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")
