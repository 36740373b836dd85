"""File names that DVC cannot record: its listings are JSON, and a name that is no UTF-8 has no place in them."""

from __future__ import annotations

import os
from pathlib import Path

from ovt.errors import ProjectError


def refuse_unreadable_names(root: Path, folder: str) -> None:
    """Stop before DVC does so in the middle of it.

    Raises:
        ProjectError: naming the first file and how many there are.
    """
    found = [str(Path(parent, name).relative_to(root)) for parent, folders, names in os.walk(root / folder)
             for name in (*folders, *names) if not _is_text(name)]
    if found:
        shown = os.fsencode(min(found)).decode("utf-8", "backslashreplace")
        raise ProjectError(
            f"{len(found)} file name{'s are' if len(found) > 1 else ' is'} not UTF-8", at=shown,
            why="DVC records names as UTF-8, and other machines could not make this one", fix="rename it",
            command=f"mv {folder}/… {folder}/NAME",
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
