"""What the sources look like, and which label model that speaks for: it decides where there is no gold to decide by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.held_votes import Heard, hear, prefer
from ovt.supervision.label_models.ballots import UNKNOWN
from ovt.supervision.label_models.candidates import candidates, needs_gold

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots

ENOUGH_GOLD = 10
"""Items with gold below which nothing is chosen by them."""
LONELY = 1.2
"""Independent votes an item below which nothing can be learned from agreement."""
HARDLY = 0.02
"""Share of contested items below which nothing can be learned from conflicts."""


@dataclass(frozen=True)
class Spoken:
    """The model that the sources speak for."""

    model: str
    why: str
    heard: dict[str, Heard] = field(default_factory=dict)
    """By model, how it did on hidden votes; empty where none were needed."""


def by_structure(ballots: Ballots, seed: int = 0) -> Spoken:
    """The model that the sources speak for without gold, and why, in words.

    Majority vote wherever agreement is no evidence of truth: few votes an item, or
    no conflicts. Else what hidden votes speak for (`held_votes`).
    """
    voices = float(ballots.voices.mean()) if ballots.n else 0.0
    if voices < LONELY:
        return Spoken("majority", f"{voices:.1f} independent votes an item leave little to learn accuracies from")
    if contested(ballots) < HARDLY:
        return Spoken("majority", "sources hardly ever disagree, so nothing tells them apart")
    nothing = np.full(ballots.n, UNKNOWN, np.int64)
    able = {name: model for name, model in candidates(ballots, nothing).items() if not needs_gold(name)}
    heard = hear(ballots, able, seed)
    return Spoken(*prefer(heard, voices), heard) if heard else Spoken("majority", "no item has two votes")


def contested(ballots: Ballots) -> float:
    """Share of the items with several votes whose votes differ."""
    several = ballots.turnout > 1
    if not several.any():
        return 0.0
    tops = ballots.item_peaks(ballots.cell_sums(np.ones(len(ballots.items))))
    return float((tops < ballots.turnout)[several].mean())
