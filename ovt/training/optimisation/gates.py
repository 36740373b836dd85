"""Which slices may change what the model says: those it knows, and that cost nothing outside.

An expert is only as good as the indicator that opens it. On dev, two questions:

1. Does the indicator know its slice? If its average precision cannot be told
   from that of a random ranking, the expert is shut.
2. Do the experts lose records that are in no slice? Where, over all tasks,
   those that they break outnumber those that they mend by more than ε, and a
   sign test does not put it down to luck, the slices that are most open there
   are turned down, one at a time. A task that loses is no reason by itself:
   the network has learned with its experts, and others may lose far more
   without them.

The first is asked at half of the epochs, so that the rest of the network can
learn to do without, and both at the end. Slices with few dev records are left
alone: that would be judging by luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ovt.quality.paired import mcnemar
from ovt.training.inference import infer
from ovt.training.memberships import membership_logits
from ovt.training.optimisation.outcome import Health
from ovt.training.optimisation.scores import right_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from ovt.training.network.network import Network
    from ovt.training.network.slices import SliceLayer
    from ovt.training.optimisation.lesson import Lesson

Floats = NDArray[np.float64]
FEWEST = 10
"""Dev members below which an indicator is not judged."""
DRAWS, FEWEST_DRAWS, BUDGET = 400, 100, 200_000
"""Of members, to see how far an average precision is luck; fewer where there are so many members that it is not."""
LEVEL = 0.05
LUCK = 0.05
"""Chance with which records lost outside may be luck, above which nothing is done about them."""
LOOKS = 12
"""Evaluations on dev that turning slices down may cost."""
LOWER = (0.5, 0.0)
"""What a slice is turned down to, in this order."""


def layers(network: Network) -> Iterator[tuple[str, SliceLayer]]:
    """Every payload's slice layer but those that are held still."""
    for name in network.order:
        layer = network.slice_layer(name)
        if layer is not None and not layer.held:
            yield name, layer


def shut_unknown(network: Network, lesson: Lesson, *, halfway: bool = False) -> list[Health]:
    """Shut the experts whose indicator does no better on dev than a random ranking; those that it shut now.

    Halfway through a training an indicator that is better than chance by a little may still become good, so only its
    average precision counts; at the end its lower bound does.
    """
    if lesson.gold is None or not len(network.slices):
        return []
    rows = lesson.gold.rows
    members = lesson.members[rows]
    found: list[Health] = []
    for payload, logits in membership_logits(network, lesson.reader, rows).items():
        layer = network.slice_layer(payload)
        assert layer is not None  # it gave the logits
        if layer.held:
            continue
        for code, name in enumerate(network.blueprint.slices):
            inside = members[:, code]
            if not FEWEST <= inside.sum() < len(rows) or not layer.scale[code]:
                continue
            low, precision, chance = against_chance(logits[:, code], inside)
            if (precision if halfway else low) <= chance:
                layer.scale[code] = 0.0
                why = f"its indicator is near chance on dev (average precision {precision:.2f}, chance {chance:.2f})"
                found.append(Health(name, payload, 0.0, why))
    return found


def against_chance(scores: NDArray[np.floating], inside: NDArray[np.bool_]) -> tuple[float, float, float]:
    """How well a ranking finds members.

    Args:
        scores: (n,) higher where membership is likelier.
        inside: (n,) who is a member.

    Returns:
        The lower bound of the average precision (the 5 % quantile over members drawn again and again), the average
        precision, and the 95 % quantile of that of random rankings.
    """
    order = np.argsort(-scores, kind="stable")
    n, count = len(scores), int(inside.sum())
    precisions = _precisions(np.flatnonzero(inside[order])[None] + 1.0)[0]
    random, draws = np.random.default_rng(0), max(FEWEST_DRAWS, min(DRAWS, BUDGET // count))
    again = precisions[random.integers(0, count, (draws, count))].mean(1)
    ranks = np.sort(np.ceil(n * (1 - random.random((draws, count)))), axis=1)  # with ties, which are few
    chance = _precisions(ranks).mean(1)
    return float(np.quantile(again, LEVEL)), float(precisions.mean()), float(np.quantile(chance, 1 - LEVEL))


def _precisions(ranks: NDArray[np.floating]) -> Floats:
    """(d, m) ranks of members, ascending from 1 -> the precision at each."""
    return np.minimum(np.arange(1, ranks.shape[1] + 1) / ranks.astype(np.float64), 1.0)


def hold_outside(network: Network, lesson: Lesson, epsilon: float) -> list[Health]:
    """Turn slices down until they lose no more than `epsilon` of the dev records that are in no slice.

    If that does not help, they stay as they are.
    """
    if lesson.gold is None or not len(network.slices):
        return []
    outside = np.flatnonzero(~lesson.members[lesson.gold.rows].any(1))
    if not len(outside):
        return []
    judge = _Judge(network, lesson, outside)
    found: list[Health] = []
    if not judge.harm(epsilon):
        return found
    before, lost_before = judge.scales(), judge.lost()
    for payload, code in judge.most_open()[:LOOKS // len(LOWER)]:
        layer = network.slice_layer(payload)
        assert layer is not None  # it is one of theirs
        for scale in LOWER:
            layer.scale[code] = scale
            harmful = judge.harm(epsilon)
            if not harmful:
                break
        lost = f"slices cost more than {100 * epsilon:g} % of the dev records that are in none"
        found.append(Health(network.blueprint.slices[code], payload, float(layer.scale[code]), lost))
        if not harmful:
            break
    if judge.lost() >= lost_before:
        judge.put(before)
        return []
    return found


class _Judge:
    """Compares the network, as its gates are, with itself without slices, on records outside of all."""

    def __init__(self, network: Network, lesson: Lesson, outside: NDArray[np.int64]) -> None:
        assert lesson.gold is not None  # asked before
        self.network, self.lesson, self.outside = network, lesson, outside
        self.rows = lesson.gold.rows[outside]
        kept = self.scales()
        for _, layer in layers(network):
            layer.scale.zero_()
        self.without = self._right()
        self.put(kept)

    def scales(self) -> dict[str, Tensor]:
        """How far every expert is turned down now."""
        return {name: layer.scale.clone() for name, layer in layers(self.network)}

    def put(self, scales: dict[str, Tensor]) -> None:
        """Turn every expert to what it was."""
        for name, layer in layers(self.network):
            layer.scale.copy_(scales[name])

    def most_open(self) -> list[tuple[str, int]]:
        """Slices by how open they are on these records, the most open first."""
        free = {name for name, _ in layers(self.network)}
        found = {name: logits for name, logits in
                 membership_logits(self.network, self.lesson.reader, self.rows).items() if name in free}
        mass = [(-float((1 / (1 + np.exp(-logits[:, code].astype(np.float64)))).sum()), payload, code)
                for payload, logits in found.items() for code in range(logits.shape[1])]
        return [(payload, code) for _, payload, code in sorted(mass)]

    def harm(self, epsilon: float) -> bool:
        """Whether the tasks lose more than `epsilon` of their items on average, and one of them surely does."""
        found = self._right()
        return self._lost(found) > epsilon and any(
            surely_lost(self.without[task], found[task], epsilon) for task in found)

    def lost(self) -> float:
        """The share of items that the experts lose on balance, the mean over tasks; below 0 they gain."""
        return self._lost(self._right())

    def _lost(self, found: dict[str, NDArray[np.bool_]]) -> float:
        shares = [float(self.without[task].mean() - right.mean()) for task, right in found.items() if len(right)]
        return float(np.mean(shares)) if shares else 0.0

    def _right(self) -> dict[str, NDArray[np.bool_]]:
        gold = self.lesson.gold
        assert gold is not None  # asked before
        found = infer(self.network, self.lesson.reader, gold.rows)
        return {task: right[np.isin(gold.owners[task][gold.known[task]], self.outside)]
                for task, right in right_items(found, gold).items()}


def surely_lost(before: NDArray[np.bool_], after: NDArray[np.bool_], epsilon: float) -> bool:
    """Whether more than a share `epsilon` of right answers was lost on balance, and no luck explains it (sign test)."""
    broken, fixed = int((before & ~after).sum()), int((after & ~before).sum())
    if broken - fixed <= epsilon * len(before):
        return False
    return mcnemar(broken, fixed) / 2 <= LUCK  # it asks both ways, this question is one of them


@torch.no_grad()
def open_all(network: Network) -> None:
    """Every expert as open as its indicator says: how training begins."""
    for _, layer in layers(network):
        layer.scale.fill_(1.0)
