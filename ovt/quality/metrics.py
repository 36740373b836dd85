"""The metrics of a task, from counts: numpy throughout, equal to scikit-learn's (the tests hold them to 1e-9).

Counts come first and ratios last, so that a metric of a slice, of a tag or of
a bootstrap replicate is one sum and one formula over arrays of any shape.
Macro averages run over the classes that occur in gold or predictions, as
scikit-learn's do; a ratio over nothing is 0.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Form = Literal["multiclass", "BIO", "bitvector", "select"]
"""How a task is scored: its type, and whether its labels spell spans."""

Floats = NDArray[np.float64]


class Metric(NamedTuple):
    """What a reader must know of a metric to read it: this table is the only place that says which way is better."""

    title: str
    """As people see it."""
    higher_is_better: bool
    highest: float
    """The largest value there can be; the smallest is 0."""


SMALLEST = 1e-15
"""A probability of 0 for what happened counts as this, so that one item cannot make the log-loss infinite."""

TABLE: dict[str, Metric] = {
    "accuracy": Metric("accuracy", True, 1.0),
    "precision_macro": Metric("precision, macro", True, 1.0),
    "recall_macro": Metric("recall, macro", True, 1.0),
    "f1_macro": Metric("F1, macro", True, 1.0),
    "f1_micro": Metric("F1, micro", True, 1.0),
    "span_f1": Metric("span F1", True, 1.0),
    "log_loss": Metric("log-loss", False, -math.log(SMALLEST)),
    "ece": Metric("calibration error", False, 1.0),
    "exact_match": Metric("exact match, all tasks", True, 1.0),
    "precision": Metric("precision", True, 1.0),
    "recall": Metric("recall", True, 1.0),
    "f1": Metric("F1", True, 1.0),
    "negative_flip_rate": Metric("negative flips", False, 1.0),
}
"""Every metric that ovt reports, per task, per class or per comparison."""
METRICS = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "span_f1", "log_loss", "ece")
"""Those of a task, in the order in which they are shown."""
LOWER_IS_BETTER = frozenset(name for name, metric in TABLE.items() if not metric.higher_is_better)
PRIMARY: dict[Form, str] = {"multiclass": "accuracy", "BIO": "span_f1", "bitvector": "f1_micro", "select": "accuracy"}
"""The one metric per form that verdicts are made on."""

MEASURED: dict[Form, tuple[str, ...]] = {
    "multiclass": ("accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "log_loss", "ece"),
    "BIO": METRICS,
    "bitvector": ("accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "log_loss", "ece"),
    "select": ("accuracy", "log_loss", "ece"),
}
"""What is reported per form. The classes of a select task are positions, so averages over them mean nothing."""

BINS = 15
"""Of the calibration error, equally wide, closed above: (0, 1/15], (1/15, 2/15], …"""


class ClassCounts(NamedTuple):
    """Per class, along the last axis of each array (..., k)."""

    hits: Floats
    """Predicted and in gold."""
    predicted: Floats
    gold: Floats


def better(metric: str) -> Literal["higher", "lower"]:
    """Which way a metric is better; one that the table does not know counts as higher."""
    return "lower" if metric in LOWER_IS_BETTER else "higher"


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with 0 where there is nothing to divide by."""
    out = np.zeros(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)))
    return np.divide(numerator, denominator, out=out, where=np.asarray(denominator) > 0)


def confusion(gold: NDArray[np.integer], predicted: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """(k, k) items of gold class (row) and predicted class (column); items with a negative code are left out."""
    known = (gold >= 0) & (predicted >= 0)
    flat = np.bincount(gold[known].astype(np.int64) * k + predicted[known], minlength=k * k)
    return flat.astype(np.int64).reshape(k, k)


def counts_of(matrix: NDArray[np.int64]) -> ClassCounts:
    """Class counts of a confusion matrix."""
    square = matrix.astype(np.float64)
    return ClassCounts(np.diagonal(square).copy(), square.sum(axis=0), square.sum(axis=1))


def macro(counts: ClassCounts) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1, each the mean over the classes that occur."""
    occurs = (counts.predicted + counts.gold) > 0
    classes = occurs.sum(axis=-1).astype(np.float64)
    per_class = (
        ratio(counts.hits, counts.predicted), ratio(counts.hits, counts.gold),
        ratio(2 * counts.hits, counts.predicted + counts.gold),
    )
    precision, recall, f1 = (ratio(values.sum(axis=-1), classes) for values in per_class)
    return precision, recall, f1


def f1_micro(counts: ClassCounts) -> Floats:
    """F1 over all classes together; for one label per item it is the accuracy."""
    return ratio(2 * counts.hits.sum(axis=-1), (counts.predicted + counts.gold).sum(axis=-1))


def log_loss(gold_probability: NDArray[np.floating]) -> float:
    """Mean of -log of what the model gave to the truth; 0 for no items."""
    return float(nll(gold_probability).mean()) if len(gold_probability) else 0.0


def nll(gold_probability: NDArray[np.floating]) -> Floats:
    """(items,) -log of what the model gave to the truth."""
    losses: Floats = -np.log(np.clip(gold_probability.astype(np.float64), SMALLEST, 1.0))
    return losses


def bins_of(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    """The calibration bin of each item."""
    return np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def ece(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    """Expected calibration error: how far confidence is from accuracy, averaged over bins by their items."""
    bins = bins_of(confidence)
    gaps = np.bincount(bins, weights=correct - confidence.astype(np.float64), minlength=BINS).astype(np.float64)
    return float(ece_of(gaps, np.asarray(float(len(bins)))))


def ece_of(gaps: Floats, items: Floats) -> Floats:
    """The calibration error from, per bin along the last axis, the sum of (right - confidence)."""
    return ratio(np.abs(gaps).sum(axis=-1), items)
