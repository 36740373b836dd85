"""Public data with the defaults, through the commands alone: `ovt init --schema --data`, `ovt run`, the report.

    OVT_REAL_DATA=DIR python benchmarks/real_data.py [snips] [youtube] [webquestions]

DIR has one folder for each set, with `schema.json` and `data.jsonl`. Nothing of it is kept here but the figures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import RESULTS, Row, repeat_command, save
from startup import IDENTITY, tool

GOLD_OFF = "gold: {source: gold, train: true}", "gold: {source: gold, train: false}"


@dataclass(frozen=True)
class Goal:
    """A figure to reach on one set."""

    data: str
    task: str
    metric: str
    target: float | None
    """None: the best single source on test."""
    why: str
    train_on_gold: bool = True


GOALS = (
    Goal("snips", "Intent", "accuracy", 0.970, "goal"),
    Goal("snips", "Slots", "span_f1", 0.86, "goal"),
    Goal("youtube", "Spam", "accuracy", 0.86, "goal", train_on_gold=False),
    Goal("webquestions", "TopicEntity", "accuracy", None, "best single source"),
)
CPU_MINUTES = 10


def main() -> None:
    """Run the sets that are named, or all; results of the others are kept."""
    base = Path(os.environ.get("OVT_REAL_DATA", ""))
    if not base.is_dir() or str(base) == ".":
        raise SystemExit("set OVT_REAL_DATA to the folder of data sets")
    names = sys.argv[1:] or sorted({goal.data for goal in GOALS})
    rows = [row for row in _kept() if row.what.split()[0] not in names]
    for name in names:
        rows += measure(base / name)
    save("real_data", "Public data, default settings", sorted(rows, key=lambda row: row.what), ["ovt", "torch"])


def measure(source: Path) -> list[Row]:
    """Train on one set; its figures and the CPU time of everything."""
    goals = [goal for goal in GOALS if goal.data == source.name]
    with tempfile.TemporaryDirectory(prefix="ovt-benchmark-") as folder:
        root = Path(folder) / source.name
        inputs = ["--schema", str(source / "schema.json"), "--data", str(source / "data.jsonl")]
        repeat_command([tool("ovt"), "init", str(root), *inputs], Path(folder), 1, IDENTITY)
        if not all(goal.train_on_gold for goal in goals):
            settings = root / "ovt.yaml"
            settings.write_text(settings.read_text(encoding="utf-8").replace(*GOLD_OFF), encoding="utf-8")
        spent = repeat_command([tool("ovt"), "run"], root, 1, IDENTITY)
        report = json.loads((root / "reports" / "quality.json").read_text(encoding="utf-8"))
    rows = [_row(goal, report, source) for goal in goals]
    return [*rows, Row(f"{source.name} ovt run", "limit", CPU_MINUTES * 60.0, round(spent.cpu_ms / 1000, 1), "s CPU")]


def _row(goal: Goal, report: dict[str, Any], source: Path) -> Row:
    value = report["tasks"][goal.task]["splits"]["test"]["overall"][goal.metric]["value"]
    target = goal.target if goal.target is not None else best_source(source / "data.jsonl", goal.task)
    what = f"{goal.data} {goal.task} test {goal.metric}"
    return Row(what, goal.why, round(100 * target, 2), round(100 * value, 2), "%")


def best_source(path: Path, task: str) -> float:
    """The best source's accuracy on the test records that have gold; where it abstains it is wrong."""
    right: dict[str, int] = {}
    graded = 0
    for line in path.open(encoding="utf-8"):
        record = json.loads(line)
        votes = record["tasks"].get(task, {})
        if "test" not in record["tags"] or votes.get("gold") is None:
            continue
        graded += 1
        for name, label in votes.items():
            if name != "gold":
                right[name] = right.get(name, 0) + (label == votes["gold"])
    return max(right.values()) / graded


def _kept() -> list[Row]:
    path = RESULTS / "real_data.json"
    if not path.is_file():
        return []
    return [Row(what, **row) for what, row in json.loads(path.read_text(encoding="utf-8"))["rows"].items()]


if __name__ == "__main__":
    main()
