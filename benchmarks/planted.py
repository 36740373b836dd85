"""Records with planted slices: small subsets in which the answer follows another rule than elsewhere.

A text has one word of its kind (eight kinds, a few words each) among filler.
Elsewhere the kind is the class. In a slice, which one of a few marker words
betrays, the class is another one: the slice's own permutation of the kinds. So
a model must know the slice *and* the kind to be right: no bias towards a class
will do. The tags that declare the slices are wrong now and then, as tags are:
some members lack theirs, and some others have one that is false.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = 8
SPLITS = ("train", "dev", "test")
SCHEMA = {
    "payloads": {"tokens": {"type": "sequence", "max_length": 24}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Kind": {"payload": "query", "type": "multiclass"}},
}


@dataclass(frozen=True)
class Plan:
    """How much is planted, and how noisily."""

    slices: int = 20
    share: float = 0.01
    """Of all records, in each slice."""
    records: tuple[int, int, int] = (8000, 2000, 10000)
    """In train, dev and test."""
    missed: float = 0.2
    """Members without their tag."""
    false: float = 0.2
    """False tags, per member."""
    words: int = 6
    """Of each kind."""
    markers: int = 2
    """Of each slice."""


@dataclass(frozen=True)
class Planted:
    """What was planted, in the order of the records' numbers."""

    split: NDArray[np.int64]
    slice: NDArray[np.int64]
    """The slice a record truly is in; -1: none."""
    answer: NDArray[np.int64]


def plant(plan: Plan, seed: int, root: Path) -> Planted:
    """Write a project of such records, `r0`, `r1`, … below `root`."""
    random = np.random.default_rng(seed)
    total = sum(plan.records)
    inside = random.permutation(total) % round(1 / plan.share)
    member = np.where(inside < plan.slices, inside, -1)
    kinds = random.integers(0, CLASSES, total)
    rules = np.array([_derangement(random) for _ in range(plan.slices)])
    answer = np.where(member >= 0, rules[member, kinds], kinds)
    split = np.repeat(np.arange(3), plan.records)
    tags = _noisy_tags(member, plan, random)
    lines = []
    for number in range(total):
        words = _text(int(kinds[number]), int(member[number]), plan, random)
        source = "labels" if split[number] == 0 else "gold"
        lines.append(json.dumps({
            "id": f"r{number}", "payloads": {"tokens": words, "query": " ".join(words)},
            "tasks": {"Kind": {source: f"k{answer[number]}"}},
            "tags": [SPLITS[split[number]], *(f"slice{found}" for found in tags[number])],
        }))
    (root / "data").mkdir(parents=True)
    (root / "slices").mkdir()
    (root / "data/records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (root / "ovt.yaml").write_text("", encoding="utf-8")
    declared = "".join(f"slice{number}: {{tag: slice{number}}}\n" for number in range(plan.slices))
    (root / "slices/planted.yaml").write_text(declared, encoding="utf-8")
    return Planted(split, member, answer)


def _derangement(random: np.random.Generator) -> NDArray[np.int64]:
    """A permutation of the classes that leaves none in its place."""
    while True:
        found = random.permutation(CLASSES)
        if (found != np.arange(CLASSES)).all():
            return found


def _noisy_tags(member: NDArray[np.int64], plan: Plan, random: np.random.Generator) -> list[list[int]]:
    tags: list[list[int]] = [[] for _ in member]
    for place in np.flatnonzero((member >= 0) & (random.random(len(member)) >= plan.missed)):
        tags[place].append(int(member[place]))
    for number in range(plan.slices):
        members = np.flatnonzero(member == number)
        for place in random.choice(np.flatnonzero(member != number), round(plan.false * len(members)), replace=False):
            tags[place].append(number)
    return tags


def _text(kind: int, member: int, plan: Plan, random: np.random.Generator) -> list[str]:
    """Filler with the word of the kind and, in a slice, its marker anywhere."""
    words = [f"filler{found}" for found in np.minimum(random.zipf(1.3, random.integers(4, 9)), 400)]
    words.insert(random.integers(len(words) + 1), f"kind{kind}word{random.integers(plan.words)}")
    if member >= 0:
        words.insert(random.integers(len(words) + 1), f"marker{member}word{random.integers(plan.markers)}")
    return words
