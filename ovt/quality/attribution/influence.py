"""How much a source's change moves what training is told on a slice, and towards the mistakes that the slice now makes.

Targets with the change and without it differ in probability x weight per
class. That difference, per train item of the slice, is weighed by the
mistakes: a class that broken records are now given counts +1, the class that
they should have counts -1, each by its share of the broken items. The result
lies between -2 and 2 and says in which order suspects are worth a training;
it convicts nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ovt.quality.exam import flipped_items, lay_out
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.store import Store
    from ovt.quality.predictions import GradedPredictions

Floats = NDArray[np.float64]
SIDEWAYS = 0.01
"""What a move of the targets counts that is not towards the mistakes seen: it ranks behind all that are."""


class Labelled(Protocol):
    """Training targets of one task; `ovt.training.optimisation.targets.Targets` is one."""

    @property
    def items(self) -> NDArray[np.int64]:
        """(m,) ascending."""

    @property
    def weights(self) -> NDArray[np.float32]:
        """(m,) above 0."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(m, k), or (cells,) of all candidates for select."""

    @property
    def offsets(self) -> NDArray[np.int64] | None:
        """(m + 1,) the candidates of each item, for select."""


@dataclass(frozen=True)
class Influence:
    """What a change does to the targets of a slice, per train item of it."""

    towards_wrong: float
    """Probability x weight moved from the right classes to the wrong ones."""
    moved: float
    """Moved at all, whatever the direction: net, by class."""
    items: int
    """Train items of the slice."""

    @property
    def rank(self) -> float:
        """The order in which suspects are tried."""
        return self.towards_wrong + SIDEWAYS * self.moved


NONE = Influence(0.0, 0.0, 0)


def influence(
    with_change: Labelled | None, without: Labelled | None, mask: NDArray[np.bool_], wrong: Floats,
) -> Influence:
    """Measure one change on one slice.

    Args:
        with_change: the head's targets; None where it has none.
        without: the targets with the change taken back.
        mask: (n_items,) train items of the slice.
        wrong: (k,) from `wrong_classes`; for select by position.
    """
    count = int(mask.sum())
    if not count:
        return NONE
    k = len(wrong)
    moved = (mass(with_change, mask, k) - mass(without, mask, k)) / count
    return Influence(float(moved @ wrong), float(np.abs(moved).sum() / 2), count)


def wrong_classes(
    a: GradedPredictions, b: GradedPredictions, slice_: str | None, classes: Sequence[str] | None,
) -> Floats:
    """(k,) by class: its share among the wrong answers on broken items, minus its share among their gold.

    Args:
        a: the base.
        b: the head.
        slice_: None: all test records.
        classes: of the task, as its targets number them; None for select: positions then.
    """
    items_a, items_b = flipped_items(lay_out(a, b), slice_)
    broken = items_b[a.correct[items_a]]
    rows = [
        (_numbers(b, int(b.predicted[item]), classes), _numbers(b, int(b.gold[item]), classes))
        for item in broken.tolist()
    ]
    seen = max((number for pair in rows for numbers in pair for number in numbers), default=0)
    wrong = np.zeros(max(len(classes or ()), seen + 1))
    for said, gold in rows:
        wrong[sorted(set(said) - set(gold))] += 1
        wrong[sorted(set(gold) - set(said))] -= 1
    return wrong / max(len(rows), 1)


def train_items(store: Store, task: str, members: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """(n_items,) the task's items in train records of a slice.

    Args:
        store: the records.
        task: the task.
        members: (n,) records of the slice; None: all.
    """
    rows: NDArray[np.bool_] = np.asarray(store.splits) == SPLITS.index("train")
    if members is not None:
        rows = rows & members
    offsets = store.item_offsets(task)
    return rows if offsets is None else np.repeat(rows, np.diff(offsets))


def _numbers(part: GradedPredictions, code: int, classes: Sequence[str] | None) -> list[int]:
    """The class numbers in one answer."""
    if code < 0:
        return []
    label = part.labels[code]
    if classes is None:
        return [int(label)]
    names = json.loads(label) if part.form == "bitvector" else [label]
    return [classes.index(name) for name in names if name in classes]


def mass(targets: Labelled | None, mask: NDArray[np.bool_], k: int) -> Floats:
    """(k,) sum of probability x weight over the items of the mask: what training is told there, by class."""
    total = np.zeros(k)
    if targets is None or not len(targets.items):
        return total
    chosen = np.flatnonzero(mask[targets.items])
    if targets.offsets is None:
        found = targets.weights[chosen].astype(np.float64) @ targets.probabilities[chosen]
        total[:len(found)] = found[:k]
        return total
    lengths = np.diff(targets.offsets)[chosen]
    ends = np.cumsum(lengths)
    positions = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
    cells = np.repeat(targets.offsets[chosen], lengths) + positions
    values = targets.probabilities[cells] * np.repeat(targets.weights[chosen], lengths)
    inside = positions < k
    return np.bincount(positions[inside], weights=values[inside], minlength=k).astype(np.float64)
