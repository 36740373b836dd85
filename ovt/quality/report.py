"""`reports/quality.json` and the flat `reports/metrics.json` of one version.

Both hold names, counts and metrics alone, never the text of a record or its id.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.quality.confusion import confusions
from ovt.quality.end_to_end import EndToEnd
from ovt.quality.evidence import Evidence, evidence_of
from ovt.quality.metrics import PRIMARY
from ovt.quality.seeds import with_spread
from ovt.quality.subset import Estimate, measure_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.quality.membership import RowsByName
    from ovt.quality.predictions import GradedPredictions

FORMAT = "ovt.quality/1"
DIGITS = 6
MAX_CLASSES = 50
"""A confusion matrix of more classes keeps the most frequent in gold and merges the rest into `(other)`."""
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
        entry["splits"][part.split] = with_spread(_split_report(part, slices), part)
    report = {"format": FORMAT, "model": model, "eval_set": eval_set_digest(graded), "tasks": tasks}
    together = _end_to_end(graded, slices)
    return {**report, "end_to_end": together} if together else report


def report_text(report: dict[str, Any]) -> str:
    """The report as it is written: JSON with sorted keys, a metric or a row of a matrix per line.

    Half as long as one number per line, and a Git diff of it shows a metric with its interval.
    """
    return f"{_lines(report, 0)}\n"


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
    for split, found in report.get("end_to_end", {}).get("splits", {}).items():
        if "exact_match" in found["overall"]:
            flat[f"end_to_end.{split}.exact_match"] = found["overall"]["exact_match"]["value"]
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


def entries(evidence: Evidence, subsets: Sequence[NDArray[np.int64]]) -> list[dict[str, Any]]:
    """What the report says of each subset of records: support, metrics with intervals, confusion."""
    graded = [rows[evidence.graded[rows]] for rows in subsets]
    tables = confusions(evidence, graded, MAX_CLASSES)
    found = []
    for rows, estimates, table in zip(graded, measure_all(evidence, graded), tables, strict=True):
        entry: dict[str, Any] = {"n": len(rows), "items": int(evidence.items[rows].sum())}
        entry |= {name: _rounded(estimate) for name, estimate in estimates.items()}
        found.append({**entry, "confusion": table} if len(rows) else entry)
    return found


def _split_report(part: GradedPredictions, slices: Sequence[str]) -> dict[str, Any]:
    tags = _shown_tags(part.tags)
    everything = np.arange(len(part.ids))
    subsets = [everything, *(part.tags.of(name) for name in tags), *(part.slices.of(name) for name in slices)]
    overall, *rest = entries(evidence_of(part), subsets)
    report: dict[str, Any] = {
        "overall": overall,
        "tags": dict(zip(tags, rest[:len(tags)], strict=True)),
        "slices": dict(zip(slices, rest[len(tags):], strict=True)),
    }
    if len(part.tags.rows) > len(tags):
        report["tags_left_out"] = len(part.tags.rows) - len(tags)
    return report


def _shown_tags(tags: RowsByName) -> list[str]:
    """The tags with a row of their own: those on the most records."""
    return sorted(tags.rows, key=lambda name: (-len(tags.rows[name]), name))[:MAX_TAGS]


def _end_to_end(graded: Sequence[GradedPredictions], slices: Sequence[str]) -> dict[str, Any]:
    """Exact match over all tasks, by split; empty where a record has one task alone."""
    splits: dict[str, Any] = {}
    tasks: set[str] = set()
    for split in SPLIT_NAMES:
        parts = [part for part in graded if part.split == split]
        together = EndToEnd.of(parts)
        if together is None:
            continue
        tasks |= set(together.tasks)
        names = _shown_tags(parts[0].tags)
        splits[split] = {
            "overall": _exact(together, np.arange(len(parts[0].ids))),
            "tags": {name: _exact(together, parts[0].tags.of(name)) for name in names},
            "slices": {name: _exact(together, parts[0].slices.of(name)) for name in slices},
        }
    return {"tasks": sorted(tasks), "splits": splits} if splits else {}


def _exact(together: EndToEnd, rows: NDArray[np.int64]) -> dict[str, Any]:
    n, estimate = together.measure(rows)
    return {"n": n, "exact_match": _rounded(estimate)} if estimate is not None else {"n": n}


def _rounded(estimate: Estimate) -> dict[str, float]:
    return {"value": round(estimate.value, DIGITS), "low": round(estimate.low, DIGITS),
            "high": round(estimate.high, DIGITS)}


def _lines(value: Any, depth: int) -> str:
    if not isinstance(value, dict) or not any(isinstance(inner, dict) for inner in value.values()):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    inside = ",\n".join(
        f"{' ' * (depth + 1)}{json.dumps(key, ensure_ascii=False)}: {_lines(value[key], depth + 1)}"
        for key in sorted(value))
    return f"{{\n{inside}\n{' ' * depth}}}"
