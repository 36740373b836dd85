"""Metrics of 300 tags on 100,000 records: `ovt.quality.metrics` against scikit-learn, the numbers held equal first.

Run by `dvc repro` at the root of the repository, or by hand: `python benchmarks/metrics.py`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from measuring import THREADS, Row, repeat, save

os.environ |= THREADS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from ovt.quality.metrics import confusion, counts_of, macro, ratio

RECORDS, CLASSES, TAGS, TAGS_PER_RECORD = 100_000, 12, 300, 3
TOLERANCE = 1e-9

Ints = NDArray[np.int64]


def main() -> None:
    """Check that both say the same, then time both."""
    random = np.random.default_rng(0)
    gold = random.integers(0, CLASSES, RECORDS)
    predicted = np.where(random.random(RECORDS) < 0.85, gold, random.integers(0, CLASSES, RECORDS))
    owners = random.integers(0, TAGS, (RECORDS, TAGS_PER_RECORD))
    tags = [np.flatnonzero((owners == tag).any(axis=1)) for tag in range(TAGS)]
    difference = np.abs(ours(gold, predicted, tags) - theirs(gold, predicted, tags)).max()
    if difference > TOLERANCE:
        raise SystemExit(f"the metrics differ by {difference}: nothing to time")
    fast = repeat(lambda: ours(gold, predicted, tags), 7)
    slow = repeat(lambda: theirs(gold, predicted, tags), 3)
    what = f"accuracy and macro precision, recall, F1 of {TAGS} tags on {RECORDS:,} records"
    save("metrics", "Metrics per tag", [Row(what, "scikit-learn", slow.cpu_ms, fast.cpu_ms, "ms CPU")],
         ["numpy", "scikit-learn"])


def ours(gold: Ints, predicted: Ints, tags: list[Ints]) -> NDArray[np.float64]:
    """(tags, 4) by ovt: one confusion matrix per tag, everything else from it."""
    rows = []
    for members in tags:
        counts = counts_of(confusion(gold[members], predicted[members], CLASSES))
        rows.append([ratio(counts.hits.sum(), counts.gold.sum()), *macro(counts)])
    return np.array(rows, dtype=np.float64)


def theirs(gold: Ints, predicted: Ints, tags: list[Ints]) -> NDArray[np.float64]:
    """(tags, 4) by scikit-learn."""
    rows = []
    for members in tags:
        truth, answer = gold[members], predicted[members]
        found = precision_recall_fscore_support(truth, answer, average="macro", zero_division=0)
        rows.append([accuracy_score(truth, answer), *found[:3]])
    return np.array(rows, dtype=np.float64)


if __name__ == "__main__":
    main()
