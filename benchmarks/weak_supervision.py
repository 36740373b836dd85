"""The figures 3 and 4a of the paper on open data: what weak supervision gives, and how it grows with data.

Used by `quality.py`. Everything goes through the commands: a project is made, `ovt run` trains it, its report is read.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring import Row, repeat_command
from noisy_sources import only_gold, with_sources
from startup import IDENTITY, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.data.store import Store

Record = dict[str, Any]
STARTER = Path(__file__).resolve().parents[1] / "templates" / "starters" / "factoid"
FACTORS, SEEDS = (1, 4, 16), (0, 1, 2)
TIMES_FEWER, CLOSE = 1.7, 1.0
GOLD_OFF = "gold: {source: gold, train: true}", "gold: {source: gold, train: false}"


@dataclass(frozen=True)
class Scale:
    """One set to be grown."""

    name: str
    read: Callable[[int], tuple[dict[str, Any], list[Record]]]
    """Schema and records, all with gold, of a seed."""
    base: int
    """Train records at 1 ×."""
    metrics: dict[str, str]
    """By task."""
    kept: int = 1000
    """Dev and test records at most, of each."""


def factoid(seed: int) -> tuple[dict[str, Any], list[Record]]:
    """The factoid template's questions with the truth about each."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(STARTER))
    import generate

    schema = json.loads((STARTER / "schema.json").read_text(encoding="utf-8"))
    return schema, generate.make_records(seed, curated=("train", "dev", "test"))


def public(folder: Path) -> Callable[[int], tuple[dict[str, Any], list[Record]]]:
    """A public set, in another order for each seed."""

    def read(seed: int) -> tuple[dict[str, Any], list[Record]]:
        lines = (folder / "data.jsonl").read_text(encoding="utf-8").splitlines()
        order = np.random.default_rng(seed).permutation(len(lines))
        schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
        return schema, [json.loads(lines[place]) for place in order]

    return read


def scales(base: Path) -> dict[str, Scale]:
    """The sets of figure 4a, by name."""
    found = [
        Scale("factoid", factoid, 325, {"Intent": "accuracy", "POS": "accuracy", "IntentArg": "accuracy"}, 2000),
        Scale("facebook_en", public(base / "facebook_en"), 500, {"Intent": "accuracy", "Slots": "span_f1"}),
    ]
    return {scale.name: scale for scale in found}


def growth(scale: Scale, scratch: Path) -> list[Row]:
    """Quality of models from sources of known noise at each size, and of one from gold at the largest."""
    found: dict[tuple[str, str], list[float]] = {}
    for seed in SEEDS:
        schema, records = scale.read(seed)
        for step in (*(f"{factor} ×" for factor in FACTORS), "gold"):
            chosen = subset(records, scale.base * (FACTORS[-1] if step == "gold" else int(step.split()[0])), scale.kept)
            train, rest = chosen
            labelled = only_gold(train) if step == "gold" else with_sources(train, schema, seed)
            root = scratch / f"{scale.name}-{seed}-{step.split()[0]}"
            report = run_project(root, schema, [*labelled, *only_gold(rest)], seed)
            for task, metric in scale.metrics.items():
                found.setdefault((task, step), []).append(100 * overall(report, task)[metric]["value"])
    return [row for task in scale.metrics for row in _growth_rows(scale.name, task, found)]


def _growth_rows(name: str, task: str, found: dict[tuple[str, str], list[float]]) -> list[Row]:
    rows, before = [], None
    gold = float(np.mean(found[task, "gold"]))
    for factor in FACTORS:
        values = found[task, f"{factor} ×"]
        mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
        peer, bar = f"standard deviation of three seeds: {spread:.2f}", None
        if before is not None:
            peer = f"the step before + the seeds' spread, or gold − {CLOSE:g}"
            bar = round(min(before[0] + max(spread, before[1]), gold - CLOSE), 2)
        rows.append(Row(f"{name} {task}, weak sources, {factor} ×", peer, bar, round(mean, 2), "%"))
        before = mean, spread
    rows.append(Row(f"{name} {task}, weak sources, {FACTORS[-1]} × beside gold", f"gold − {CLOSE:g}",
                    round(gold - CLOSE, 2), rows[-1].ours, "%"))
    return rows


def subset(records: Sequence[Record], train: int, kept: int) -> tuple[list[Record], list[Record]]:
    """The first train records, and the first of dev and of test."""
    parts: dict[str, list[Record]] = {"train": [], "dev": [], "test": []}
    most = {"train": train, "dev": kept, "test": kept}
    for record in records:
        split = next(tag for tag in record["tags"] if tag in parts)
        if len(parts[split]) < most[split]:
            parts[split].append({**record, "tags": [split]})
    return parts["train"], [*parts["dev"], *parts["test"]]


def run_project(root: Path, schema: dict[str, Any], records: Sequence[Record], seed: int) -> dict[str, Any]:
    """Make a project of the records, run it, read its report."""
    inputs = root.parent / f"{root.name}.input"
    inputs.mkdir()
    (inputs / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    (inputs / "data.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    start(root, inputs / "schema.json", inputs / "data.jsonl")
    settings = root / "ovt.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("seed: 0", f"seed: {seed}"), encoding="utf-8")
    return run(root)


def start(root: Path, schema: Path, data: Path) -> None:
    """`ovt init`."""
    repeat_command([tool("ovt"), "init", str(root), "--schema", str(schema), "--data", str(data)], root.parent, 1,
                   IDENTITY)


def run(root: Path) -> dict[str, Any]:
    """`ovt run`, and the report that it writes."""
    repeat_command([tool("ovt"), "run"], root, 1, IDENTITY)
    report: dict[str, Any] = json.loads((root / "reports" / "quality.json").read_text(encoding="utf-8"))
    return report


def overall(report: dict[str, Any], task: str) -> dict[str, Any]:
    """The metrics of a task over all of test."""
    found: dict[str, Any] = report["tasks"][task]["splits"]["test"]["overall"]
    return found


def without_hand_labels(root: Path, name: str, tasks: Sequence[str]) -> list[Row]:
    """How many times fewer test errors a model makes than the majority vote of the sources that it learned from.

    `root` is a project whose train records have no gold; it is run here.
    """
    from ovt.data.store import Store

    report = run(root)
    store = Store.open(root / "build" / "store")
    rows = []
    for task in tasks:
        found = overall(report, task)["accuracy"]["value"]
        vote = _majority_accuracy(root, store, task)
        rows += [
            Row(f"{name} {task}: majority vote of its sources", "test accuracy", None, round(100 * vote, 2), "%"),
            Row(f"{name} {task}: model of its sources alone", "test accuracy", None, round(100 * found, 2), "%"),
            Row(f"{name} {task}: times fewer errors", "bar", TIMES_FEWER, round((1 - vote) / (1 - found), 2), "×"),
        ]
    return rows


def _majority_accuracy(root: Path, store: Store, task: str) -> float:
    """Of the sources' majority vote on test, to be expected where ties fall at random.

    Where all sources abstain the answer is what is most frequent in dev: more than a heuristic knows by itself.
    """
    from ovt.data.votes import Votes
    from ovt.storage.files import safe_name

    n = store.n_items(task)
    file, build = f"{safe_name(task)}.arrow", root / "build"
    gold, dev = (Votes.load(build / "gold" / split / file, n) for split in ("test", "dev"))
    votes = Votes.load(build / "labels" / f"{safe_name(task)}.votes.arrow", n)
    counted = votes.labels >= 0
    tally = np.zeros((n, 1 + int(max(votes.labels.max(), gold.labels.max(), dev.labels.max()))))
    np.add.at(tally, (votes.items[counted], votes.labels[counted]), 1)
    tally[tally.sum(1) == 0, np.bincount(dev.labels).argmax()] = 1
    best = tally == tally.max(1, keepdims=True)
    return float((best[gold.items, gold.labels] / best[gold.items].sum(1)).mean())
