"""One version's quality report as a table: a row per task, split and subset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ovt.render.diff import ALL
from ovt.render.table import Table, interval, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Kind = Literal["overall", "slices", "tags"]
KINDS: tuple[Kind, ...] = ("overall", "slices", "tags")
HEADERS = ("task", "split", "subset", "n", "metric", "value", "interval", "f1 macro", "log-loss", "calibration error")


def quality_table(
    report: Mapping[str, Any], *, split: str = "test", task: str | None = None, kinds: Sequence[Kind] = KINDS,
) -> Table:
    """Primary metric with its interval, and the metrics one looks at next.

    Args:
        report: `quality.json`.
        split: dev or test.
        task: one task; None: all.
        kinds: which subsets: all records, slices, tags.
    """
    rows: list[tuple[str, ...]] = []
    for name, about in sorted(report["tasks"].items()):
        if task in {None, name} and split in about["splits"]:
            rows.extend(_cells(name, split, about["primary"], subset, entry)
                        for subset, entry in _subsets(about["splits"][split], kinds))
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


def _subsets(split: Mapping[str, Any], kinds: Sequence[Kind]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in kinds:
        if kind == "overall":
            yield ALL, split["overall"]
            continue
        for name, entry in sorted(split[kind].items()):
            yield (name if kind == "slices" else f"tag {name}"), entry


def _cells(task: str, split: str, primary: str, subset: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry.get(primary, {})
    others = (number(entry.get(name, {}).get("value")) for name in ("f1_macro", "log_loss", "ece"))
    return (task, split, subset, str(entry["n"]), primary, number(found.get("value")),
            interval(found.get("low"), found.get("high")), *others)
