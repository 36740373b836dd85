"""One thing that `ovt doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Weight = Literal["needed", "advised"]


@dataclass(frozen=True)
class Finding:
    """Its name, whether it is well, what was found, what to do."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    """A command, or a sentence; empty where nothing is to be done."""
    weight: Weight = "needed"
    """`advised`: ovt works without it."""
    repair: Callable[[], str] | None = None
    """What `--fix` does, if that is safe to do unasked: it deletes nothing that is anyone's; it says what it did."""
