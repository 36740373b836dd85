"""How good the models are that ovt makes by itself: public data and two figures of the paper, through the commands.

    OVT_REAL_DATA=DIR python benchmarks/quality.py [PART…]

Parts: snips snips-search facebook_en facebook_es clinc150 youtube webquestions figure3 figure4a-factoid
figure4a-facebook_en; all of them if none is named, and the figures of the others are kept. DIR has one folder for each
public set, with `schema.json` and `data.jsonl`; nothing of them is kept here but the figures. No setting is made for a
set: defaults, or one search.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import Row, kept, repeat_command, save
from startup import IDENTITY, tool
from weak_supervision import GOLD_OFF, growth, overall, scales, start, without_hand_labels

TUNING = """\
payloads:
  tokens: {encoder: [lstm, cnn, transformer], size: [128, 256]}
  query: {aggregation: [max, attention]}
training: {dropout: [0.3, 0.4, 0.5], learning_rate: [0.002, 0.004]}
search: {trials: 8, minutes: 12}
"""
"""As an engineer would write it for any task on text; nothing of it was chosen for the set."""


@dataclass(frozen=True)
class Goal:
    """A figure to reach on one set."""

    data: str
    task: str
    metric: str
    """A metric of the report; `in_scope` and `oos_recall` are made from the rows of the tag `oos`."""
    target: float | None
    """None: the best single source on test."""
    why: str = "bar"


GOALS = (
    Goal("snips", "Intent", "accuracy", 0.970),
    Goal("snips", "Slots", "span_f1", 0.86),
    Goal("snips-search", "Intent", "accuracy", 0.980),
    Goal("snips-search", "Slots", "span_f1", 0.93),
    Goal("facebook_en", "Intent", "accuracy", 0.990),
    Goal("facebook_en", "Slots", "span_f1", 0.95),
    Goal("facebook_es", "Intent", "accuracy", 0.975),
    Goal("facebook_es", "Slots", "span_f1", 0.86),
    Goal("clinc150", "Intent", "in_scope", 0.90),
    Goal("clinc150", "Intent", "oos_recall", 0.20),
    Goal("youtube", "Spam", "accuracy", 0.86),
    Goal("webquestions", "TopicEntity", "accuracy", None, "best single source"),
)
WITHOUT_GOLD = ("youtube",)
SCHEMAS = {"facebook_es": "facebook_en"}
"""Two languages, one schema file."""
CPU_MINUTES = {"snips-search": 60}
USUAL_MINUTES = 10
FIGURES = ("figure3", "figure4a-factoid", "figure4a-facebook_en")


def main() -> None:
    """Measure the parts that are named, or all; figures of the others are kept."""
    base = Path(os.environ.get("OVT_REAL_DATA", ""))
    if not base.is_dir() or str(base) == ".":
        raise SystemExit("set OVT_REAL_DATA to the folder of data sets")
    names = sys.argv[1:] or [*dict.fromkeys(goal.data for goal in GOALS), *FIGURES]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="ovt-quality-") as folder:
            found = _figure(name, base, Path(folder)) if name in FIGURES else measure(name, base, Path(folder))
        others = [row for row in kept("quality") if not row.what.startswith(f"{name}: ")]
        rows = [Row(f"{name}: {row.what}", row.peer, row.theirs, row.ours, row.unit) for row in found]
        save("quality", "Quality of models", sorted([*others, *rows], key=lambda row: row.what), ["ovt", "torch"])


def _figure(name: str, base: Path, scratch: Path) -> list[Row]:
    if name.startswith("figure4a-"):
        return growth(scales(base)[name.removeprefix("figure4a-")], scratch)
    repeat_command([tool("ovt"), "init", str(scratch / "factoid"), "--template", "factoid"], scratch, 1, IDENTITY)
    rows = without_hand_labels(scratch / "factoid", "factoid", ["Intent", "IntentArg", "POS"])
    root = scratch / "youtube"
    start(root, base / "youtube" / "schema.json", base / "youtube" / "data.jsonl")
    _hide_gold(root)
    return [*rows, *without_hand_labels(root, "youtube", ["Spam"])]


def measure(name: str, base: Path, scratch: Path) -> list[Row]:
    """Train on one set; its figures and the CPU time of everything."""
    data = name.removesuffix("-search")
    root = scratch / data
    start(root, base / SCHEMAS.get(data, data) / "schema.json", base / data / "data.jsonl")
    if data in WITHOUT_GOLD:
        _hide_gold(root)
    if name.endswith("-search"):
        (root / "tuning.yaml").write_text(TUNING, encoding="utf-8")
    spent = repeat_command([tool("ovt"), "run"], root, 1, IDENTITY)
    report = json.loads((root / "reports" / "quality.json").read_text(encoding="utf-8"))
    rows = [_row(goal, report, base / data) for goal in GOALS if goal.data == name]
    limit = 60.0 * CPU_MINUTES.get(name, USUAL_MINUTES)
    return [*rows, Row("ovt run", "limit", limit, round(spent.cpu_ms / 1000, 1), "s CPU")]


def _hide_gold(root: Path) -> None:
    settings = root / "ovt.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace(*GOLD_OFF), encoding="utf-8")


def _row(goal: Goal, report: dict[str, Any], source: Path) -> Row:
    target = goal.target if goal.target is not None else best_source(source / "data.jsonl", goal.task)
    value = _value(goal, report)
    return Row(f"{goal.task} test {goal.metric}", goal.why, round(100 * target, 2), round(100 * value, 2), "%")


def _value(goal: Goal, report: dict[str, Any]) -> float:
    found = overall(report, goal.task)
    if goal.metric not in {"in_scope", "oos_recall"}:
        return float(found[goal.metric]["value"])
    outside = report["tasks"][goal.task]["splits"]["test"]["tags"]["oos"]
    if goal.metric == "oos_recall":
        return float(outside["accuracy"]["value"])
    right = found["n"] * found["accuracy"]["value"] - outside["n"] * outside["accuracy"]["value"]
    return float(right / (found["n"] - outside["n"]))


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


if __name__ == "__main__":
    main()
