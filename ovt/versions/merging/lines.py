"""Files of JSON lines as rows that a merge can tell apart: whose record, whose label.

What all three versions begin with (all that was there before two people
appended) is copied and never parsed: the memory of a merge is that of the
changes, not of the data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from mmap import mmap

    Content = bytes | mmap

Key = tuple[str, ...]
CHUNK = 1 << 20
HEADER = "header"
"""Kind of a line that says something about those after it (`{"batch": …}`)."""


@dataclass(frozen=True)
class Row:
    """One line."""

    key: Key
    """Of its group: all lines about one record, or all that one source says about one task of it."""
    line: bytes
    """With its newline."""

    @property
    def value(self) -> dict[str, Any]:
        """The parsed line; empty where it is no JSON object."""
        found = _parsed(self.line)
        return found if found is not None else {}


def shared_prefix(*contents: Content) -> int:
    """How many bytes all contents begin with, in whole lines."""
    shortest = min(len(content) for content in contents)
    same = 0
    while same < shortest:
        size = min(CHUNK, shortest - same)
        first, *rest = (content[same : same + size] for content in contents)
        if all(other == first for other in rest):
            same += size
            continue
        low, high = 0, size
        while low < high:  # the longest prefix of this chunk that agrees
            middle = (low + high + 1) // 2
            if all(other[:middle] == first[:middle] for other in rest):
                low = middle
            else:
                high = middle - 1
        same += low
        break
    return contents[0].rfind(b"\n", 0, same) + 1


def copy_prefix(content: Content, size: int, write: Callable[[bytes], object]) -> None:
    """Write the first `size` bytes, piece by piece."""
    for start in range(0, size, CHUNK):
        write(bytes(content[start : min(start + CHUNK, size)]))


def rows_of(content: Content, start: int) -> list[Row]:
    """The lines from `start` on; empty ones are left out, a missing last newline is given."""
    return [Row(_key(line), line) for line in _lines(content, start)]


def _lines(content: Content, start: int) -> Iterator[bytes]:
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        line = bytes(content[start:end]).rstrip(b"\r")
        if line.strip():
            yield line + b"\n"
        start = end + 1


def _key(line: bytes) -> Key:
    value = _parsed(line)
    if value is None:
        return ("raw", line.decode(errors="surrogateescape"))
    if "batch" in value and "id" not in value:
        return (HEADER, line.decode(errors="surrogateescape"))
    if "task" in value and "source" in value:
        return ("label", *(_text(value.get(name)) for name in ("id", "task", "source", "worker")))
    if value.get("id") is not None:
        return ("record", _text(value["id"]))
    return ("payloads", json.dumps(value.get("payloads", value), sort_keys=True))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
