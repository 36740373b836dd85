"""Corrections outvote every source on train, are gold on dev and test, and are never half written."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.errors import MissingError, UsageError
from ovt.supervision.annotation.targetfile import TargetFile
from ovt.supervision.posterior import load
from ovt.supervision.reporting.explain import corrections_on, explain
from ovt.workflows.labeling.corrections import record_correction

PAYLOADS = {"query": "how tall", "tokens": ["how", "tall"], "entities": [{"id": "A"}, {"id": "B"}]}


def build(bench):
    """Twenty train records, one of dev, one of test."""
    def labels(n):
        sources = {"a": "age", "b": "age", "c": "height" if n % 3 else "age"}
        return {"Intent": sources, "POS": {"t": ["ADJ", "NOUN"], "u": ["ADJ", "ADJ"]}, "IntentArg": {"a": 0, "b": 0},
                "Topics": {"a": ["food"], "b": ["food"]}, "EntityType": {"a": [["title"], []]}}
    bench.records(
        *({"id": f"t{n}", "payloads": PAYLOADS, "tasks": labels(n)} for n in range(20)),
        {"id": "d", "payloads": PAYLOADS, "tags": ["dev"], "tasks": {"Intent": {"gold": "age"}, "POS": {"gold": ["ADJ", "ADJ"]}}},
        {"id": "e", "payloads": PAYLOADS, "tags": ["test"]},
    )
    bench.run("compile", "label")


def correct(bench, task, record, label, position=None, user="ada@example.org"):
    return record_correction(bench.project, task, record, label, position, user, track=False)


def target(bench, task, item):
    found = TargetFile.open(bench.root / f"build/labels/{task}.arrow").of_item(item)
    return None if found is None else (found[0], found[1].tolist())


def gold(bench, split, task):
    store = Store.open(bench.root / "build/store")
    votes = Votes.load(bench.root / f"build/gold/{split}/{task}.arrow", store.n_items(task))
    return list(zip(votes.items.tolist(), votes.labels.tolist(), strict=True)), votes.names


@pytest.mark.parametrize(("task", "label", "position", "item", "expected"), [
    ("Intent", "president", None, 3, [0, 0, 1]), ("Topics", "people", None, 3, [0, 1]), ("Topics", "-", None, 3, [0, 0]),
    ("IntentArg", "B", None, 3, [0, 1]), ("IntentArg", 1, None, 3, [0, 1]), ("POS", "VERB", 1, 7, [0, 0, 1]),
    ("POS", ["VERB", None], None, 6, [0, 0, 1]), ("EntityType", ["location"], 1, 7, [1, 0]),
    ("Kind", "person", 0, 6, [0, 1]),
])
def test_on_train_it_is_the_target(filled, task, label, position, item, expected):
    before = target(filled, task, item)
    done = correct(filled, task, "t3", label, position)
    assert (done.split, done.position) == ("train", position)
    filled.run("compile", "label")
    assert target(filled, task, item) == (1.0, expected)
    assert before != (1.0, expected)


def test_it_teaches_the_label_model_nothing(filled):
    before = {path.name: path.read_bytes() for path in (filled.root / "build/labels").glob("Intent.*")}
    report = (filled.root / "reports/sources.json").read_bytes()
    correct(filled, "Intent", "t3", "president")
    filled.run("compile", "label")
    after = {path.name: path.read_bytes() for path in (filled.root / "build/labels").glob("Intent.*")}
    assert {name for name in before if before[name] != after[name]} == {"Intent.arrow"}
    assert (filled.root / "reports/sources.json").read_bytes() == report
    assert load(filled.root / "build/labels/Intent.model.safetensors").names == ("a", "b", "c")


def test_on_dev_and_test_it_is_gold(filled):
    correct(filled, "Intent", "d", "height")
    correct(filled, "Intent", "e", "president")
    correct(filled, "POS", "d", "VERB", 1)
    filled.run("compile", "label")
    assert gold(filled, "dev", "Intent") == ([(20, 1)], ("gold",))
    assert gold(filled, "test", "Intent") == ([(21, 2)], ("gold",))
    assert gold(filled, "dev", "POS") == ([(40, 0), (41, 2)], ("gold",))
    assert target(filled, "Intent", 21) is None


def test_a_test_correction_leaves_everything_that_training_reads(filled):
    def bytes_of():
        return {path: path.read_bytes() for folder in ("build/store", "build/votes", "build/gold/dev", "build/labels", "reports")
                for path in sorted((filled.root / folder).rglob("*")) if path.is_file()}
    before = bytes_of()
    correct(filled, "Intent", "e", "president")
    filled.run("compile", "label")
    assert bytes_of() == before


def test_the_last_of_several_wins_and_can_be_taken_back(filled):
    correct(filled, "Intent", "t3", "president")
    correct(filled, "Intent", "t3", "height", user="bob")
    filled.run("label")
    assert target(filled, "Intent", 3) == (1.0, [0, 1, 0])
    told = corrections_on(filled.project, "t3", "Intent")
    assert [(one.source, one.label, one.counts) for one in told] == [("ada@example.org", "president", False), ("bob", "height", True)]
    correct(filled, "Intent", "t3", None, user="bob")
    filled.run("label")
    assert not any(one.counts for one in corrections_on(filled.project, "t3", "Intent"))
    _weight, chances = target(filled, "Intent", 3)
    assert np.argmax(chances) == 0
    (task,) = explain(filled.project, "t3", "Intent").tasks
    assert [one.label for one in task.items[0].corrections] == ["president", "height", None]


@pytest.mark.parametrize(("task", "record", "label", "position"), [
    ("Intend", "t3", "age", None), ("Intent", "t99", "age", None), ("Intent", "t3", "agee", None), ("POS", "t3", "ADJ", 2),
    ("POS", "t3", "ADJ", None), ("IntentArg", "t3", "C", None), ("IntentArg", "t3", 2, None), ("Topics", "t3", "fod", None),
])
def test_what_is_no_correction_is_not_written(filled, task, record, label, position):
    with pytest.raises(UsageError):
        correct(filled, task, record, label, position)
    assert not (filled.root / "supervision").exists()


def test_the_git_user_signs(filled, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    assert record_correction(filled.project, "Intent", "t3", "age", track=False).source == "ada@example.org"
    for name in ("GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME"):
        monkeypatch.delenv(name)
    with pytest.raises(UsageError, match="does not know who you are"):
        record_correction(filled.project, "Intent", "t3", "age", track=False)


def test_a_crash_while_writing_leaves_the_file_as_it_was(filled, monkeypatch):
    correct(filled, "Intent", "t3", "president")
    path = filled.root / "supervision/corrections.jsonl"
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        correct(filled, "Intent", "t4", "president")
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["corrections.jsonl"]


def test_a_line_that_was_not_ended_is_ended(filled):
    filled.write("supervision/corrections.jsonl", '{"id": "t1", "task": "Intent", "source": "x", "label": "age", "correction": true}')
    correct(filled, "Intent", "t3", "president")
    lines = (filled.root / "supervision/corrections.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["t1", "t3"]


def test_a_file_linked_into_a_cache_is_not_written_through(filled):
    correct(filled, "Intent", "t3", "president")
    path, cached = filled.root / "supervision/corrections.jsonl", filled.root / "object"
    path.rename(cached)
    path.symlink_to(cached)
    before = cached.read_bytes()
    correct(filled, "Intent", "t4", "president")
    assert cached.read_bytes() == before
    assert path.read_bytes().startswith(before)


def test_a_folder_that_was_not_pulled_is_not_begun_anew(filled):
    filled.write("supervision.dvc", "outs: []\n")
    with pytest.raises(MissingError, match="not on this machine"):
        correct(filled, "Intent", "t3", "president")


def test_a_bad_line_is_told_and_one_about_test_stops_compile(filled):
    from ovt.errors import ProjectError

    filled.write("ovt.yaml", "errors: {bad_records: 60%}\n")
    good = {"id": "t1", "task": "Intent", "source": "x", "label": "age", "correction": True}
    filled.write("supervision/corrections.jsonl", json.dumps(good) + "\n" + json.dumps({**good, "label": "agee"}) + "\n")
    assert any("supervision/corrections.jsonl:2: unknown class 'agee'" in note for note in filled.run("label"))
    filled.write("supervision/corrections.jsonl", json.dumps({**good, "id": "e", "label": "agee"}) + "\n")
    with pytest.raises(ProjectError, match="cannot be used"):
        filled.run("compile")
