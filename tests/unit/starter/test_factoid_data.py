"""The factoid starter's data: what the demo, the tutorial and the docs say about it is true."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ovt.resources import resource

from .conftest import generate, split_of

Records = list[dict[str, Any]]
TASKS = ("POS", "EntityType", "Intent", "IntentArg")


def test_same_seed_same_bytes_whatever_the_hash_seed(projects: dict[str, Path], tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in sorted((projects["factoid"] / "data").iterdir())}
    again = generate(resource("templates/starters/factoid"), tmp_path / "again", hash_seed="4711")
    other = generate(resource("templates/starters/factoid"), tmp_path / "other", seed=1)

    assert again == first
    assert other.keys() == first.keys()
    assert other != first


def test_a_quarter_is_test_and_a_tenth_dev(factoid: Records) -> None:
    assert Counter(map(split_of, factoid)) == {"train": 5200, "dev": 800, "test": 2000}


def test_ids_are_unique_and_in_order(factoid: Records) -> None:
    assert [record["id"] for record in factoid] == [f"q-{number:05d}" for number in range(1, 8001)]


def test_gold_is_on_dev_and_test_alone(factoid: Records) -> None:
    for record in factoid:
        graded = {task for task, votes in record["tasks"].items() if "gold" in votes}
        if split_of(record) == "train":
            assert not graded
        else:
            assert {"POS", "EntityType", "Intent"} <= graded


def test_every_month_has_its_file_and_tag(projects: dict[str, Path], factoid: Records) -> None:
    months = sorted(path.stem for path in (projects["factoid"] / "data").iterdir())
    counts = Counter(tag for record in factoid for tag in record["tags"] if tag.startswith("date:"))

    assert sorted(counts) == [f"date:{month}" for month in months]
    assert min(counts.values()) > 1000


def test_slices_have_the_support_that_a_verdict_needs(factoid: Records) -> None:
    test = Counter(tag for record in factoid if split_of(record) == "test" for tag in record["tags"])
    everywhere = Counter(tag for record in factoid for tag in record["tags"])

    assert test["nutrition"] >= 100
    assert test["disambiguation"] >= 60
    assert 0 < everywhere["leap-day"] < 0.01 * len(factoid)


def test_dev_and_test_ask_about_what_train_never_saw(factoid: Records) -> None:
    def entities(splits: set[str]) -> set[str]:
        return {member["id"] for record in factoid if split_of(record) in splits
                for member in record["payloads"]["entities"] or ()}

    train, rest = entities({"train"}), entities({"dev", "test"})
    assert len(rest - train) > 50
    train_texts = {record["payloads"]["query"] for record in factoid if split_of(record) == "train"}
    test_texts = [record["payloads"]["query"] for record in factoid if split_of(record) == "test"]
    assert sum(text in train_texts for text in test_texts) < 0.4 * len(test_texts)


def test_there_are_typing_errors_and_questions_without_candidates(factoid: Records) -> None:
    none = [record for record in factoid if record["payloads"]["entities"] is None]
    assert 20 < len(none) < 400
    assert all("IntentArg" not in record["tasks"] for record in none)


@pytest.mark.parametrize(("task", "source", "coverage", "accuracy"), [
    ("Intent", "weak1", (0.50, 0.75), (0.70, 0.90)),
    ("Intent", "weak2", (0.60, 0.80), (0.70, 0.85)),
    ("Intent", "crowd/w1", (0.03, 0.10), (0.88, 1.00)),
    ("Intent", "crowd/w6", (0.02, 0.08), (0.35, 0.70)),
    ("IntentArg", "linker", (0.60, 0.85), (0.90, 1.00)),
    ("IntentArg", "weak1", (0.50, 0.75), (0.60, 0.90)),
])
def test_record_sources_are_as_good_as_they_should_be(
    factoid: Records, task: str, source: str, coverage: tuple[float, float], accuracy: tuple[float, float],
) -> None:
    votes = [record["tasks"].get(task, {}) for record in factoid]
    graded = [found for found in votes if source in found and "gold" in found]
    right = sum(found[source] == found["gold"] for found in graded)

    assert coverage[0] < sum(source in found for found in votes) / len(votes) < coverage[1]
    assert accuracy[0] < right / len(graded) < accuracy[1]


@pytest.mark.parametrize(("task", "source", "coverage", "accuracy"), [
    ("POS", "tagger", (0.93, 0.98), (0.88, 0.97)),
    ("POS", "weak1", (0.35, 0.60), (0.90, 0.999)),
    ("EntityType", "linker", (0.99, 1.0), (0.80, 0.97)),
    ("EntityType", "weak1", (0.05, 0.30), (0.85, 1.0)),
])
def test_token_sources_are_as_good_as_they_should_be(
    factoid: Records, task: str, source: str, coverage: tuple[float, float], accuracy: tuple[float, float],
) -> None:
    pairs = [pair for record in factoid if "gold" in record["tasks"].get(task, {})
             for pair in zip(record["tasks"][task][source], record["tasks"][task]["gold"], strict=True)]
    said = [(label, gold) for label, gold in pairs if label is not None]

    assert coverage[0] <= len(said) / len(pairs) <= coverage[1]
    assert accuracy[0] <= sum(label == gold for label, gold in said) / len(said) <= accuracy[1]


def test_no_question_is_longer_than_the_schema_allows(factoid: Records) -> None:
    assert max(len(record["payloads"]["tokens"]) for record in factoid) <= 16


def test_all_tasks_have_sources_in_every_split(factoid: Records) -> None:
    for split in ("train", "dev", "test"):
        seen = Counter(task for record in factoid if split_of(record) == split for task in record["tasks"])
        assert set(seen) == set(TASKS)
