"""One version's quality report as a table: a row per task, split and subset."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from ovt.render.diff import ALL
from ovt.render.table import Table, interval, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ovt.quality.classes import ClassScore
    from ovt.quality.subset import Estimate

Kind = Literal["overall", "slices", "tags"]
KINDS: tuple[Kind, ...] = ("overall", "slices", "tags")
HEADERS = ("task", "split", "subset", "n", "metric", "value", "interval", "f1 macro", "log-loss", "calibration error")


def quality_table(
    report: Mapping[str, Any], *, split: str = "test", task: str | None = None, kinds: Sequence[Kind] = KINDS,
) -> Table:
    """Primary metric with its interval, and the metrics one looks at next.

    Args:
        report: `quality.json`; one with `where` holds that subset alone.
        split: dev or test.
        task: one task; None: all.
        kinds: which subsets: all records, slices, tags.
    """
    rows: list[tuple[str, ...]] = []
    for name, about in sorted(report["tasks"].items()):
        if task in {None, name} and split in about["splits"]:
            rows.extend(_cells(name, split, about["primary"], subset, entry)
                        for subset, entry in _subsets(about["splits"][split], kinds, report.get("where") or ALL))
    if task is None and split in report.get("end_to_end", {}).get("splits", {}):
        rows.extend(_exact(split, subset, entry)
                    for subset, entry in _subsets(report["end_to_end"]["splits"][split], kinds, ALL))
    return Table(HEADERS, tuple(rows), frozenset({3, 5, 7, 8, 9}), drop=(9, 8, 7, 1, 6))


def confusion_table(entry: Mapping[str, Any]) -> Table:
    """The mistakes of a subset, most frequent first; of a bitvector, what was missed and what was false."""
    lines = entry.get("confusion", {})
    if any(set(line) == {"hit", "false", "missed"} for line in lines.values()):
        rows = sorted(((name, line["hit"], line["false"], line["missed"]) for name, line in lines.items()),
                      key=lambda row: (-row[2] - row[3], row[0]))
        return Table(("name", "hit", "false", "missed"), tuple((row[0], *map(str, row[1:])) for row in rows),
                     frozenset({1, 2, 3}))
    mistakes = sorted(((count, gold, said) for gold, line in lines.items() for said, count in line.items()
                       if gold != said), key=lambda row: (-row[0], row[1:]))
    return Table(("gold", "predicted", "items"), tuple((gold, said, str(count)) for count, gold, said in mistakes),
                 frozenset({2}))


def classes_table(split: str, scores: Sequence[ClassScore]) -> Table:
    """Precision, recall and F1 of each class, each with its interval."""
    headers = ("split", "class", "kind", "support", "predicted", "precision", "interval", "recall", "interval", "F1",
               "interval")
    rows = tuple(
        (split, score.name, score.kind, str(score.support), str(score.predicted),
         *(cell for found in (score.precision, score.recall, score.f1)
           for cell in (number(found.value), interval(found.low, found.high))))
        for score in scores
    )
    return Table(headers, rows, frozenset({3, 4, 5, 7, 9}), drop=(2, 10, 6, 8))


def classes_json(revision: str, task: str, found: Mapping[str, Sequence[ClassScore]]) -> dict[str, Any]:
    """``ovt.classes/1``."""
    def plain(estimate: Estimate) -> dict[str, float]:
        return {key: round(value, 6) for key, value in asdict(estimate).items()}

    return {"format": "ovt.classes/1", "revision": revision, "task": task, "splits": {
        split: [{"name": score.name, "kind": score.kind, "support": score.support, "predicted": score.predicted,
                 "precision": plain(score.precision), "recall": plain(score.recall), "f1": plain(score.f1)}
                for score in scores]
        for split, scores in found.items()
    }}


def _exact(split: str, subset: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry.get("exact_match", {})
    return ("(all tasks)", split, subset, str(entry["n"]), "exact_match", number(found.get("value")),
            interval(found.get("low"), found.get("high")), "–", "–", "–")


def _subsets(
    split: Mapping[str, Any], kinds: Sequence[Kind], whole: str,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in kinds:
        if kind == "overall":
            yield whole, split["overall"]
            continue
        for name, entry in sorted(split[kind].items()):
            yield (name if kind == "slices" else f"tag {name}"), entry


def _cells(task: str, split: str, primary: str, subset: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry.get(primary, {})
    others = (number(entry.get(name, {}).get("value")) for name in ("f1_macro", "log_loss", "ece"))
    return (task, split, subset, str(entry["n"]), primary, number(found.get("value")),
            interval(found.get("low"), found.get("high")), *others)
