"""Precision, recall and F1 of each class (and of each entity type of a BIO task), with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.evidence import evidence_of
from ovt.quality.intervals import effective_interval
from ovt.quality.metrics import ratio
from ovt.quality.spans import SpanLabels, span_counts
from ovt.quality.subset import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.quality.counting import Floats, Integers
    from ovt.quality.evidence import Ragged
    from ovt.quality.predictions import GradedPredictions


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found."""

    name: str
    kind: str
    """`class`, or `span` for an entity type."""
    support: int
    """Items (spans) of gold."""
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


def class_scores(part: GradedPredictions, rows: Integers) -> list[ClassScore]:
    """Scores of the classes that occur in gold or predictions of some records, the most frequent first.

    Classes of a select task are positions, so it has none.
    """
    if part.form == "select":
        return []
    evidence = evidence_of(part)
    rows = rows[evidence.graded[rows]]
    triples = _by_record((evidence.hits, evidence.predicted, evidence.gold), rows, len(evidence.classes))
    spans = _span_types(part, rows) if part.form == "BIO" else []
    found = [*spans, *_scores("class", evidence.classes, triples)]
    return sorted(found, key=lambda score: (score.kind != "span", -score.support, score.name))


@dataclass(frozen=True)
class _Cells:
    """Hits, predictions and gold per (record, class) that has any."""

    classes: Integers
    counts: Floats
    """(cells, 3)."""


def _by_record(kinds: Sequence[Ragged], rows: Integers, k: int) -> _Cells:
    keys = []
    for events in kinds:
        places, members = events.places(rows)
        keys.append(members * k + events.values[places])
    distinct, index = np.unique(np.concatenate(keys), return_inverse=True)
    column = np.repeat(np.arange(3), [len(part) for part in keys])
    counts = np.bincount(index * 3 + column, minlength=len(distinct) * 3).reshape(-1, 3)
    return _Cells(distinct % max(k, 1), counts.astype(np.float64))


def _span_types(part: GradedPredictions, rows: Integers) -> list[ClassScore]:
    labels = SpanLabels.of(part.labels)
    names = sorted({name[2:] for name in part.labels if name[:2] in {"B-", "I-"}})
    found = []
    for name in names:
        own = np.asarray([label[2:] == name and label[:2] in {"B-", "I-"} for label in part.labels], bool)
        alone = SpanLabels(np.where(own, labels.types, -1), labels.begins & own)
        counts = span_counts(part.gold, part.predicted, part.offsets, alone)[rows]
        some = counts[counts.any(axis=1)]
        found.extend(_scores("span", (name,), _Cells(np.zeros(len(some), np.int64), some.astype(np.float64))))
    return found


def _scores(kind: str, names: Sequence[str], cells: _Cells) -> list[ClassScore]:
    k = len(names)
    totals = np.stack([_sum(cells.classes, column, k) for column in cells.counts.T], axis=1)
    records = np.bincount(cells.classes, minlength=k).astype(np.float64)
    hits, predicted, gold = totals.T
    columns = {
        "precision": _estimates(cells, records, (hits, predicted), (1, 0)),
        "recall": _estimates(cells, records, (hits, gold), (0, 1)),
        "f1": _estimates(cells, records, (2 * hits, predicted + gold), (1, 1)),
    }
    return [
        ClassScore(name, kind, int(gold[code]), int(predicted[code]), columns["precision"][code],
                   columns["recall"][code], columns["f1"][code])
        for code, name in enumerate(names) if predicted[code] + gold[code]
    ]


def _estimates(
    cells: _Cells, records: Floats, sums: tuple[Floats, Floats], parts: tuple[int, int],
) -> list[Estimate]:
    """Of a ratio: hits (as often as `parts` say) over predictions and gold (those that `parts` say)."""
    numerator, denominator = sums
    values = ratio(numerator, denominator)
    own = parts[0] * cells.counts[:, 1] + parts[1] * cells.counts[:, 2]
    moved = sum(parts) * cells.counts[:, 0] - values[cells.classes] * own
    squares = _sum(cells.classes, moved ** 2, len(values))
    variance = ratio(squares * ratio(records, records - 1), denominator ** 2)
    # What has nothing to divide by is not known at all, not 0 with certainty.
    low, high = effective_interval(values, variance, np.minimum(records, denominator), denominator)
    unknown = denominator == 0
    low, high = np.where(unknown, 0.0, low), np.where(unknown, 1.0, high)
    return [Estimate(*ends) for ends in zip(values.tolist(), low.tolist(), high.tolist(), strict=True)]


def _sum(places: Integers, weights: NDArray[np.float64], size: int) -> Floats:
    return np.bincount(places, weights=weights, minlength=size).astype(np.float64, copy=False)
