"""What each vote is worth: the stored label model asked again must say what the targets say."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.errors import UsageError
from ovt.supervision.annotation.targetfile import TargetFile
from ovt.supervision.posterior import posterior
from ovt.supervision.reporting.explain import explain, learned_of
from ovt.supervision.reporting.weighing import RecordVotes, accuracies, weigh
from ovt.workflows.review.votes import votes_on

CLASSES = ["age", "height", "president"]
TASKS = ("Intent", "Topics", "POS", "Slots", "IntentArg", "EntityType")


def build(bench):
    """300 records of every kind of task, three or four sources of different quality, gold on dev."""
    dice = random.Random(5)
    rates = {"good": 0.9, "fair": 0.75, "poor": 0.55, "copy": 0.75}
    records = []
    for n in range(300):
        truth = {
            "Intent": dice.choice(CLASSES), "Topics": [name for name in ("food", "people") if dice.random() < 0.5],
            "POS": [dice.choice(["ADJ", "NOUN", "VERB"]) for _ in range(4)], "IntentArg": dice.randrange(3),
            "Slots": dice.choice([["O", "B-title", "I-title", "O"], ["B-title", "O", "O", "O"]]),
            "EntityType": [["title"] if dice.random() < 0.3 else [] for _ in range(4)],
        }
        wrong = {"Intent": lambda: dice.choice(CLASSES), "Topics": lambda: ["food"], "POS": lambda: ["NOUN"] * 4,
                 "IntentArg": lambda: dice.randrange(3), "Slots": lambda: ["B-title", "I-title", "O", "O"],
                 "EntityType": lambda: [["location"], [], [], []]}
        said = {task: {} for task in TASKS}
        for task in TASKS:
            for source, rate in rates.items():
                if source != "copy" and dice.random() < 0.85:
                    said[task][source] = truth[task] if dice.random() < rate else wrong[task]()
            if "fair" in said[task]:
                said[task]["copy"] = said[task]["fair"]
            if n % 4 == 0:
                said[task]["gold"] = truth[task]
        records.append({"id": f"r{n}", "payloads": {"query": f"q {n}", "tokens": ["a", "b", "c", str(n)],
                                                    "entities": [{"id": str(at)} for at in range(3)]},
                        "tasks": said, "tags": ["dev" if n % 4 == 0 else "train"]})
    bench.records(*records)
    bench.run("compile", "label")


def opened(bench, task):
    store = Store.open(bench.root / "build/store")
    votes = Votes.load(bench.root / f"build/labels/{task}.votes.arrow", store.n_items(task))
    learned = learned_of(bench.project, task)
    assert learned is not None
    return store, votes, learned


@pytest.mark.parametrize("task", TASKS)
def test_the_posterior_of_a_record_is_its_target(filled, task):
    store, votes, learned = opened(filled, task)
    targets, offsets = TargetFile.open(filled.root / f"build/labels/{task}.arrow"), store.item_offsets(task)
    checked = 0
    for row in range(0, 300, 7):
        record = RecordVotes.of(store, task, row, votes)
        for position in range(record.votes.n_items):
            found = targets.of_item(row if offsets is None else int(offsets[row]) + position)
            told = weigh(learned, record, position, store.classes.get(task)).probabilities
            if found is None:
                assert told == ()
                continue
            names = store.classes.get(task) or [str(at) for at in range(len(found[1]))]
            assert [dict(told)[name] for name in names] == pytest.approx(found[1].tolist(), abs=1e-5)
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("task", ["Intent", "Topics", "IntentArg"])
def test_without_a_source_is_as_if_it_had_been_silent(filled, task):
    store, votes, learned = opened(filled, task)
    classes = store.classes.get(task)
    for row in (1, 2, 3):
        record = RecordVotes.of(store, task, row, votes)
        for weight in weigh(learned, record, 0, classes).weights:
            silent = record.votes.without(weight.source)
            alone = posterior(learned, silent, candidates=record.candidates).of_item(0)
            assert (alone is None) == (weight.without == ())
            if alone is not None:
                names = classes or [str(at) for at in range(len(alone))]
                assert [dict(weight.without)[name] for name in names] == pytest.approx(alone.tolist())


def test_better_sources_weigh_more_and_for_what_they_say(filled):
    store, votes, learned = opened(filled, "Intent")
    known = accuracies(learned)
    assert known["good"] > known["fair"] > known["poor"]
    weights = {"good": [], "poor": []}
    for row in range(300):
        record = RecordVotes.of(store, "Intent", row, votes)
        found = weigh(learned, record, 0, CLASSES)
        for weight in found.weights:
            label = CLASSES[record.votes.labels[record.votes.sources == record.votes.names.index(weight.source)][0]]
            if weight.source in weights and label == found.answer:
                weights[weight.source].append(weight.log_odds)
        if found.decisive is not None:
            by_name = {weight.source: weight for weight in found.weights}
            assert by_name[found.decisive].log_odds == max(weight.log_odds for weight in found.weights if weight.decisive)
    assert np.mean(weights["good"]) > np.mean(weights["poor"])
    assert min(weights["good"]) > 0


def test_a_record_of_one_vote_has_nothing_without_it(bench):
    bench.records({"id": "a", "payloads": {"query": "x"}, "tasks": {"Intent": {"s": "age"}}},
                  {"id": "b", "payloads": {"query": "y"}})
    bench.run("compile", "label")
    store, votes, learned = opened(bench, "Intent")
    (weight,) = weigh(learned, RecordVotes.of(store, "Intent", 0, votes), 0, CLASSES).weights
    assert (weight.source, weight.without, weight.decisive) == ("s", (), True)
    assert weight.log_odds > 0
    empty = weigh(learned, RecordVotes.of(store, "Intent", 1, votes), 0, CLASSES)
    assert (empty.probabilities, empty.answer, empty.weights, empty.decisive) == ((), None, (), None)


def test_explain_shows_it_all_but_gold_of_test(filled):
    (task,) = explain(filled.project, "r0", "Intent").tasks
    (item,) = task.items
    assert task.label_model == json.loads((filled.root / "reports/sources.json").read_text())["tasks"]["Intent"]["label_model"]
    assert item.gold in CLASSES
    assert "gold" not in item.votes
    assert {weight.source for weight in item.weighed.weights} == set(item.votes) == set(task.accuracies)
    assert item.weighed.probabilities == item.target
    (task,) = explain(filled.project, "r1", "POS", 2).tasks
    assert [item.item.position for item in task.items] == [2]
    for arguments in (("r1", "Nope"), ("r999",), ("r1", "POS", 9)):
        with pytest.raises(UsageError):
            explain(filled.project, *arguments)


def test_gold_of_test_stays_with_evaluation(bench):
    bench.records({"id": "a", "payloads": {"query": "x"}, "tasks": {"Intent": {"s": "age"}}},
                  {"id": "b", "payloads": {"query": "y"}, "tasks": {"Intent": {"gold": "age"}}, "tags": ["test"]})
    bench.run("compile", "label")
    (task,) = explain(bench.project, "b", "Intent").tasks
    assert task.items[0].gold is None


def test_votes_on_an_item_have_weights(filled, monkeypatch):
    from ovt.versions.history import Version

    here = Version("workspace", None, "k", "", "", 0, (), "ready", None, "workspace")
    monkeypatch.setattr("ovt.versions.history.resolve", lambda *_: here)
    filled.write("supervision/corrections.jsonl",
                 '{"id": "r1", "task": "POS", "source": "ada", "label": "VERB", "position": 1, "correction": true}\n')
    found = {vote.source: vote for vote in votes_on(filled.project, "workspace", "POS", "r1", 1)}
    store, votes, learned = opened(filled, "POS")
    told = weigh(learned, RecordVotes.of(store, "POS", 1, votes), 1, store.classes["POS"])
    for weight in told.weights:
        assert found[weight.source].weight == weight.log_odds
        assert found[weight.source].decisive == weight.decisive
    assert found["ada"].correction
    assert found["ada"].label == "VERB"
    assert [vote.source for vote in votes_on(filled.project, "workspace", "POS", "r1", 0) if vote.correction] == []
