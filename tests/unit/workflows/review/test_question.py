"""What a person who corrects is asked: the choices, and what is said now and by whom."""

from __future__ import annotations

import pytest

from ovt.errors import UsageError
from ovt.workflows.labeling.corrections import record_correction
from ovt.workflows.review.question import question

PAYLOADS = {"query": "how tall", "tokens": ["how", "tall"], "entities": [{"id": "A"}, {"size": 3}]}


@pytest.fixture
def filled(bench):
    """A record of each split; that of train has sources, the others gold."""
    gold = {"Intent": "height", "POS": ["ADJ", None], "Slots": ["B-title", "I-title"], "Topics": ["food"], "IntentArg": 1,
            "EntityType": [["title"], []], "Kind": ["person", "measure"]}
    bench.records(
        {"id": "t", "payloads": PAYLOADS, "tasks": {task: {"crowd": label} for task, label in gold.items()}},
        {"id": "d", "payloads": PAYLOADS, "tags": ["dev"], "tasks": {task: {"gold": label} for task, label in gold.items()}},
        {"id": "e", "payloads": PAYLOADS, "tags": ["test"], "tasks": {"Intent": {"gold": "age"}}},
        {"id": "n", "payloads": {"query": "x"}},
    )
    bench.run("compile", "label")
    return bench


@pytest.mark.parametrize(("task", "items", "choices", "labels"), [
    ("Intent", (), ("age", "height", "president"), ("height",)),
    ("Topics", (), ("food", "people"), (("food",),)),
    ("IntentArg", (), ("A", '{"size": 3}'), (1,)),
    ("POS", ("how", "tall"), ("ADJ", "NOUN", "VERB"), ("ADJ", None)),
    ("Slots", ("how", "tall"), ("title",), ("B-title", "I-title")),
    ("EntityType", ("how", "tall"), ("location", "title"), (("title",), ())),
    ("Kind", ("A", ""), ("measure", "person"), ("person", "measure")),
])
def test_every_kind_of_task(filled, task, items, choices, labels):
    for record, by in (("d", "gold"), ("t", "sources")):
        found = question(filled.project, task, record)
        assert (found.items, found.choices, found.labels) == (items, choices, labels)
        assert (found.said_by, found.corrected, found.text) == (by, False, "how tall")


def test_gold_of_test_is_what_is_corrected_there(filled):
    found = question(filled.project, "Intent", "e")
    assert (found.split, found.labels, found.said_by) == ("test", ("age",), "gold")


@pytest.mark.parametrize(("task", "label", "position", "labels"), [
    ("Intent", "age", None, ("age",)), ("Topics", ["people"], None, (("people",),)), ("IntentArg", 0, None, (0,)),
    ("POS", "VERB", 1, ("ADJ", "VERB")), ("Slots", ["O", "B-title"], None, ("O", "B-title")),
    ("EntityType", ["location"], 1, (("title",), ("location",))),
])
def test_a_correction_is_what_is_said_now(filled, task, label, position, labels):
    record_correction(filled.project, task, "d", label, position, "ada", track=False)
    found = question(filled.project, task, "d")
    assert found.labels == labels
    assert "correction" in found.said_by
    assert found.corrected
    record_correction(filled.project, task, "d", None, None, "ada", track=False)
    assert question(filled.project, task, "d").said_by == "gold"


def test_nothing_said_and_nothing_there(filled):
    assert question(filled.project, "Intent", "n").labels == (None,)
    assert question(filled.project, "POS", "n").labels == (None,)
    assert question(filled.project, "Kind", "n").labels == ()
    assert question(filled.project, "IntentArg", "n").choices == ()


@pytest.mark.parametrize(("task", "record", "told"), [("Nope", "d", "no task"), ("Intent", "zz", "no record")])
def test_what_is_not_there_is_told(filled, task, record, told):
    with pytest.raises(UsageError, match=told):
        question(filled.project, task, record)
