"""How far probabilities can be believed: log-loss, calibration error, and what mends them.

Label models are too sure: sources share mistakes, and each model counts them as
independent. On dev gold their logits are divided by a temperature (Guo et al.
2017) and moved by a bias for each class, which corrects a class balance that the
votes distort (bias-corrected temperature scaling: Alexandari et al. 2020). Both
are maximum a posteriori, so that ten labels hardly move them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.ballots import Ballots, Floats, Ints, counts, sums

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOR = 1e-6
"""Probabilities are read as at least this, so that one item cannot make a mean log-loss infinite."""
TEMPERATURES = (0.2, 30.0)
PRIOR = 2.0
"""Weight of the squares of log temperature and of bias, in items."""
MOST_CLASSES = 200
"""With more classes the biases are left at 0: dev gold rarely has each class often enough."""
STEPS = 30


@dataclass(frozen=True)
class Calibration:
    """What is done to a model's logits."""

    temperature: float = 1.0
    """Above 1 the model was too sure."""
    bias: Floats | None = None
    """(k,) added after the temperature."""


def log_loss(truth: Floats) -> float:
    """Mean negative log of the probabilities given to the truth (n,); 0 for no items."""
    return float(-np.log(np.maximum(truth, FLOOR)).mean()) if len(truth) else 0.0


def ece(confidence: Floats, right: Floats, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of confidence and accuracy over equal bins."""
    if not len(confidence):
        return 0.0
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return float(np.abs(sums(index, confidence - right, bins)).sum() / len(confidence))


def macro_f1(answers: Ints, gold: Ints) -> float:
    """F1 averaged over the classes that are answered or true."""
    if not len(gold):
        return 0.0
    k = int(max(answers.max(), gold.max())) + 1
    both = counts(answers, k) + counts(gold, k)
    return float((2 * counts(gold[answers == gold], k)[both > 0] / both[both > 0]).mean())


def expected_temperature(ballots: Ballots) -> float:
    """The temperature to expect before gold is seen: the square root of the voices on an item.

    n independent votes carry n times the evidence of one, n votes of one mind no
    more than one: their geometric mean stands between.
    """
    return float(np.sqrt(max(float(ballots.voices.mean()), 1.0))) if ballots.n else 1.0


def calibrate(ballots: Ballots, logits: Floats, gold: Ints, expected: float, *, biased: bool) -> Calibration:
    """Temperature, and a bias for each class if asked for, with the best penalised log-loss on gold (all items)."""
    if not len(gold):
        return Calibration(expected)
    at = ballots.offsets[:-1] + gold

    def loss(log_t: float) -> float:
        scaled = ballots.normalise(logits * np.exp(-log_t))
        return float(-scaled[at].sum() + PRIOR * (log_t - np.log(expected)) ** 2)

    low, high = np.log(TEMPERATURES)
    degree = float(np.exp(golden_section(loss, low, high)))
    if not biased or ballots.k is None or ballots.k > MOST_CLASSES or ballots.groups is not None:
        return Calibration(degree)
    return _with_bias(logits.reshape(-1, ballots.k), gold, degree, expected)


def calibrate_classes(logits: Floats, gold: Ints) -> Calibration:
    """The same for a model that is no vote: (n, k) logits, and the true class of each row (n,)."""
    return _with_bias(logits, gold, 1.0, 1.0)


def apply(ballots: Ballots, logits: Floats, calibration: Calibration) -> Floats:
    """(cells,) calibrated log probabilities."""
    cooled = logits / calibration.temperature
    return ballots.normalise(cooled if calibration.bias is None else cooled + np.tile(calibration.bias, ballots.n))


def golden_section(function: Callable[[float], float], low: float, high: float, steps: int = 25) -> float:
    """Where a function with one valley is smallest (Kiefer 1953); 25 steps leave 6e-6 of the width."""
    ratio = (np.sqrt(5.0) - 1) / 2
    a, b = low, high
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    at_c, at_d = function(c), function(d)
    for _ in range(steps):
        if at_c <= at_d:
            b, d, at_d = d, c, at_c
            c = b - ratio * (b - a)
            at_c = function(c)
        else:
            a, c, at_c = c, d, at_d
            d = a + ratio * (b - a)
            at_d = function(d)
    return float((a + b) / 2)


def _with_bias(logits: Floats, gold: Ints, degree: float, expected: float) -> Calibration:
    """Newton's method with backtracking on (scale, bias), which is convex; scale = 1 / temperature."""
    k = logits.shape[1]
    point = np.zeros(k + 1)
    point[0] = 1.0 / degree
    value, gradient, curvature = _objective(point, logits, gold, expected)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-4:
            tried = point - size * step
            if 1 / TEMPERATURES[1] <= tried[0] <= 1 / TEMPERATURES[0]:
                fresh = _objective(tried, logits, gold, expected)
                if fresh[0] < value:
                    break
            size /= 2
        else:
            break
        gain = value - fresh[0]
        point, (value, gradient, curvature) = tried, fresh
        if gain < 1e-6:
            break
    return Calibration(float(1 / point[0]), point[1:])


def _objective(point: Floats, logits: Floats, gold: Ints, expected: float) -> tuple[float, Floats, Floats]:
    """Penalised negative log-likelihood, its gradient (k + 1,) and its curvature (k + 1, k + 1)."""
    scale, bias = point[0], point[1:]
    k = len(bias)
    shifted = scale * logits + bias
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted)
    total = probabilities.sum(axis=1, keepdims=True)
    probabilities /= total
    rows = np.arange(len(gold))
    away = np.log(scale * expected)
    value = float((np.log(total[:, 0]) - shifted[rows, gold]).sum() + PRIOR * (away**2 + (bias**2).sum()))
    residual = probabilities.copy()
    residual[rows, gold] -= 1.0
    gradient = np.concatenate([[(residual * logits).sum() + 2 * PRIOR * away / scale], residual.sum(axis=0)])
    gradient[1:] += 2 * PRIOR * bias
    centred = logits - (probabilities * logits).sum(axis=1, keepdims=True)
    curvature = np.zeros((k + 1, k + 1))
    curvature[0, 0] = (probabilities * centred**2).sum() + 2 * PRIOR / scale**2
    curvature[0, 1:] = curvature[1:, 0] = (probabilities * centred).sum(axis=0)
    curvature[1:, 1:] = np.diag(probabilities.sum(axis=0) + 2 * PRIOR) - probabilities.T @ probabilities
    return value, gradient, curvature
