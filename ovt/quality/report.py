"""`reports/quality.json` and the flat `reports/metrics.json` of one version.

Both hold names, counts and metrics alone, never the text of a record or its id.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.quality.evidence import Evidence, evidence_of
from ovt.quality.metrics import PRIMARY
from ovt.quality.subset import Estimate, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.quality.predictions import GradedPredictions

FORMAT = "ovt.quality/1"
DIGITS = 6
MAX_CLASSES = 50
"""A confusion matrix of more classes keeps the most frequent in gold and merges the rest into `OTHER`."""
OTHER = "(other)"
MAX_TAGS = 1000
"""Tags with a row of their own per split; beyond that those on the fewest records are left out."""
SPLIT_NAMES = ("dev", "test")


def quality_report(
    parts: Iterable[GradedPredictions], model: str, slices: Sequence[str],
) -> dict[str, Any]:
    """The report as plain values.

    Args:
        parts: predictions of every task on dev and test; those without any gold are left out.
        model: digest of the model.
        slices: all slices of the version, those without a record too.
    """
    graded = sorted((part for part in parts if part.graded.any()), key=lambda part: (part.task, part.split))
    tasks: dict[str, Any] = {}
    for part in graded:
        entry = tasks.setdefault(part.task, {"primary": PRIMARY[part.form], "splits": {}})
        entry["splits"][part.split] = _split_report(part, slices)
    return {"format": FORMAT, "model": model, "eval_set": eval_set_digest(graded), "tasks": tasks}


def flat_metrics(report: dict[str, Any]) -> dict[str, float]:
    """``TASK.SPLIT.METRIC`` for all records, and ``TASK.SPLIT.slice.NAME.PRIMARY`` for each slice with gold."""
    flat: dict[str, float] = {}
    for task, about in report["tasks"].items():
        primary = about["primary"]
        for split, found in about["splits"].items():
            for metric, estimate in found["overall"].items():
                if isinstance(estimate, dict) and "value" in estimate:
                    flat[f"{task}.{split}.{metric}"] = estimate["value"]
            for name, entry in found["slices"].items():
                if primary in entry:
                    flat[f"{task}.{split}.slice.{name}.{primary}"] = entry[primary]["value"]
    return flat


def eval_set_digest(parts: Iterable[GradedPredictions]) -> str:
    """A digest of the test records' ids and gold, whatever the model says about them."""
    digest = hashlib.sha256()
    for part in sorted(parts, key=lambda part: part.task):
        if part.split != "test":
            continue
        digest.update(f"{part.task}\0{len(part.ids)}\0".encode())
        golds = [*part.labels, ""]
        texts = [golds[code] for code in part.gold.tolist()]
        bounds = part.offsets.tolist()
        for row, name in enumerate(part.ids.tolist()):
            digest.update("\0".join((name, *texts[bounds[row]:bounds[row + 1]], "\n")).encode())
    return digest.hexdigest()


def model_digest(folder: Path) -> str:
    """A digest of the names and contents of a model's files."""
    digest = hashlib.sha256()
    for path in sorted(found for found in folder.rglob("*") if found.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _split_report(part: GradedPredictions, slices: Sequence[str]) -> dict[str, Any]:
    evidence = evidence_of(part)
    everything = np.arange(len(part.ids))
    kept = _kept_classes(evidence)
    tags = sorted(part.tags.rows, key=lambda name: (-len(part.tags.rows[name]), name))
    report: dict[str, Any] = {
        "overall": _entry(evidence, everything, kept),
        "tags": {name: _entry(evidence, part.tags.of(name), kept) for name in tags[:MAX_TAGS]},
        "slices": {name: _entry(evidence, part.slices.of(name), kept) for name in slices},
    }
    if len(tags) > MAX_TAGS:
        report["tags_left_out"] = len(tags) - MAX_TAGS
    return report


def _entry(evidence: Evidence, rows: NDArray[np.int64], kept: Sequence[int]) -> dict[str, Any]:
    rows = rows[evidence.graded[rows]]
    entry: dict[str, Any] = {"n": len(rows), "items": int(evidence.items[rows].sum())}
    for name, estimate in measure(evidence, rows).items():
        entry[name] = _rounded(estimate)
    if len(rows):
        entry["confusion"] = _bit_table(evidence, rows) if evidence.form == "bitvector" else (
            _confusion(evidence, rows, kept))
    return entry


def _rounded(estimate: Estimate) -> dict[str, float]:
    return {"value": round(estimate.value, DIGITS), "low": round(estimate.low, DIGITS),
            "high": round(estimate.high, DIGITS)}


def _kept_classes(evidence: Evidence) -> list[int]:
    """Classes with a row of their own in confusion matrices: the most frequent in gold over the whole split."""
    support = np.bincount(evidence.gold.values, minlength=len(evidence.classes))
    return sorted(range(len(evidence.classes)), key=lambda code: (-support[code], evidence.classes[code]))[:MAX_CLASSES]


def _confusion(evidence: Evidence, rows: NDArray[np.int64], kept: Sequence[int]) -> dict[str, dict[str, int]]:
    """Items by gold class, then by predicted class; cells of 0 are left out."""
    k = len(evidence.classes)
    shown = {code: evidence.classes[code] for code in kept}
    places, _ = evidence.pairs.places(rows)
    cells, counts = np.unique(evidence.pairs.values[places], return_counts=True)
    table: dict[str, dict[str, int]] = {}
    for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
        line = table.setdefault(shown.get(cell // k, OTHER), {})
        column = shown.get(cell % k, OTHER)
        line[column] = line.get(column, 0) + count
    return table


def _bit_table(evidence: Evidence, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Of a bitvector, per name: how often it was rightly predicted, wrongly predicted, and missed."""
    k = len(evidence.classes)
    hits, predicted, gold = (
        np.bincount(events.values[events.places(rows)[0]], minlength=k)
        for events in (evidence.hits, evidence.predicted, evidence.gold)
    )
    return {
        name: {"hit": int(hits[code]), "false": int(predicted[code] - hits[code]),
               "missed": int(gold[code] - hits[code])}
        for code, name in enumerate(evidence.classes) if predicted[code] + gold[code]
    }
