"""A marked block at the end of somebody's text file: put in, found again, and taken out byte for byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ovt.storage.files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = b"# >>> ovt hooks", b"# <<< ovt hooks"
JOINED = b" (after a line without an end)"
"""The file had no final newline, and gets its old end back."""
BLOCK = re.compile(rb"(?P<newline>\n?)^[ \t]*" + re.escape(BEGIN) + rb"(?P<joined>" + re.escape(JOINED)
                   + rb")?\n.*?^[ \t]*" + re.escape(END) + rb"\n", re.MULTILINE | re.DOTALL)


def has_block(path: Path) -> bool:
    """Whether a file has a block of ovt's."""
    return path.is_file() and BLOCK.search(path.read_bytes()) is not None


def with_block(content: bytes, body: str) -> bytes:
    """The content with the block at its end, in place of an earlier one."""
    rest = without_block(content)
    joined = bool(rest) and not rest.endswith(b"\n")
    head = b"\n" if joined else b""
    mark = BEGIN + (JOINED if joined else b"")
    return rest + head + mark + b"\n" + body.encode() + END + b"\n"


def without_block(content: bytes) -> bytes:
    """The content as it was before the block."""
    return BLOCK.sub(lambda found: b"" if found["joined"] else found["newline"], content, count=1)


def put_block(path: Path, body: str) -> bool:
    """Write the block into a file, made if it is not there; whether anything changed."""
    before = path.read_bytes() if path.is_file() else b""
    after = with_block(before, body)
    if after != before:
        write_bytes(path, after)
    return after != before


def drop_block(path: Path) -> bool:
    """Take the block out; a file that held nothing else goes. Whether there was one."""
    if not has_block(path):
        return False
    rest = without_block(path.read_bytes())
    if rest:
        write_bytes(path, rest)
    else:
        path.unlink()
    return True
