"""Which source made a slice worse: what blame says, as values that every format can show.

Blame is conservative in its words: only a source whose change was taken back
and retrained, and whose slice then recovered beyond chance and beyond training
noise, is *confirmed*. What the votes alone point to is *suspected*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlameKind = Literal["new", "edited", "removed", "reweighted", "other"]
"""What happened to the source between the versions; `other`: no source, but data, schema, tuning or settings."""

Confidence = Literal["confirmed by retraining", "suspected by votes", "not by a source"]

CONFIRMED: Confidence = "confirmed by retraining"
"""The head was retrained without this change, and the slice recovered."""
SUSPECTED: Confidence = "suspected by votes"
"""Its votes moved the training targets the wrong way; the budget did not allow to retrain without it."""
NOT_A_SOURCE: Confidence = "not by a source"
"""Inputs other than sources changed; the drop may come from them."""

Place = tuple[str, str | None]
"""A task and a slice (None: all test records): the key of a row of a comparison."""


@dataclass(frozen=True)
class Blame:
    """One change, and the regressed rows that it is held to have made."""

    source: str
    """Name of the source; for kind `other` what changed: `data/`, `schema.json`, …"""
    path: str | None
    """File of the function, relative to the project (of a removed one: where the base had it); None if it has none."""
    line: int | None
    """Line of the function in that file, from 1."""
    kind: BlameKind
    rows: tuple[Place, ...]
    """The regressed (task, slice) it explains, as in the comparison."""
    share: float
    """Part of the drop that is gone without the change, 0 … 1, on the row where it is largest; 0 if not retrained."""
    confidence: Confidence
    why: str = ""
    """In words: what was tried and what came of it."""

    @property
    def at(self) -> str:
        """`labelers/height.py:41`, or as much of it as is known."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    @property
    def confirmed(self) -> bool:
        """Whether retraining showed it."""
        return self.confidence == CONFIRMED


@dataclass(frozen=True)
class BlameReport:
    """All that blame found about a comparison."""

    blames: tuple[Blame, ...] = ()
    """Confirmed ones first, then suspected ones, then what is not a source."""
    unexplained: tuple[Place, ...] = ()
    """Regressed rows that no confirmed blame explains."""
    notes: tuple[str, ...] = ()
    """What the reader must know: what was not retrained, interactions, a budget that ran out."""
    retrained: int = 0
    """Trainings that were made for it."""
    seconds: float = 0.0
    """How long it took; shown, never written into what a stage makes."""

    @property
    def confirmed(self) -> tuple[Blame, ...]:
        """Those that retraining showed."""
        return tuple(blame for blame in self.blames if blame.confirmed)
