"""The last task, metric and sort of a repository, and the keys of the user: small files, read once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ovt.storage.files import write_json
from ovt_tui.state import SORTS, State

KEPT = ("task", "metric", "sort")


def recall(path: Path | None, state: State) -> State:
    """The state with what was remembered; a file that cannot be read is as good as none."""
    found = _read(path)
    texts = {name: found[name] for name in ("task", "metric") if isinstance(found.get(name), str)}
    sort = found.get("sort")
    return replace(state, **texts, sort=sort if sort in SORTS else state.sort)


def kept(state: State) -> dict[str, Any]:
    """What is remembered of a state."""
    return {name: getattr(state, name) for name in KEPT}


def remember(path: Path | None, state: State) -> None:
    """Keep the task, metric and sort; a folder that cannot be written to is no reason to fail."""
    if path is None:
        return
    try:
        write_json(path, kept(state))
    except OSError:
        return


def keymap_file() -> Path:
    """Where a user's own keys are: `{"filter": "f", "quit": "ctrl+q"}`, by the names that `?` shows."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "ovt" / "keys.json"


def read_keymap(path: Path) -> dict[str, str]:
    """The user's own keys, by action."""
    return {name: keys for name, keys in _read(path).items() if isinstance(keys, str)}


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
