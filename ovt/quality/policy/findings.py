"""What a check found wrong: one value for each thing, with where it is and what to do, for every renderer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "regression", "minimum", "maximum", "non-inferiority", "required-slice", "negative-flips", "not-comparable",
    "example", "size", "latency", "expired-waiver",
]

RULES: dict[Rule, str] = {
    "regression": "A task got worse on a slice, beyond chance and beyond its floor.",
    "minimum": "A metric is below the minimum of the policy.",
    "maximum": "A metric is above the maximum of the policy.",
    "non-inferiority": "It is not shown that a metric fell by less than the margin of the policy.",
    "required-slice": "A slice that the policy requires is missing, or has too few records to judge it.",
    "negative-flips": "More records broke than the policy's budget allows.",
    "not-comparable": "The two versions were measured on different records, gold or slices.",
    "example": "A must-pass example is answered wrongly.",
    "size": "The model is larger than the policy's budget.",
    "latency": "A prediction takes longer than the policy's budget.",
    "expired-waiver": "A waiver is past its date.",
}
"""What each rule says, for tools that show a catalogue of them."""

ON_ROWS: frozenset[Rule] = frozenset({
    "regression", "minimum", "maximum", "non-inferiority", "required-slice", "negative-flips", "not-comparable",
})
"""Rules about a task on a slice: what a waiver can cover."""
ALL_RECORDS = "(all)"
"""What stands for all test records where a slice's name would stand."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    rule: Rule
    message: str
    """One line, complete in itself."""
    fix: str = ""
    """What to do about it, one line."""
    task: str | None = None
    slice: str | None = None
    """None: all test records, or nothing to do with records."""
    path: str | None = None
    """File, relative to the project, where there is one to point at."""
    line: int | None = None
    waiver: str | None = None
    """FILE:LINE of the waiver that covers it; it does not fail the check then."""

    @property
    def on_row(self) -> bool:
        """Whether it is about a task on a slice, or on all test records."""
        return self.rule in ON_ROWS

    @property
    def at(self) -> str:
        """FILE:LINE, or as much of it as is known."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"


def place_of(task: str | None, slice_: str | None) -> str:
    """`Intent on slice nutrition`, `Intent on all test records`."""
    where = "all test records" if slice_ is None else f"slice {slice_}"
    return where if task is None else f"{task} on {where}"
