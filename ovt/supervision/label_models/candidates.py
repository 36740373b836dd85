"""The label models that compete for a task, and which of them can be asked.

Besides those built in, a package may bring its own under the entry-point group
`ovt.label_models`: a module (or any object) with `fit`, `predict`, `accuracies`
and the dataclass `Parameters` that `fit` returns, whose fields are numpy arrays,
numbers or None, so that it can be stored. `NEEDS_GOLD = True` on it says that its
parameters are fitted to gold, and that it must be judged on gold that it has not
seen; `refit(parameters, ballots, gold)`, if it has one, fits again to other gold
and keeps what owes nothing to gold. It then competes like any other, and is chosen only if it is better on dev.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from ovt.errors import ProjectError, nearest
from ovt.supervision.label_models import (
    dawid_skene,
    glad,
    gold_anchored,
    log_pool,
    majority,
    one_coin,
    weighted_dawid_skene,
)
from ovt.supervision.label_models.ballots import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints

GROUP = "ovt.label_models"
CONFUSION_CELLS = 20_000_000
"""Dawid–Skene keeps sources × classes² numbers; with more than this (160 MB) it is not asked."""


class LabelModel(Protocol):
    """One file of this package: three functions of the same names, and what they exchange."""

    @property
    def Parameters(self) -> Any:  # noqa: N802  the name of a class
        """The dataclass that `fit` returns."""

    def fit(self, ballots: Ballots, gold: Ints) -> Any:
        """Parameters from votes, and from gold (n,) where it is not UNKNOWN."""

    def predict(self, parameters: Any, ballots: Ballots) -> Floats:
        """(cells,) log probabilities."""

    def accuracies(self, parameters: Any) -> Floats:
        """(n_sources,) estimated accuracies."""


LABEL_MODELS: dict[str, LabelModel] = {
    "majority": majority,
    "one_coin": one_coin,
    "glad": glad,
    "dawid_skene": dawid_skene,
    "gold_anchored": gold_anchored,
    "log_pool": log_pool,
    "weighted_dawid_skene": weighted_dawid_skene,
}
"""Built in, from the simplest on: of equals, the earlier is chosen."""

JUDGED_VOTES = 5
"""Votes on gold items, by source on average, below which gold says too little about sources."""
NEEDS_GOLD = frozenset({"gold_anchored", "log_pool", "weighted_dawid_skene"})
"""Built-in models whose parameters are fitted to gold: they are judged on folds that they have not seen."""
CONFUSIONS = frozenset({"dawid_skene", "weighted_dawid_skene"})
"""Models that keep sources × classes² numbers, and whose items all have the same classes."""


@cache
def installed() -> Mapping[str, LabelModel]:
    """Every model that can be had here, built-in ones first; their names cannot be taken over."""
    found = sorted((point for point in entry_points(group=GROUP)), key=lambda point: point.name)
    return LABEL_MODELS | {point.name: point.load() for point in found if point.name not in LABEL_MODELS}


def label_model(name: str) -> LabelModel:
    """The model of that name.

    Raises:
        ProjectError: nobody has it.
    """
    known = installed()
    if name not in known:
        raise ProjectError(f"no label model `{name}` is installed", at=f"entry-point group {GROUP}",
                           why="it was chosen when a package that brings it was installed",
                           fix=nearest(name, known))
    return known[name]


def needs_gold(name: str) -> bool:
    """Whether the parameters of the model are fitted to gold."""
    return name in NEEDS_GOLD or bool(getattr(label_model(name), "NEEDS_GOLD", False))


def refit(model: LabelModel, parameters: Any, ballots: Ballots, gold: Ints) -> Any:
    """Parameters as from `fit`, faster where the model can keep what it learned from votes alone."""
    again = getattr(model, "refit", None)
    return model.fit(ballots, gold) if again is None else again(parameters, ballots, gold)


def candidates(ballots: Ballots, gold: Ints) -> dict[str, LabelModel]:
    """The models that can be fitted to these ballots and this gold (n,)."""
    judged = int((gold[ballots.items] != UNKNOWN).sum())
    skip: set[str] = set()
    if judged < JUDGED_VOTES * max(ballots.n_sources, 1):
        skip.update(name for name in installed() if needs_gold(name))
    if ballots.k is None or ballots.n_sources * ballots.k**2 > CONFUSION_CELLS:
        skip.update(CONFUSIONS)
    return {name: model for name, model in installed().items() if name not in skip}
