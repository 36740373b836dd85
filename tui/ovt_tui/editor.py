"""The user's editor, opened on a line of a file."""

from __future__ import annotations

import os
import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FALLBACK = "vi"
WITH_COLON = frozenset({"subl", "zed", "hx", "helix", "micro"})
"""Editors that take FILE:LINE; all others but the next take `+LINE FILE`, as vi, nano and emacs do."""
WITH_GOTO = frozenset({"code", "code-insiders", "codium", "cursor"})


def editor_of(environment: Mapping[str, str] = os.environ) -> str:
    """What the user edits with: `$VISUAL`, `$EDITOR`, or vi."""
    return environment.get("VISUAL") or environment.get("EDITOR") or FALLBACK


def command(editor: str, path: Path, line: int) -> list[str]:
    """The command that opens a file at a line and ends when the user is done.

    Raises:
        ValueError: the editor's quotes are not closed.
    """
    words = shlex.split(editor) or [FALLBACK]
    name = PurePath(words[0]).name
    if name in WITH_COLON:
        return [*words, f"{path}:{line}"]
    if name in WITH_GOTO:
        return [*words, *([] if "--wait" in words or "-w" in words else ["--wait"]), "--goto", f"{path}:{line}"]
    return [*words, f"+{line}", str(path)]
