"""What each record contributes to each metric of a task: small counts that add up over any subset of records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.metrics import Form, bins_of, nll
from ovt.quality.spans import SpanLabels, span_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.quality.predictions import GradedPredictions


@dataclass(frozen=True)
class Ragged:
    """A list of small integers per record."""

    offsets: NDArray[np.int64]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, rows: NDArray[np.int64], values: NDArray[np.integer], n: int) -> Ragged:
        """Of values whose rows ascend."""
        offsets = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n), out=offsets[1:])
        return cls(offsets, values.astype(np.int64))

    def places(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The positions in `values` of the records `rows`, and for each the index into `rows` it belongs to."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        owners = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(len(owners)), owners


@dataclass(frozen=True)
class Evidence:
    """The counts of one task on one split, for all its records."""

    form: Form
    classes: tuple[str, ...]
    """Classes that the counts below are about: of a bitvector, its single names."""
    graded: NDArray[np.bool_]
    """(n,) records with gold; the others contribute nothing."""
    single: bool
    """No record has more than one item, so that items are as independent as records."""
    items: NDArray[np.int64]
    """(n,) items with gold."""
    correct: NDArray[np.int64]
    """(n,) of them, right (for a bitvector: all names right)."""
    losses: NDArray[np.float64]
    """(n,) sum of -log of the gold's probability."""
    spans: NDArray[np.int64] | None
    """(n, 3) right, predicted and gold spans."""
    hits: Ragged
    """Classes predicted that are in gold."""
    predicted: Ragged
    gold: Ragged
    pairs: Ragged
    """Per item with gold, `gold * k + predicted`; empty for a bitvector."""
    bins: Ragged
    """Per item with gold, its calibration bin."""
    gaps: NDArray[np.float64]
    """Per item with gold, right - confidence, in the order of `bins`."""


def evidence_of(part: GradedPredictions) -> Evidence:
    """Count."""
    n, k = len(part.ids), len(part.labels)
    known = part.gold >= 0
    rows = part.item_rows[known]
    gold, predicted = part.gold[known].astype(np.int64), part.predicted[known].astype(np.int64)
    right = part.correct[known]
    sure = part.confidence[known]
    if part.form == "bitvector":
        classes, events = _bit_events(part.labels, gold, predicted, rows, n)
        pairs = Ragged.of(rows[:0], gold[:0], n)
    else:
        classes, events = part.labels, _class_events(gold, predicted, rows, n)
        pairs = Ragged.of(rows[predicted >= 0], (gold * k + predicted)[predicted >= 0], n)
    return Evidence(
        form=part.form, classes=classes, graded=part.graded, single=bool((np.diff(part.offsets) <= 1).all()),
        items=np.bincount(rows, minlength=n), correct=np.bincount(rows[right], minlength=n),
        losses=np.bincount(rows, weights=nll(part.gold_probability[known]), minlength=n).astype(np.float64),
        spans=_spans(part), hits=events[0], predicted=events[1], gold=events[2], pairs=pairs,
        bins=Ragged.of(rows, bins_of(sure), n), gaps=right - sure.astype(np.float64),
    )


def names_of(label: str) -> list[str]:
    """The names in a bitvector label such as ``["title"]``."""
    return list(json.loads(label))


def ratio_parts(part: GradedPredictions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) numerators and denominators whose sums' ratio is the primary metric: every one of them is such a ratio."""
    n = len(part.ids)
    if part.form == "BIO":
        spans = span_counts(part.gold, part.predicted, part.offsets, SpanLabels.of(part.labels))
        return 2 * spans[:, 0], spans[:, 1] + spans[:, 2]
    known = part.gold >= 0
    rows = part.item_rows[known]
    if part.form == "bitvector":
        _, (hits, predicted, gold) = _bit_events(part.labels, part.gold[known], part.predicted[known], rows, n)
        return 2 * np.diff(hits.offsets), np.diff(predicted.offsets) + np.diff(gold.offsets)
    return np.bincount(rows[part.correct[known]], minlength=n), np.bincount(rows, minlength=n)


def _spans(part: GradedPredictions) -> NDArray[np.int64] | None:
    if part.form != "BIO":
        return None
    return span_counts(part.gold, part.predicted, part.offsets, SpanLabels.of(part.labels))


def _class_events(
    gold: NDArray[np.int64], predicted: NDArray[np.int64], rows: NDArray[np.int64], n: int,
) -> tuple[Ragged, Ragged, Ragged]:
    right, answered = gold == predicted, predicted >= 0
    return (
        Ragged.of(rows[right], gold[right], n), Ragged.of(rows[answered], predicted[answered], n),
        Ragged.of(rows, gold, n),
    )


def _bit_events(
    labels: Sequence[str], gold: NDArray[np.integer], predicted: NDArray[np.integer], rows: NDArray[np.int64], n: int,
) -> tuple[tuple[str, ...], tuple[Ragged, Ragged, Ragged]]:
    """Hits, predictions and gold by single name; each distinct set is parsed once."""
    sets = [names_of(label) for label in labels]
    bits = tuple(sorted({name for names in sets for name in names}))
    place = {name: index for index, name in enumerate(bits)}
    table = np.zeros((len(sets) + 1, len(bits)), bool)
    for index, names in enumerate(sets):
        table[index, [place[name] for name in names]] = True
    gold_bits, found_bits = table[gold], table[predicted]
    events = []
    for marks in (gold_bits & found_bits, found_bits, gold_bits):
        items, columns = np.nonzero(marks)
        events.append(Ragged.of(rows[items], columns, n))
    return bits, (events[0], events[1], events[2])
