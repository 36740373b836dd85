"""Who did it: a function that now takes royalty for towers is named, its innocent neighbour is cleared.

One project with four versions, trained once for all tests: the first, a pull
request that edits one function badly and adds a good one, one that changes
nothing but the seed, and one with more records and the bad edit.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from person import Person, write_records

from ovt.progress import Silent
from ovt.project import Project
from ovt.quality.attribution.blame import CONFIRMED, NOT_A_SOURCE, SUSPECTED
from ovt.quality.slicediff import SliceDiff
from ovt.workflows.attribution.blame import blame
from ovt.workflows.attribution.causes import all_causes, causes
from ovt.workflows.attribution.changes import what_changed
from ovt.workflows.attribution.sides import opened_sides
from ovt.workflows.committing.commit import commit
from ovt.workflows.review.compare import compare

SCHEMA = {
    "payloads": {"tokens": {"type": "sequence", "max_length": 12}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Intent": {"payload": "query", "type": "multiclass"}},
}
THINGS = {"age": ["queen", "king", "actor"], "height": ["tower", "bridge", "tree"], "food": ["pasta", "salad", "soup"]}
ASKED = {"age": ["old", "aged"], "height": ["tall", "high"], "food": ["tasty", "fresh"]}
LABELER = '''"""What people ask."""

from ovt import ABSTAIN, labeling_function


@labeling_function(task="Intent")
def height_words(r):
    return "height" if {"tall", "high"} & set(r.tokens) else ABSTAIN


@labeling_function(task="Intent")
def age_words(r):
    words = set(r.tokens)
    return "age" if {"old", "aged"} & words else ABSTAIN
'''
WRONG = LABELER.replace('return "age" if', 'return ("height" if words & {"queen", "king"} else "age") if')
FOOD = "- {name: food_words, task: Intent, keyword: [tasty, fresh], label: food}\n"
GOOD = "- {name: buildings, task: Intent, keyword: [tower, bridge], label: height}\n"
SETTINGS = """gold: {source: gold, train: true}
train: {seed: SEED}
hooks: {train: "off"}
check: {min_support: 20}
"""
TUNING = "training: {epochs: 8, batch: 16, learning_rate: 0.01}\npayloads: {tokens: {encoder: cnn, size: 16}, query: {size: 16}}\n"
BASE, HEAD, SEED, GROWN = "HEAD~3", "HEAD~2", "HEAD~1", "HEAD"


def records(start: int = 0, stop: int = 400) -> list[dict[str, object]]:
    dice = random.Random(3)
    made = []
    for number in range(start, stop):
        intent = sorted(THINGS)[number % 3]
        split = "test" if number % 10 < 4 else "dev" if number % 10 == 4 else "train"
        # No royalty in dev: gold there would tell the label model what is wrong with the function.
        things = [thing for thing in THINGS[intent] if split != "dev" or thing not in {"queen", "king"}]
        query = f"{dice.choice(['how', 'tell me how', 'so how'])} {dice.choice(ASKED[intent])} is the {dice.choice(things)}"
        labels = {"gold": intent} if split != "train" else {}
        made.append({"id": f"q{number:04}", "payloads": {"query": query}, "tasks": {"Intent": labels}, "tags": [split]})
    return made


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("blame") / "project"
    person = Person(folder)
    for name, text in {
        "schema.json": json.dumps(SCHEMA), "ovt.yaml": SETTINGS.replace("SEED", "0"), "labelers/words.py": LABELER,
        "labelers/words.yaml": FOOD, "tuning.yaml": TUNING, "slices/slices.yaml": "royal: {keyword: [queen, king]}\nmeals: {keyword: [salad, soup]}\n",
    }.items():
        person.write(name, text)
    write_records(folder / "data/questions.jsonl", records())
    person.types("ovt", "init", "--no-hooks")
    commit(Project(folder), "first", Silent())  # in this process: torch is imported once
    person.write("labelers/words.py", WRONG)
    person.write("labelers/words.yaml", FOOD + GOOD)
    commit(Project(folder), "royalty and buildings", Silent())
    person.write("labelers/words.py", LABELER)
    person.write("labelers/words.yaml", FOOD)
    person.write("ovt.yaml", SETTINGS.replace("SEED", "5"))
    commit(Project(folder), "another seed", Silent())
    write_records(folder / "data/more.jsonl", records(start=400, stop=430))
    person.write("labelers/words.py", WRONG)
    commit(Project(folder), "more records, and royalty", Silent())
    return person


@pytest.fixture
def project(versions: Person) -> Project:
    return Project(versions.folder)


def state(folder: Path) -> tuple[str, str]:
    """What the user sees of the working tree, and what Git keeps of worktrees."""
    told = [subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout
            for words in (("status", "--porcelain"), ("worktree", "list"))]
    return told[0], told[1]


def regressed(diff: SliceDiff) -> set[str | None]:
    return {row.slice for row in diff.regressed()}


def test_the_culprit_is_confirmed_with_its_line_and_the_innocent_cleared(project: Project) -> None:
    diff, before = compare(project, BASE, HEAD), state(project.root)
    assert "royal" in regressed(diff)
    report = blame(project, diff, minutes=10, progress=Silent())
    assert [(found.source, found.kind, found.confidence) for found in report.blames] == [("age_words", "edited", CONFIRMED)]
    (found,) = report.blames
    assert found.at == f"labelers/words.py:{1 + WRONG.splitlines().index('def age_words(r):') - 1}"
    assert {place[1] for place in found.rows} == regressed(diff)
    assert found.share > 0.9
    assert "with another seed" in found.why
    assert report.unexplained == ()
    assert "buildings" not in "".join(found.source for found in report.blames)
    assert report.retrained >= 2
    assert state(project.root) == before
    assert not list((project.root / ".ovt/scratch").glob("*"))
    again = blame(project, diff, minutes=10, progress=Silent())
    assert again.retrained == 0
    assert again.blames == report.blames


def test_without_time_it_is_a_suspicion_and_of_nobody_but_the_one_that_points_there(project: Project) -> None:
    shutil.rmtree(project.cache / "blame", ignore_errors=True)
    report = blame(project, compare(project, BASE, HEAD), minutes=0, progress=Silent())
    assert [(found.source, found.confidence, found.share) for found in report.blames] == [("age_words", SUSPECTED, 0.0)]
    assert "not retrained" in report.blames[0].why
    assert report.retrained == 0
    assert report.unexplained


def test_what_is_no_regression_costs_nothing(project: Project) -> None:
    report = blame(project, compare(project, HEAD, BASE), minutes=10, progress=Silent())
    assert (report.blames, report.retrained, report.seconds) == ((), 0, 0.0)


def test_a_drop_that_no_source_made_is_blamed_on_none(project: Project) -> None:
    diff = compare(project, BASE, SEED)
    rows = tuple(replace(row, verdict="regressed", delta=-0.1, p=0.001) if row.slice == "royal" else row for row in diff.rows)
    report = blame(project, replace(diff, rows=rows), minutes=10, progress=Silent())
    assert [(found.source, found.kind, found.confidence) for found in report.blames] == [("ovt.yaml: train", "other", NOT_A_SOURCE)]
    assert "no source changed its votes" in report.blames[0].why
    assert report.retrained == 0


def test_records_that_are_new_are_no_change_of_their_sources(project: Project) -> None:
    with opened_sides(project, BASE, GROWN) as (base, head):
        changes = what_changed(base, head, Silent())
        assert head.store.n == base.store.n + 30
        votes = changes.before["Intent"]
        said = dict(zip(votes.items.tolist(), votes.labels.tolist(), strict=True))
    assert [change.name for change in changes.sources] == ["age_words"]
    assert "data/" in {other.name for other in changes.others}
    assert set(range(400, 430)) <= set(said)  # the base's functions were asked about the new records too
    assert {other.name for other in changes.others} <= {"data/", "gold of dev", "ovt.yaml: train"}


def test_flips_are_told_by_the_source_behind_them(project: Project) -> None:
    found = causes(project, BASE, HEAD, "Intent", "royal")
    assert {(group.source, group.kind, group.cause) for group in found.groups} == {("age_words", "edited", "vote")}
    assert sum(group.broken for group in found.groups) == len(found.flips) > 15
    assert len(found.causes) == len(found.flips)
    (whole,) = all_causes(project, BASE, HEAD, None, None)
    assert len(whole.flips) >= len(found.flips)


def test_on_the_command_line(versions: Person) -> None:
    told = versions.types("ovt", "diff", BASE, HEAD, "--by", "source").splitlines()
    assert told[0].split("\t") == ["task", "source", "change", "flips", "broken", "fixed", "why", "examples"]
    assert told[1].split("\t")[:3] == ["Intent", "age_words", "edited"]
    listed = versions.json("ovt", "diff", BASE, HEAD, "--flips", "--slice", "royal")
    assert listed["format"] == "ovt.flip_causes/1"
    assert {flip["source"] for flip in listed["tasks"][0]["flips"]} == {"age_words"}
    wrong = versions.sees("ovt", "diff", BASE, HEAD, "--flips", "--slice", "roial", code=2)
    assert "did you mean `royal`?" in wrong.stderr
    wrong = versions.sees("ovt", "diff", BASE, HEAD, "--by", "sorce", code=2)
    assert "did you mean `source`?" in wrong.stderr
