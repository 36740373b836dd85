"""A person at a shell, and the small product that the tests let them work on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUBJECTS = {
    "height": (["tall", "high", "height"], ["tower", "mountain", "bridge", "statue", "tree"]),
    "age": (["old", "age", "born"], ["actor", "singer", "queen", "writer", "king"]),
    "food": (["eat", "cook", "calories"], ["pasta", "salad", "apple", "bread", "soup"]),
}
SCHEMA = {
    "payloads": {"tokens": {"type": "sequence", "max_length": 12}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Intent": {"payload": "query", "type": "multiclass"}},
}
LABELER = '''"""What people ask."""

from ovt import ABSTAIN, labeling_function


@labeling_function(task="Intent")
def tall_words(r):
    """Words of height."""
    return "height" if {"tall", "high"} & set(r.tokens) else ABSTAIN


@labeling_function(task="Intent")
def old_words(r):
    """Words of age."""
    return "age" if {"old", "born"} & set(r.tokens) else ABSTAIN
'''
FOOD = """- {name: eat_words, task: Intent, keyword: [eat, cook, calories], label: food}
"""
SLICES = """salads: {keyword: [salad, soup]}
towers: {tag: towers}
"""


def make_records(count: int = 500, seed: int = 7) -> list[dict[str, Any]]:
    """Questions with a subject, a weak source that knows two of the three, and gold on dev and test."""
    dice = random.Random(seed)
    records = []
    for number in range(count):
        intent = dice.choice(sorted(SUBJECTS))
        words, things = SUBJECTS[intent]
        thing = dice.choice(things)
        query = f"{dice.choice(['how', 'tell me how', 'so how'])} {dice.choice(words)} is the {thing}"
        split = "test" if number % 4 == 0 else "dev" if number % 10 == 1 else "train"
        weak = intent if dice.random() < 0.7 else dice.choice(sorted(SUBJECTS))
        weak = None if intent == "food" else weak  # nobody says a word about food yet
        labels = {"weak": weak, **({"gold": intent} if split != "train" else {})}
        tags = [split, *(["towers"] if thing == "tower" else [])]
        records.append({"id": f"q{number:04}", "payloads": {"query": query}, "tasks": {"Intent": labels}, "tags": tags})
    return records


def write_records(path: Path, records: list[dict[str, Any]]) -> None:
    """One JSON object per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@dataclass(frozen=True)
class Person:
    """Somebody at a shell in a folder."""

    folder: Path

    def types(self, *words: str, code: int | None = 0, timeout: float = 280, **environment: str) -> str:
        """Run a program; its stdout. `code` is the exit code expected, None for any."""
        return self.sees(*words, code=code, timeout=timeout, **environment).stdout

    def sees(
        self, *words: str, code: int | None = 0, timeout: float = 280, **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program, and keep all it printed."""
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment}
        done = subprocess.run(
            words, cwd=self.folder, capture_output=True, text=True, check=False, env=env, timeout=timeout,
        )
        assert code is None or done.returncode == code, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str) -> Any:
        """Run `ovt … --json`."""
        return json.loads(self.types(*words, "--json"))

    def actions(self, *words: str) -> dict[str, str]:
        """Run `ovt run` and tell what happened to each stage."""
        return {stage["name"]: stage["action"] for stage in self.json("ovt", "run", *words)["stages"]}

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_inputs(folder: Path) -> None:
    """Schema, records, two labeling functions, two slices."""
    person = Person(folder)
    person.write("schema.json", json.dumps(SCHEMA, indent=1))
    person.write("labelers/words.py", LABELER)
    person.write("slices/slices.yaml", SLICES)
    write_records(folder / "data/questions.jsonl", make_records())
