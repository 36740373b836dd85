"""After training: a bias for each class, from dev gold, where it makes answers better.

Train labels are often of another class balance than what the model will be
asked: labeling functions reach some classes more often than others, and "none
of these" is rare in what people collect. The correction is that of a shifted
prior (Saerens et al. 2002; Alexandari et al. 2020), fitted on dev with a prior
that keeps it at zero for classes that dev hardly has, and it is kept only if
on dev records that it was not fitted to it costs no accuracy and has the
better log-loss. It goes into the bias that the head has anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ovt.supervision.calibration import MOST_CLASSES, Calibration, calibrate_classes
from ovt.training.inference import infer
from ovt.training.network.heads import ClassHead, Transitions

if TYPE_CHECKING:
    from ovt.training.network.network import Network
    from ovt.training.optimisation.scores import DevGold
    from ovt.training.reader import Reader

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 5
FEWEST = 50
"""Dev items with gold below which nothing is changed."""
MOST = 20_000
"""Dev items that are looked at."""


def correct_class_biases(network: Network, reader: Reader, gold: DevGold, held: frozenset[str]) -> list[str]:
    """Move the biases of heads where dev says so.

    Args:
        network: trained; changed in place.
        reader: of the store that `gold` belongs to.
        gold: the truth on dev.
        held: tasks whose answers must not move.

    Returns:
        The tasks whose head was changed.
    """
    schema = network.blueprint.schema
    tasks = [task for task in gold.answers if task not in held and schema.tasks[task].type == "multiclass"
             and schema.tasks[task].spans is None and _has_bias(network.head(task))
             and 2 <= len(network.blueprint.classes[task]) <= MOST_CLASSES]
    if not tasks:
        return []
    found = infer(network, reader, gold.rows, tasks=tasks)
    changed = []
    for task in tasks:
        known = np.flatnonzero(gold.known[task])[:MOST]
        logits = np.log(np.maximum(found[task].probabilities[known], 1e-12)).astype(np.float64)
        bias = class_bias(logits, gold.answers[task][known].astype(np.int64), gold.owners[task][known])
        if bias is not None:
            _add(network.head(task), bias)
            changed.append(task)
    return changed


def class_bias(logits: Floats, gold: Ints, owners: Ints) -> Floats | None:
    """(k,) what to add to logits (n, k) before their arg max, given the truth (n,) and the row that each belongs to.

    None where dev does not support it: cross-validated by row, it must cost no accuracy and gain log-loss.
    """
    if len(gold) < FEWEST:
        return None
    plain, moved, before, after = 0, 0, 0.0, 0.0
    for fold in range(FOLDS):
        out = owners % FOLDS == fold
        if not out.any() or out.all():
            continue
        scaled = _scaled(logits[out], calibrate_classes(logits[~out], gold[~out]))
        plain += int((logits[out].argmax(1) == gold[out]).sum())
        moved += int((scaled.argmax(1) == gold[out]).sum())
        before += _loss(logits[out], gold[out])
        after += _loss(scaled, gold[out])
    if moved < plain or after >= before:
        return None
    found = calibrate_classes(logits, gold)
    bias = np.zeros(logits.shape[1]) if found.bias is None else found.bias
    return np.asarray(bias * found.temperature, np.float64)


def _scaled(logits: Floats, found: Calibration) -> Floats:
    return logits / found.temperature + (0.0 if found.bias is None else found.bias)


def _loss(logits: Floats, gold: Ints) -> float:
    """Negative log-likelihood, summed."""
    top = logits.max(axis=1)
    whole = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float((whole - logits[np.arange(len(gold)), gold]).sum())


def _has_bias(head: torch.nn.Module) -> bool:
    return isinstance(head, ClassHead) and not isinstance(head, Transitions)


@torch.no_grad()
def _add(head: torch.nn.Module, bias: Floats) -> None:
    if isinstance(head, ClassHead):
        head.linear.bias.add_(torch.from_numpy(bias.astype(np.float32)))
