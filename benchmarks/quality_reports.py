"""Reports and checks on 100,000 records: point metrics of 300 tags against scikit-learn, and what a whole check costs.

    python benchmarks/quality_reports.py

Run by `dvc repro` at the root of the repository, or by hand. Numbers are held
equal to scikit-learn's before anything is timed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measuring import THREADS, Row, repeat, save

os.environ |= THREADS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from ovt.quality.compare import Measured, compare_versions
from ovt.quality.evidence import evidence_of
from ovt.quality.membership import RowsByName
from ovt.quality.policy.thresholds import Policy
from ovt.quality.predictions import GradedPredictions, read_predictions, write_predictions
from ovt.quality.report import quality_report, report_text
from ovt.quality.slicediff import Side
from ovt.quality.subset import measure_all, point_metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORDS, CLASSES, TAGS, TAGS_PER_RECORD = 100_000, 30, 300, 3
TOLERANCE = 1e-9
METRICS = ("accuracy", "precision_macro", "recall_macro", "f1_macro")
BAR_POINT, BAR_INTERVALS, BAR_CHECK = 50.0, 1000.0, 5000.0
"""Milliseconds that must not be exceeded."""


def main() -> None:
    """Check that both say the same, then time."""
    random = np.random.default_rng(0)
    members = _members(random)
    before = _predictions(random, members, 0.85)
    after = _predictions(random, members, 0.86, before)
    subsets = [np.arange(RECORDS), *before.tags.rows.values()]
    evidence = evidence_of(before)
    ours = np.stack([point_metrics(evidence, subsets)[name] for name in METRICS], axis=1)
    difference = np.abs(ours - _theirs(before, subsets)).max()
    if difference > TOLERANCE:
        raise SystemExit(f"the metrics differ by {difference}: nothing to time")
    slow = repeat(lambda: _theirs(before, subsets), 3)
    point = repeat(lambda: point_metrics(evidence_of(before), subsets), 7)
    full = repeat(lambda: measure_all(evidence_of(before), subsets), 5)
    written = repeat(lambda: report_text(quality_report([before], "model", [])), 3)
    check = repeat(lambda: _check(before, after), 3)
    what = f"of {TAGS} tags on {RECORDS:,} records, {CLASSES} classes"
    save("quality_reports", "Quality reports and checks", [
        Row(f"point metrics {what}", "scikit-learn (four of the seven metrics)", slow.cpu_ms, point.cpu_ms, "ms CPU"),
        Row(f"point metrics {what}: the bar", "at most", BAR_POINT, point.cpu_ms, "ms CPU"),
        Row(f"the same with an interval each {what}", "at most", BAR_INTERVALS, full.cpu_ms, "ms CPU"),
        Row(f"quality.json, with confusion matrices, {what}", "at most", BAR_INTERVALS, written.cpu_ms, "ms CPU"),
        Row(f"check of two versions, {TAGS} slices, {RECORDS:,} records: files read, compared", "at most", BAR_CHECK,
            check.wall_ms, "ms wall"),
    ], ["numpy", "pyarrow", "scikit-learn"])


def _members(random: np.random.Generator) -> RowsByName:
    owners = random.integers(0, TAGS, (RECORDS, TAGS_PER_RECORD))
    return RowsByName(RECORDS, {
        f"tag-{tag:03d}": np.flatnonzero((owners == tag).any(axis=1)) for tag in range(TAGS)})


def _predictions(
    random: np.random.Generator, members: RowsByName, accuracy: float, base: GradedPredictions | None = None,
) -> GradedPredictions:
    """A version; one with a base has its gold and most of its answers."""
    gold = random.integers(0, CLASSES, RECORDS).astype(np.int32) if base is None else base.gold
    right = random.random(RECORDS) < accuracy
    found = np.where(right, gold, random.integers(0, CLASSES, RECORDS)).astype(np.int32)
    if base is not None:
        found = np.where(random.random(RECORDS) < 0.9, base.predicted, found).astype(np.int32)
    return GradedPredictions(
        task="Intent", form="multiclass", split="test", ids=np.array([f"q{row:06d}" for row in range(RECORDS)], object),
        offsets=np.arange(RECORDS + 1), labels=tuple(f"class-{code:02d}" for code in range(CLASSES)), gold=gold,
        predicted=found, confidence=random.random(RECORDS).astype(np.float32),
        gold_probability=random.random(RECORDS).astype(np.float32), slices=members, tags=members,
    )


def _theirs(part: GradedPredictions, subsets: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """(subsets, 4) by scikit-learn."""
    rows = []
    for members in subsets:
        gold, found = part.gold[members], part.predicted[members]
        scores = precision_recall_fscore_support(gold, found, average="macro", zero_division=0)
        rows.append([accuracy_score(gold, found), *scores[:3]])
    return np.array(rows, dtype=np.float64)


def _check(before: GradedPredictions, after: GradedPredictions) -> None:
    """Both versions' predictions from files, and every slice compared."""
    for folder, part in zip(_files(before, after), (before, after), strict=True):
        if not folder.is_file():
            write_predictions(folder, [part])
    sides = [Measured(_side(path.stem), read_predictions(path, {"Intent": "multiclass"}), frozenset(before.slices.rows))
             for path in _files(before, after)]
    diff = compare_versions(sides[0], sides[1], Policy())
    if len(diff.rows) != TAGS + 1:
        raise SystemExit(f"{len(diff.rows)} rows were compared, not {TAGS + 1}")


def _files(*parts: GradedPredictions) -> list[Path]:
    return [FOLDER / f"{number}.parquet" for number, _ in enumerate(parts)]


def _side(name: str) -> Side:
    return Side(name, None, "", f"model {name}", "exam")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ovt-benchmark-") as made:
        FOLDER = Path(made)
        main()
