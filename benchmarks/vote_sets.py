"""The votes that label models are compared on: public sets in ovt's record format, and made matrices."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from peers.protocol import UNKNOWN, VoteSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOLD = "gold"


@dataclass(frozen=True)
class Exam:
    """Votes, and the truth that only the scoring sees."""

    name: str
    votes: VoteSet
    truth: np.ndarray
    """(n_items,) true class of the items that are scored, -1 elsewhere"""
    about: str = ""
    limits: dict[str, float] = field(default_factory=dict)
    """Bars by measure: accuracy, f1, log_loss, seconds, mb."""


def read_set(folder: Path) -> Exam:
    """A set of one task; scored on its test split, a crowd on all items with gold outside dev.

    Crowds have no text, and their literature scores every item; gold of dev may be seen by a method, so dev is out.
    """
    (task, about), = json.loads((folder / "schema.json").read_text(encoding="utf-8"))["tasks"].items()
    with (folder / "data.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    kind = "select" if about["type"] == "select" else about.get("spans", "multiclass")
    rows = list(_items(records, task, kind))
    names = sorted({source for _, labels, _, _ in rows for source in labels} - {GOLD})
    classes = [] if kind == "select" else sorted({str(label) for _, labels, _, _ in rows for label in labels.values()})
    index = {name: number for number, name in enumerate(names)}
    code = dict(zip(classes, range(len(classes)), strict=True))
    cast = [(item, index[source], label if kind == "select" else code[str(label)])
            for item, row in enumerate(rows) for source, label in sorted(row[1].items()) if source != GOLD]
    items, sources, labels = np.array(cast, np.int64).reshape(-1, 3).T
    gold = np.array([_gold(row, code, kind) for row in rows], np.int64)
    split = np.array([split for split, _, _, _ in rows])
    scored = split != "dev" if folder.name.startswith("crowd") else split == "test"
    sizes = np.array([size for _, _, size, _ in rows], np.int64)
    starts = np.flatnonzero([first for _, _, _, first in rows])
    empty = np.empty(0, np.int64)
    votes = VoteSet(
        items, sources.astype(np.int32), labels.astype(np.int32), len(rows), len(names),
        int(sizes.max()) if kind == "select" else len(classes), kind, classes, np.where(split == "dev", gold, UNKNOWN),
        np.append(starts, len(rows)) if kind == "BIO" else empty,
        np.concatenate(([0], np.cumsum(sizes))) if kind == "select" else empty,
    )
    return Exam(folder.name, votes, np.where(scored, gold, UNKNOWN))


def _items(records: list[dict[str, Any]], task: str, kind: str) -> Iterator[tuple[str, dict[str, Any], int, bool]]:
    """Per item: split, label by source, candidates, and whether a sequence begins here."""
    for record in records:
        split = next(tag for tag in record["tags"] if tag in {"train", "dev", "test"})
        said = record["tasks"].get(task, {})
        if kind != "BIO":
            size = len(next((value for value in record["payloads"].values() if isinstance(value, list)
                             and value and isinstance(value[0], dict)), ()))
            yield split, {source: label for source, label in said.items() if label is not None}, size, True
            continue
        for position in range(len(record["payloads"]["tokens"])):
            here = {source: labels[position] for source, labels in said.items() if labels[position] is not None}
            yield split, here, 0, position == 0


def _gold(row: tuple[str, dict[str, Any], int, bool], code: dict[str, int], kind: str) -> int:
    label = row[1].get(GOLD)
    if label is None:
        return UNKNOWN
    return int(label) if kind == "select" else code[str(label)]


def copies(n: int, *, m: int = 20, k: int = 4, seed: int = 0) -> Exam:
    """Sources that abstain on 70 % of rows; the last three repeat 90 % of the votes of the weakest, source 0.

    Source 0 guesses. The others are right on 60 to 97 % of what they vote on and err evenly over the wrong classes:
    who knows the skills and counts the copies once gets 95.5 %.
    """
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, n)
    skill = np.concatenate(([1 / k], np.linspace(0.60, 0.97, m - 4)))
    matrix = np.full((n, m), UNKNOWN, np.int8)
    for source, right in enumerate(skill):
        vote = np.where(random.random(n) < right, truth, (truth + random.integers(1, k, n)) % k)
        matrix[:, source] = np.where(random.random(n) < 0.3, vote, UNKNOWN)
    for source in range(m - 3, m):
        noise = np.where(matrix[:, 0] >= 0, random.integers(0, k, n), UNKNOWN)
        matrix[:, source] = np.where(random.random(n) < 0.9, matrix[:, 0], noise)
    items, sources = np.nonzero(matrix >= 0)
    votes = _made(items, sources, matrix[items, sources], (n, m, k))
    return Exam(f"made {n:,} × {m} × {k}, three copies", votes, truth,
                limits={"accuracy": 0.95, "seconds": 2.0, "mb": 400.0})


def sparse(n: int = 100_000, *, m: int = 1000, k: int = 50, each: int = 10, seed: int = 0) -> Exam:
    """Many sources, of which `each` vote on a row; their skill runs from 30 to 90 %."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, n)
    items = np.repeat(np.arange(n), each)
    # Distinct sources of a row: one out of each of `each` blocks.
    sources = (random.integers(0, m // each, (n, each)) + np.arange(each) * (m // each)).ravel()
    skill = random.uniform(0.3, 0.9, m)
    wrong = (truth[items] + random.integers(1, k, len(items))) % k
    labels = np.where(random.random(len(items)) < skill[sources], truth[items], wrong)
    return Exam(f"made {n:,} × {m:,} × {k}", _made(items, sources, labels, (n, m, k)), truth,
                limits={"seconds": 30.0, "mb": 2048.0})


def crowd(n: int = 100_000, *, m: int = 5000, k: int = 4, each: int = 18, seed: int = 0) -> Exam:
    """A crowd: 18 of 5,000 workers on an item, a tenth of them spammers who answer at random."""
    random = np.random.default_rng(seed)
    truth = random.choice(k, n, p=np.arange(k, 0, -1) / (k * (k + 1) / 2))
    items = np.repeat(np.arange(n), each)
    blocks = m // each
    sources = (random.integers(0, blocks, (n, each)) + np.arange(each) * blocks).ravel()
    skill = np.where(random.random(m) < 0.1, 1 / k, random.beta(6, 4, m))
    wrong = (truth[items] + random.integers(1, k, len(items))) % k
    labels = np.where(random.random(len(items)) < skill[sources], truth[items], wrong)
    votes = _made(items, sources, labels, (n, m, k))
    return Exam(f"made crowd, {n * each:,} votes", votes, truth, limits={"seconds": 5.0})


def _made(items: np.ndarray, sources: np.ndarray, labels: np.ndarray, shape: tuple[int, int, int]) -> VoteSet:
    order = np.lexsort((sources, items))
    n, m, k = shape
    empty = np.empty(0, np.int64)
    return VoteSet(items[order], sources[order].astype(np.int32), labels[order].astype(np.int32), n, m, k, "multiclass",
                   [str(number) for number in range(k)], np.full(n, UNKNOWN, np.int64), empty, empty)
