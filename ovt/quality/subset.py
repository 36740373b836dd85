"""All metrics of one task on one subset of records, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.quality import intervals
from ovt.quality.metrics import BINS, LOWER_IS_BETTER, MEASURED, ClassCounts, ece_of, f1_micro, macro, ratio

if TYPE_CHECKING:
    from ovt.quality.evidence import Evidence, Ragged

Floats = NDArray[np.float64]
STEPS = 2.0 ** 30
"""Real numbers are rounded to multiples of 1/STEPS before they are summed in a bootstrap: such sums are exact, so
that they do not depend on the order in which a BLAS adds."""


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval."""

    value: float
    low: float
    high: float


def measure(evidence: Evidence, rows: NDArray[np.int64]) -> dict[str, Estimate]:
    """The metrics of the task's form on records `rows` (those with gold); empty where none has gold."""
    rows = rows[evidence.graded[rows]]
    if not len(rows):
        return {}
    groups = intervals.deal(len(rows), intervals.GROUPS)
    sums = _Sums(evidence, rows, groups)
    values = {name: float(found) for name, found in _metrics(sums.totals()).items()}
    replicates = _metrics(sums.resampled())
    return {name: _estimate(evidence, name, values, replicates, len(rows)) for name in MEASURED[evidence.form]}


def _estimate(
    evidence: Evidence, name: str, values: dict[str, float], replicates: dict[str, Floats], n: int,
) -> Estimate:
    value = values[name]
    if evidence.single and name == "accuracy":
        return Estimate(value, *intervals.wilson(value * n, n))
    if value in {0.0, 1.0} and name not in LOWER_IS_BETTER:
        # Records that are all right, or all wrong, resample to themselves; their number still says how sure one can be.
        return Estimate(value, *intervals.wilson(value * n, n))
    highest = float("inf") if name == "log_loss" else 1.0
    return Estimate(value, *intervals.centred(value, replicates[name], highest=highest))


@dataclass(frozen=True)
class _Totals:
    """Sums over records: of a whole subset, or (with a leading axis) of each bootstrap replicate."""

    items: Floats
    correct: Floats
    losses: Floats
    counts: ClassCounts | None
    spans: Floats | None
    gaps: Floats


def _metrics(sums: _Totals) -> dict[str, Floats]:
    found = {
        "accuracy": ratio(sums.correct, sums.items), "log_loss": ratio(sums.losses, sums.items),
        "ece": ece_of(sums.gaps, sums.items),
    }
    if sums.counts is not None:
        found["precision_macro"], found["recall_macro"], found["f1_macro"] = macro(sums.counts)
        found["f1_micro"] = f1_micro(sums.counts)
    if sums.spans is not None:
        found["span_f1"] = ratio(2 * sums.spans[..., 0], sums.spans[..., 1] + sums.spans[..., 2])
    return found


class _Sums:
    """The counts of a subset, added up by group of records."""

    def __init__(self, evidence: Evidence, rows: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
        self.groups = int(groups.max()) + 1
        k = len(evidence.classes)
        plain = [evidence.items[rows], evidence.correct[rows]]
        if evidence.spans is not None:
            plain.extend(evidence.spans[rows].T)
        self.n_plain = len(plain)
        self.k = k if evidence.form != "select" else 0
        blocks = [self._by_group(groups, values)[:, None] for values in plain]
        if self.k:
            blocks.extend(self._by_class(events, rows, groups) for events in
                          (evidence.hits, evidence.predicted, evidence.gold))
        self.whole: Floats = np.concatenate(blocks, axis=1)
        places, owners = evidence.bins.places(rows)
        cells = groups[owners] * BINS + evidence.bins.values[places]
        gaps = np.bincount(cells, weights=evidence.gaps[places], minlength=self.groups * BINS)
        losses = self._by_group(groups, evidence.losses[rows])[:, None]
        self.real: Floats = np.concatenate([losses, gaps.reshape(self.groups, BINS)], axis=1)

    def _by_group(self, groups: NDArray[np.int64], values: NDArray[np.generic]) -> Floats:
        return np.bincount(groups, weights=values, minlength=self.groups).astype(np.float64)

    def _by_class(self, events: Ragged, rows: NDArray[np.int64], groups: NDArray[np.int64]) -> Floats:
        places, owners = events.places(rows)
        cells = groups[owners] * self.k + events.values[places]
        return np.bincount(cells, minlength=self.groups * self.k).reshape(self.groups, self.k).astype(np.float64)

    def totals(self) -> _Totals:
        return self._split(self.whole.sum(axis=0), self.real.sum(axis=0))

    def resampled(self) -> _Totals:
        size = (intervals.REPLICATES, intervals.GROUPS)
        whole = intervals.poisson_weights(*size)[:, :self.groups] @ self.whole.astype(np.float32)
        real = intervals.exact_weights(*size)[:, :self.groups] @ np.rint(self.real * STEPS)
        return self._split(whole.astype(np.float64), real / STEPS)

    def _split(self, whole: Floats, real: Floats) -> _Totals:
        counts = None
        if self.k:
            hits, predicted, gold = (
                whole[..., self.n_plain + part * self.k:self.n_plain + (part + 1) * self.k] for part in range(3)
            )
            counts = ClassCounts(hits, predicted, gold)
        spans = whole[..., 2:5] if self.n_plain > 2 else None
        return _Totals(whole[..., 0], whole[..., 1], real[..., 0], counts, spans, real[..., 1:])
