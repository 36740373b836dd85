"""Counts of many subsets of records, and how much each record moves each metric (its influence).

A metric that is a function of sums has, to first order, a variance that is the
variance of the sum over records of their influences: the derivative of the
metric along what the record contributes. They sum to zero over a subset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovt.quality.metrics import BINS, ClassCounts, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.quality.evidence import Evidence, Ragged

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Events(NamedTuple):
    """What a ragged count of the evidence comes to on the members of all subsets."""

    places: Integers
    """(e,) positions in the ragged values."""
    members: Integers
    """(e,) the member that each belongs to."""
    cells: Integers
    """(e,) subset × k + value."""


@dataclass(frozen=True)
class Tally:
    """Sums per subset, and the members that they are over."""

    evidence: Evidence
    rows: Integers
    """(m,) records of all subsets, one subset after the other."""
    owners: Integers
    """(m,) the subset of each."""
    n: Floats
    """(s,) records."""
    items: Floats
    correct: Floats
    losses: Floats
    spans: Floats | None
    """(s, 3) right, predicted, gold."""
    counts: ClassCounts | None
    """(s, k) each."""
    events: tuple[Events, Events, Events] | None
    """Of hits, predictions and gold."""
    gaps: Floats
    """(s, BINS) sums of right - confidence."""
    bins: Events

    @classmethod
    def of(cls, evidence: Evidence, subsets: Sequence[Integers]) -> Tally:
        """Count; records without gold are left out."""
        rows = np.concatenate([np.empty(0, np.int64), *subsets])
        owners = np.repeat(np.arange(len(subsets)), [len(part) for part in subsets])
        if not evidence.graded.all():
            known = evidence.graded[rows]
            rows, owners = rows[known], owners[known]
        size, k = len(subsets), len(evidence.classes)
        add = _adder(owners, size)
        events = None if evidence.form == "select" else (
            _events(evidence.hits, rows, owners, k), _events(evidence.predicted, rows, owners, k),
            _events(evidence.gold, rows, owners, k))
        bins = _events(evidence.bins, rows, owners, BINS)
        gaps = _weighted(bins.cells, evidence.gaps[bins.places], size * BINS)
        counts = None if events is None else ClassCounts(*(
            np.bincount(kind.cells, minlength=size * k).reshape(size, k).astype(np.float64) for kind in events))
        if counts is not None and evidence.form != "bitvector":  # an item has one class of gold, and a hit is an item
            items, correct = counts.gold.sum(axis=1), counts.hits.sum(axis=1)
        else:
            items, correct = add(evidence.items[rows]), add(evidence.correct[rows])
        return cls(
            evidence=evidence, rows=rows, owners=owners, n=np.bincount(owners, minlength=size).astype(np.float64),
            items=items, correct=correct, losses=add(evidence.losses[rows]),
            spans=None if evidence.spans is None else np.stack(
                [add(column) for column in evidence.spans[rows].T], axis=1),
            counts=counts, events=events, gaps=gaps.reshape(size, BINS), bins=bins,
        )

    @property
    def single(self) -> bool:
        """Whether items are as independent as records."""
        return self.evidence.single

    def variance(self, influence: Floats) -> Floats:
        """(s,) variance of a metric from the influence of each member."""
        size = len(self.n)
        squares = _weighted(self.owners, influence ** 2, size)
        return np.asarray(squares * ratio(self.n, self.n - 1), np.float64)

    def gap_spread(self) -> Floats:
        """(s, BINS) the size of the noise in each bin's share of the calibration error, were there no error.

        About zero, not about the bin's mean: a bin of one item would have no noise at all.
        """
        size = len(self.n)
        squares = _weighted(self.bins.cells, self.evidence.gaps[self.bins.places] ** 2, size * BINS)
        return np.asarray(ratio(np.sqrt(squares).reshape(size, BINS), self.items[:, None]), np.float64)

    def rare_classes(self, name: str) -> Floats:
        """(s,) variance that a macro average has from rare classes and that a sample of few does not show.

        A class whose two examples are both right looks certain. Each class is given the variance of Agresti and Coull
        (two more right, two more wrong) where that is larger; over many examples the difference goes to nothing.
        """
        assert self.counts is not None
        found, gold = self.counts.predicted, self.counts.gold
        seen = {"precision_macro": found, "recall_macro": gold}.get(name, (found + gold) / 2)
        share, careful = ratio(self.counts.hits, seen), (self.counts.hits + 2) / (seen + 4)
        missing = careful * (1 - careful) / (seen + 4) - ratio(share * (1 - share), seen)
        occurs = (found + gold) > 0
        more = np.where(occurs & (seen > 0), np.maximum(missing, 0.0), 0.0).sum(axis=1)
        return np.asarray(ratio(more, occurs.sum(axis=1) ** 2.0), np.float64)


def influences(tally: Tally, name: str, values: Floats) -> Floats:
    """(m,) how far each member moves the metric of its subset."""
    return _RULES[name](tally, values)


def _of_ratio(tally: Tally, values: Floats, numerator: Floats, denominator: Floats) -> Floats:
    """Of a ratio of two sums: (numerator - value × denominator) / sum of denominators."""
    total = _weighted(tally.owners, denominator, len(values))[tally.owners]
    return ratio(numerator - values[tally.owners] * denominator, total)


def _accuracy(tally: Tally, values: Floats) -> Floats:
    evidence = tally.evidence
    return _of_ratio(tally, values, _real(evidence.correct[tally.rows]), _real(evidence.items[tally.rows]))


def _log_loss(tally: Tally, values: Floats) -> Floats:
    return _of_ratio(tally, values, tally.evidence.losses[tally.rows], _real(tally.evidence.items[tally.rows]))


def _span_f1(tally: Tally, values: Floats) -> Floats:
    spans = tally.evidence.spans
    assert spans is not None
    right, predicted, gold = spans[tally.rows].T.astype(np.float64)
    return _of_ratio(tally, values, 2 * right, predicted + gold)


def _f1_micro(tally: Tally, values: Floats) -> Floats:
    evidence = tally.evidence
    hits, predicted, gold = (
        np.diff(part.offsets)[tally.rows].astype(np.float64)
        for part in (evidence.hits, evidence.predicted, evidence.gold))
    return _of_ratio(tally, values, 2 * hits, predicted + gold)


def _ece(tally: Tally, values: Floats) -> Floats:
    signs = np.sign(tally.gaps).ravel()[tally.bins.cells]
    signed = signs * tally.evidence.gaps[tally.bins.places]
    moved = _weighted(tally.bins.members, signed, len(tally.rows))
    return _of_ratio(tally, values, moved, _real(tally.evidence.items[tally.rows]))


def _macro(hits: float, predicted: float, gold: float) -> Callable[[Tally, Floats], Floats]:
    """Of the mean over classes of hits × H / (predicted × P + gold × G), for fixed `hits`, `predicted`, `gold`."""

    def rule(tally: Tally, values: Floats) -> Floats:  # noqa: ARG001 - every rule takes the values
        assert tally.counts is not None
        assert tally.events is not None
        counts = tally.counts
        below = predicted * counts.predicted + gold * counts.gold
        score = ratio(hits * counts.hits, below)
        occurs = ((counts.predicted + counts.gold) > 0).sum(axis=1)[:, None]
        each = ratio(np.ones_like(below), below * np.maximum(occurs, 1))
        moved = np.zeros(len(tally.rows))
        for weights, events in zip((hits * each, -predicted * score * each, -gold * score * each), tally.events,
                                   strict=True):
            moved += _weighted(events.members, weights.ravel()[events.cells], len(tally.rows))
        return moved

    return rule


_RULES: dict[str, Callable[[Tally, Floats], Floats]] = {
    "accuracy": _accuracy, "log_loss": _log_loss, "ece": _ece, "span_f1": _span_f1, "f1_micro": _f1_micro,
    "precision_macro": _macro(1, 1, 0), "recall_macro": _macro(1, 0, 1), "f1_macro": _macro(2, 1, 1),
}


def _weighted(places: Integers, weights: NDArray[np.generic], size: int) -> Floats:
    return np.bincount(places, weights=weights, minlength=size).astype(np.float64, copy=False)


def _real(values: NDArray[np.generic]) -> Floats:
    return values.astype(np.float64)


def _adder(owners: Integers, size: int) -> Callable[[NDArray[np.generic]], Floats]:
    return lambda values: _weighted(owners, values, size)


def _events(counted: Ragged, rows: Integers, owners: Integers, k: int) -> Events:
    lengths = np.diff(counted.offsets)
    most = int(lengths.max(initial=0))
    if most > 1:
        places, members = counted.places(rows)
        return Events(places, members, owners[members] * k + counted.values[places])
    if lengths.all():  # one per record: records are places
        return Events(rows, np.arange(len(rows)), owners * k + counted.values[rows])
    members = np.flatnonzero(lengths[rows])
    places = counted.offsets[rows[members]]
    return Events(places, members, owners[members] * k + counted.values[places])
