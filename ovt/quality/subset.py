"""All metrics of one task on many subsets of records at once, each with its interval.

Hundreds of tags and slices are measured together: the records of all of them
stand one after the other, and a sum over each subset is one `bincount`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ovt.quality import intervals
from ovt.quality.counting import Tally, influences
from ovt.quality.metrics import MEASURED, TABLE, ece_of, f1_micro, macro, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovt.quality.evidence import Evidence

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MEMBERS = 2_000_000
"""Records of all subsets that are worked on together; it bounds memory."""


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval."""

    value: float
    low: float
    high: float


def measure(evidence: Evidence, rows: Integers) -> dict[str, Estimate]:
    """The metrics of the task's form on records `rows` (those with gold); empty where none has gold."""
    return measure_all(evidence, [rows])[0]


def measure_all(evidence: Evidence, subsets: Sequence[Integers]) -> list[dict[str, Estimate]]:
    """`measure` of many subsets, for little more than the time of their records."""
    found: list[dict[str, Estimate]] = []
    for tally in _tallies(evidence, subsets):
        values = metrics_of(tally)
        ends = {name: _interval(tally, name, values[name]) for name in MEASURED[evidence.form]}
        for place, n in enumerate(tally.n.tolist()):
            found.append({
                name: Estimate(float(values[name][place]), float(low[place]), float(high[place]))
                for name, (low, high) in ends.items()
            } if n else {})
    return found


def point_metrics(evidence: Evidence, subsets: Sequence[Integers]) -> dict[str, Floats]:
    """Metric → (subsets,) values without intervals; 0 where nothing has gold."""
    parts = [metrics_of(tally) for tally in _tallies(evidence, subsets)]
    return {name: np.concatenate([part[name] for part in parts]) for name in MEASURED[evidence.form]} if parts else {}


def metrics_of(tally: Tally) -> dict[str, Floats]:
    """Every metric that the counts allow, by subset."""
    found = {
        "accuracy": ratio(tally.correct, tally.items), "log_loss": ratio(tally.losses, tally.items),
        "ece": ece_of(tally.gaps, tally.items),
    }
    if tally.counts is not None:
        found["precision_macro"], found["recall_macro"], found["f1_macro"] = macro(tally.counts)
        found["f1_micro"] = f1_micro(tally.counts)
    if tally.spans is not None:
        found["span_f1"] = ratio(2 * tally.spans[:, 0], tally.spans[:, 1] + tally.spans[:, 2])
    return found


def _tallies(evidence: Evidence, subsets: Sequence[Integers]) -> Iterator[Tally]:
    """Counts of the subsets, as many together as memory should hold."""
    for chunk in _chunks(subsets):
        yield Tally.of(evidence, chunk)


def _chunks(subsets: Sequence[Integers]) -> Iterator[list[Integers]]:
    chunk: list[Integers] = []
    members = 0
    for rows in subsets:
        if chunk and members + len(rows) > MEMBERS:
            yield chunk
            chunk, members = [], 0
        chunk.append(rows)
        members += len(rows)
    if chunk:
        yield chunk


def _interval(tally: Tally, name: str, values: Floats) -> tuple[Floats, Floats]:
    if tally.single and name == "accuracy":
        return intervals.score_interval(values, np.maximum(tally.n, 1), intervals.z_of(intervals.CONFIDENCE))
    variance = tally.variance(influences(tally, name, values))
    if name == "log_loss":
        return intervals.positive_interval(values, variance, tally.n, TABLE[name].highest)
    if name == "ece":
        return intervals.folded_interval(values, variance, tally.n, tally.gap_spread())
    if name.endswith("_macro"):
        variance = variance + tally.rare_classes(name)
    names = tally.items if tally.counts is None else np.maximum(tally.items, tally.counts.gold.sum(axis=1))
    return intervals.effective_interval(values, variance, tally.n, names)
