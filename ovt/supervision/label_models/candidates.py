"""The label models that compete for a task, and which of them can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ovt.supervision.label_models import dawid_skene, gold_anchored, majority, one_coin
from ovt.supervision.label_models.ballots import UNKNOWN

if TYPE_CHECKING:
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

CONFUSION_CELLS = 20_000_000
"""Dawid–Skene keeps sources × classes² numbers; with more than this (160 MB) it is not asked."""


class LabelModel(Protocol):
    """One file of this package: three functions of the same names."""

    def fit(self, ballots: Ballots, gold: Ints) -> Any:
        """Parameters from votes, and from gold (n,) where it is not UNKNOWN."""

    def predict(self, parameters: Any, ballots: Ballots) -> Floats:
        """(cells,) log probabilities."""

    def accuracies(self, parameters: Any) -> Floats:
        """(n_sources,) estimated accuracies."""


LABEL_MODELS: dict[str, LabelModel] = {
    "majority": majority,
    "one_coin": one_coin,
    "dawid_skene": dawid_skene,
    "gold_anchored": gold_anchored,
}
"""From the simplest on: of equals, the earlier is chosen."""

JUDGED_VOTES = 5
"""Votes on gold items, by source on average, below which gold says too little about sources."""
NEEDS_GOLD = frozenset({"gold_anchored"})
"""Models whose parameters are fitted to gold: they are judged on folds that they have not seen."""


def candidates(ballots: Ballots, gold: Ints) -> dict[str, LabelModel]:
    """The models that can be fitted to these ballots and this gold (n,)."""
    judged = int((gold[ballots.items] != UNKNOWN).sum())
    skip = set() if judged >= JUDGED_VOTES * max(ballots.n_sources, 1) else set(NEEDS_GOLD)
    if ballots.k is None or ballots.n_sources * ballots.k**2 > CONFUSION_CELLS:
        skip.add("dawid_skene")
    return {name: model for name, model in LABEL_MODELS.items() if name not in skip}
