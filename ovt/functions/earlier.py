"""Predictions of an earlier version of this repository as a resource of a function, declared by revision.

A function names a revision (`predictions("v1.2")`, in YAML `predictions: v1.2`).
Which model that is stands in `labelers/predictions.lock`, so that a branch that
moves changes nothing by itself (see `pins`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Predictions:
    """What a user declares: the predictions of a revision of this repository."""

    revision: str
    task: str | None
    """The task that is predicted; None: the function's own."""


def predictions(revision: str, task: str | None = None) -> Predictions:
    """Declare predictions of an earlier version of this repository as a resource of a labeling function.

    Args:
        revision: a tag, branch or commit that has a model; it is pinned to that model when it is first used.
        task: of that model; the task of the function if not given.
    """
    if not isinstance(revision, str) or not revision:
        raise TypeError('`predictions` names a revision, e.g. `predictions("v1.2")`')
    return Predictions(revision, task)


@dataclass(frozen=True)
class Pinned:
    """Predictions of one model, as a function depends on them."""

    revision: str
    task: str
    model: str | None
    """DVC's hash of the model; None: the revision is not pinned yet."""
    at: str
    """FILE:LINE of the function."""


@dataclass(frozen=True)
class Prediction:
    """What a model says about one record: a label as the task's functions return it, and how sure it is."""

    label: Any
    """A class, a list of classes, a candidate's position; for items of a record a list of these. None: no answer."""
    confidence: Any
    """Probability of that label; a list for the items of a record."""


@dataclass(frozen=True)
class BatchPrediction:
    """What a model says about a batch: an element per record."""

    label: list[Any]
    confidence: list[Any]


def sure(found: Prediction, minimum: float, *, spans: bool) -> Any:
    """The label of a prediction where it is sure enough, as a labeling function returns it.

    Args:
        found: of one record.
        minimum: confidence below which it abstains; of a record with items, item by item.
        spans: labels spell spans: a span stays whole, and counts by its least sure token.
    """
    if not isinstance(found.confidence, list):
        return found.label if found.confidence >= minimum else None
    confidence = _of_spans(found.label, found.confidence) if spans else found.confidence
    kept = [label if sureness >= minimum else None for label, sureness in zip(found.label, confidence, strict=True)]
    return kept if any(label is not None for label in kept) else None


def _of_spans(labels: Sequence[str | None], confidence: Sequence[float]) -> list[float]:
    found = list(confidence)
    start = 0
    for at in range(1, len(labels) + 1):
        if at < len(labels) and str(labels[at]).startswith("I-"):
            continue
        found[start:at] = [min(confidence[start:at])] * (at - start)
        start = at
    return found
