"""What a merge cannot decide, in the user's terms, and what it came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["ours", "theirs"]
"""Git's words: `ours` is what HEAD has (here), `theirs` what comes in (there)."""


@dataclass(frozen=True)
class Conflict:
    """One thing that both sides changed, each in its own way."""

    what: str
    """`record q-17, task Intent, source crowd`."""
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.what}: {self.here} here, {self.there} there"


@dataclass(frozen=True)
class Merged:
    """The content that a merge came to; where it could not decide, that of the preferred side, else of ours."""

    content: bytes
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    """What was decided and is worth a word."""


class Absent:
    """The value of what a side does not have: no label, no key, no file. JSON's `null` is another."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


def shown(value: Any) -> str:
    """A label as a message spells it."""
    if value is ABSENT:
        return "nothing"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, ensure_ascii=False)}`"


def changed_side(base: Any, ours: Any, theirs: Any) -> Side | None:
    """The side whose value stands: the one that changed, `ours` where both have the same; None where both differ."""
    if theirs in (ours, base):
        return "ours"
    return "theirs" if ours == base else None
