"""Where the traceback of a bug goes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ovt.errors import OvtError
from ovt.project import Project
from ovt.storage.remotes.secrets import redacted


def write_crash_log(start: Path, text: str) -> Path | None:
    """Write the traceback below `.ovt/logs`, or to the temporary folder outside a project; its path."""
    try:
        folder = Project.find(start).private / "logs"
        folder.mkdir(parents=True, exist_ok=True)
    except (OvtError, OSError):
        folder = Path(tempfile.gettempdir())
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.log"
    try:
        path.write_text(redacted(text), encoding="utf-8")
    except OSError:
        return None
    return path
