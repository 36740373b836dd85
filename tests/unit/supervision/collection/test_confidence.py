from __future__ import annotations

import json
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.progress import Silent
from ovt.supervision.collect import collect_votes
from ovt.supervision.collection.confidence import LEAST, plain_name, pseudo_sources, quartiles
from ovt.supervision.combine import combine_task


@given(arrays(np.float32, st.integers(0, 600), elements=st.floats(0, 1, width=32)))
def test_every_part_has_enough_votes(confidence):
    edges = quartiles(confidence)
    sizes = np.bincount(np.searchsorted(edges, confidence, side="right"), minlength=len(edges) + 1)
    assert len(edges) <= 3
    assert (np.diff(edges) > 0).all()
    assert not len(edges) or (sizes >= LEAST).all()


def test_votes_of_one_confidence_stay_together():
    assert not len(quartiles(np.full(1000, 0.9, np.float32)))
    half = np.repeat(np.float32([0.2, 0.9]), 500)
    assert quartiles(half).tolist() == [np.float32(0.9)]


def test_parts_are_named_from_the_surest_down():
    sources = np.zeros(400, np.int32)
    confidence = np.linspace(0, 1, 400, dtype=np.float32)
    names, numbers = pseudo_sources(("gpt",), sources, confidence)
    assert names == ("gpt@q1", "gpt@q2", "gpt@q3", "gpt@q4")
    assert names[numbers[-1]] == "gpt@q4"
    assert names[numbers[0]] == "gpt@q1"
    names, numbers = pseudo_sources(("gpt",), sources[:120], confidence[:120])
    assert names == ("gpt@q3", "gpt@q4")
    assert plain_name("gpt@q3") == "gpt"
    assert plain_name("me@quick.org") == "me@quick.org"


def test_votes_without_a_confidence_and_workers_are_not_told_apart():
    confidence = np.linspace(0, 1, 400, dtype=np.float32)
    confidence[::2] = np.nan
    names, numbers = pseudo_sources(("gpt",), np.zeros(400, np.int32), confidence)
    assert {names[number] for number in numbers[::2]} == {"gpt"}
    assert pseudo_sources(("crowd/w1",), np.zeros(400, np.int32), np.linspace(0, 1, 400, dtype=np.float32))[0] == ("crowd/w1",)


def test_the_label_model_learns_what_confidence_is_worth(bench):
    """A source that is right 95 times in 100 where it is sure, and no better than chance where it is not."""
    dice = random.Random(3)
    classes = ["age", "height", "president"]
    bench.records(*({"id": f"r{n}", "payloads": {"query": f"q {n}"}} for n in range(900)))
    bench.compiled()
    truth = [dice.choice(classes) for _ in range(900)]
    rows = []
    for n, right in enumerate(truth):
        sure = dice.random()
        said = right if dice.random() < (0.95 if sure > 0.5 else 1 / 3) else dice.choice(classes)
        rows.append({"id": f"r{n}", "task": "Intent", "source": "gpt", "label": said, "confidence": round(sure, 3)})
        rows += [{"id": f"r{n}", "task": "Intent", "source": f"lf{i}",
                  "label": right if dice.random() < 0.75 else dice.choice(classes)} for i in range(4)]
    bench.write("supervision/a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    store = Store.open(bench.root / "build/store")
    votes = collect_votes(bench.project, store, Silent())["Intent"]
    gold = Votes.build(np.arange(200), np.zeros(200, np.int32), np.array([classes.index(name) for name in truth[:200]], np.int32),
                       ["gold"], 900)
    found = combine_task(votes, kind="multiclass", n_classes=3, gold=gold)
    assert found.accuracies["gpt@q4"] > 0.85
    assert found.accuracies["gpt@q1"] < 0.65
    plain = combine_task(_together(votes), kind="multiclass", n_classes=3, gold=gold)
    rest = np.arange(200, 900)
    right = np.array([classes.index(name) for name in truth])[rest]
    scores = [(one.probabilities[rest].argmax(axis=1) == right).mean() for one in (found, plain)]
    assert scores[0] > scores[1]


def _together(votes):
    """The same votes without what the confidence tells apart."""
    numbers = {name: at for at, name in enumerate(sorted({plain_name(name) for name in votes.names}))}
    sources = np.array([numbers[plain_name(name)] for name in votes.names], np.int32)[votes.sources]
    return Votes.build(votes.items, sources, votes.labels, tuple(numbers), votes.n_items)
