"""Where a Git working tree keeps what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Where a working tree keeps what."""

    top: Path
    """The working tree's root."""
    git_dir: Path
    """Of this working tree: its HEAD, its index, a rebase in progress."""
    common_dir: Path
    """Shared by all worktrees: objects, refs, hooks."""
    prefix: str
    """The asking folder, relative to `top`: empty or ending in a slash."""

    @property
    def main_top(self) -> Path:
        """The root of the main working tree: where worktrees keep what they share."""
        return self.common_dir.parent if self.common_dir.name == ".git" else self.top
