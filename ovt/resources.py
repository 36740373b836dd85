"""Files that travel with the package: hook shims and templates.

In a wheel they lie in `ovt/_data/`; in a checkout beside the package.
"""

from __future__ import annotations

from pathlib import Path

from ovt.errors import InternalError


def resource(relative: str) -> Path:
    """The path of a packaged file or folder such as ``templates/starters/factoid``."""
    package = Path(__file__).resolve().parent
    for base in (package / "_data", package.parent):
        candidate = base / relative
        if candidate.exists():
            return candidate
    raise InternalError(f"`{relative}` is not in this installation of ovt", at=str(package), fix="reinstall ovt")
