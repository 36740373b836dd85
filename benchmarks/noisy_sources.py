"""Sources of known noise: made from the truth of a record, wrong and silent as often as they are told to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Record = dict[str, Any]
DROPPED = 0.5
"""Of the spans that a source gets wrong: the share that it does not see; the others get another type."""


@dataclass(frozen=True)
class Source:
    """How often a source is right, and on how many records it speaks."""

    accuracy: float
    coverage: float


SOURCES = {"careful": Source(0.9, 0.4), "fair": Source(0.8, 0.6), "hasty": Source(0.7, 0.8), "poor": Source(0.6, 0.8)}


def with_sources(records: Sequence[Record], schema: Mapping[str, Any], seed: int) -> list[Record]:
    """The same records labelled by `SOURCES` instead of by gold."""
    random = np.random.default_rng(seed)
    answers = {task: _answers(records, task) for task in schema["tasks"]}
    made = []
    for record in records:
        tasks: dict[str, dict[str, Any]] = {}
        for task, votes in only_gold([record])[0]["tasks"].items():
            spec = schema["tasks"][task]
            found = {
                name: _labelled(votes["gold"], spec, answers[task], _members(record, spec), source.accuracy, random)
                for name, source in SOURCES.items() if random.random() < source.coverage
            }
            if found:
                tasks[task] = found
        made.append({**record, "tasks": tasks})
    return made


def only_gold(records: Sequence[Record]) -> list[Record]:
    """The same records with gold alone, where they have any."""
    return [{**record, "tasks": {task: {"gold": votes["gold"]} for task, votes in record["tasks"].items()
                                 if votes.get("gold") is not None}} for record in records]


def _answers(records: Sequence[Record], task: str) -> list[Any]:
    """All answers that occur: classes, or types of spans, or sets of labels."""
    found: set[Any] = set()
    for record in records:
        gold = record["tasks"].get(task, {}).get("gold")
        for label in gold if isinstance(gold, list) else [gold]:
            if isinstance(label, list):
                found.add(tuple(label))
            elif label is not None:
                found.add(label)
    return sorted(found, key=str)


def _members(record: Record, spec: Mapping[str, Any]) -> int:
    payload = record["payloads"].get(spec["payload"])
    return len(payload) if spec["type"] == "select" and payload else 0


def _labelled(
    gold: Any, spec: Mapping[str, Any], answers: list[Any], members: int, accuracy: float, random: np.random.Generator,
) -> Any:
    """What a source of some accuracy says instead of `gold`."""
    if spec["type"] == "select":
        right = random.random() < accuracy or members < 2
        return gold if right else int((gold + random.integers(1, members)) % members)
    if spec.get("spans") == "BIO":
        return _spans(gold, answers, accuracy, random)
    if isinstance(gold, list):
        return [_one(label, answers, accuracy, random) for label in gold]
    return _one(gold, answers, accuracy, random)


def _one(label: Any, answers: list[Any], accuracy: float, random: np.random.Generator) -> Any:
    own = tuple(label) if isinstance(label, list) else label
    if label is None or random.random() < accuracy or len(answers) < 2:
        return label
    other = [answer for answer in answers if answer != own][int(random.integers(len(answers) - 1))]
    return list(other) if isinstance(other, tuple) else other


def _spans(labels: list[str], answers: list[str], accuracy: float, random: np.random.Generator) -> list[str]:
    """Whole spans go wrong, so that what is left is still valid BIO."""
    kinds = sorted({answer[2:] for answer in answers if answer != "O"})
    found, kind = [], "O"
    for label in labels:
        if label == "O":
            kind = "O"
        elif label.startswith("B-") or kind == "O":
            kind = label[2:]
            if random.random() >= accuracy:
                kind = "" if random.random() < DROPPED else kinds[int(random.integers(len(kinds)))]
        found.append("O" if kind in {"O", ""} else f"{label[:2]}{kind}")
    return found
