"""Make the sample data of this project: 8,000 questions, one file a month, the same bytes for the same seed.

    python generate.py --output data --seed 0

A quarter is test, a tenth is dev, the rest is train. Test and dev have a curated label (`gold`) for every task; train
has none: what is known about it comes from sources that contradict each other (see `generator/sources.py`). Some
entities and some ways of asking are in dev and test alone. The standard library is all that it needs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from generator.dice import Dice  # noqa: E402
from generator.knowledge import Knowledge  # noqa: E402
from generator.questions import Asker, Question  # noqa: E402
from generator.sources import Labelers  # noqa: E402
from generator.tagging import Taggers, speech, types  # noqa: E402

MONTHS = ("2019-09", "2019-10", "2019-11", "2019-12", "2020-01", "2020-02")
TEST, DEV = 0.25, 0.10


def main() -> None:
    """Write `OUTPUT/MONTH.jsonl`."""
    parser = argparse.ArgumentParser(description="make the sample data")
    parser.add_argument("--output", type=Path, default=Path("data"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    records = make_records(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    size = -(-len(records) // len(MONTHS))
    for index, month in enumerate(MONTHS):
        lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":"))
                 for record in records[index * size:(index + 1) * size]]
        (options.output / f"{month}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def make_records(seed: int, curated: tuple[str, ...] = ("dev", "test")) -> list[dict[str, Any]]:
    """All records in the order of their months; those of the `curated` splits have gold."""
    knowledge = Knowledge()
    plan = _plan(knowledge, Dice(seed, "plan"))
    asker = Asker(knowledge, Dice(seed, "questions"))
    labelers, taggers = Labelers(knowledge, seed), Taggers(knowledge, seed)
    size = -(-len(plan) // len(MONTHS))
    records = []
    for number, (group, split) in enumerate(plan):
        question = asker.ask(group, unseen=split != "train")
        tags = [split, f"date:{MONTHS[number // size]}", *question.tags]
        records.append({
            "id": f"q-{number + 1:05d}", "payloads": _payloads(question),
            "tasks": _tasks(question, labelers, taggers, gold=split in curated), "tags": tags,
        })
    return records


def _plan(knowledge: Knowledge, dice: Dice) -> list[tuple[str, str]]:
    """Group and split of each record: every group has the same share of test."""
    plan: list[tuple[str, str]] = []
    for group, count in knowledge.raw["questions"]["quota"].items():
        test, dev = round(count * TEST), round(count * DEV)
        plan += [(group, "test")] * test + [(group, "dev")] * dev + [(group, "train")] * (count - test - dev)
    dice.shuffle(plan)
    return plan


def _payloads(question: Question) -> dict[str, Any]:
    members = [{"id": m.entity, "kind": m.kind, "range": [m.start, m.stop]} for m in question.candidates]
    text = " ".join(question.tokens).replace(" 's", "'s").replace(" ?", "?")
    return {"tokens": question.tokens, "query": text, "entities": members or None}


def _tasks(question: Question, labelers: Labelers, taggers: Taggers, *, gold: bool) -> dict[str, Any]:
    intents, arguments = labelers.votes(question)
    tasks: dict[str, dict[str, Any]] = {
        "POS": dict(taggers.speech(question)), "EntityType": dict(taggers.types(question)),
        "Intent": dict(intents), "IntentArg": dict(arguments),
    }
    if gold:
        truth = {"POS": speech(question), "EntityType": types(question), "Intent": question.intent,
                 "IntentArg": question.answer}
        for task, label in truth.items():
            if label is not None:
                tasks[task]["gold"] = label
    return {task: votes for task, votes in tasks.items() if votes}


if __name__ == "__main__":
    main()
