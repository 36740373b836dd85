"""Errors and disagreements: which items are listed, in which order, and what is said about each."""

from __future__ import annotations

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.quality.disagreements import Answers, answers, disagreeing, errors_in, open_items, silent_records

NOTHING = Answers(np.empty(0, np.int64), np.empty(0, object), np.empty(0))


@pytest.fixture
def store(bench):
    """Six records of two tokens and two members: d0-d2 of dev, t0-t2 of train."""
    bench.records(*(
        {"id": f"{split}{n}", "tags": ["dev" if split == "d" else "train"],
         "payloads": {"query": "how tall", "tokens": ["how", "tall"], "entities": [{"id": "A"}, {"id": "B"}]}}
        for n in range(3) for split in "td"
    ))
    bench.run("compile")
    return Store.open(bench.root / "build/store")


def told(rows):
    return [(row.kind, row.id, row.position, row.predicted, row.gold, row.sources) for row in rows]


def test_errors_come_by_confidence_and_disagreements_by_both_probabilities(graded, store):
    part = graded("multiclass", [["age"], ["age"], [None]], [["height"], ["president"], ["age"]], ids=["d0", "d1", "d2"],
                  confidence=[0.6, 0.8, 0.9], task="Intent", split="dev", slices={"s": [1, 2]})
    rows = {name: store.row_of(name) for name in ("d0", "d1", "d2")}
    order = sorted(rows.values())
    said = Answers(np.array(order), np.array(["age", "president", "height"], object), np.array([0.5, 0.9, 0.7]))
    found = disagreeing(part, store, said, None, with_sources=True)
    assert told(found) == [
        ("gold", "d1", 0, "president", "age", "president"), ("gold", "d0", 0, "height", "age", "age"),
        ("sources", "d2", 0, "age", None, "height"), ("sources", "d0", 0, "height", "age", "age"),
    ]
    assert found[0].sources_confidence == 0.9
    assert told(disagreeing(part, store, said, "s", with_sources=False)) == [("gold", "d1", 0, "president", "age", "president")]
    assert (errors_in(part, None), errors_in(part, "s"), errors_in(part, "none")) == ((2, 2), (1, 1), (0, 0))


def test_items_of_tokens_are_found_by_position(graded, store):
    part = graded("multiclass", [["ADJ", "ADJ"], ["NOUN", None]], [["ADJ", "VERB"], ["NOUN", "ADJ"]], ids=["d1", "d2"],
                  task="POS", split="dev")
    first = int(store.item_offsets("POS")[store.row_of("d1")])
    said = Answers(np.array([first + 1]), np.array(["NOUN"], object), np.array([0.5]))
    assert told(disagreeing(part, store, said, None, with_sources=True)) == [
        ("gold", "d1", 1, "VERB", "ADJ", "NOUN"), ("sources", "d1", 1, "VERB", "ADJ", "NOUN")]


def test_without_a_label_model_there_are_errors_alone(graded, store):
    part = graded("multiclass", [["age"]], [["height"]], ids=["d0"], task="Intent", split="dev")
    assert told(disagreeing(part, store, NOTHING, None, with_sources=True)) == [("gold", "d0", 0, "height", "age", None)]


@pytest.mark.parametrize(("kind", "values", "offsets", "classes", "labels", "confidence"), [
    ("multiclass", [[0.2, 0.8], [0.6, 0.4]], None, ["a", "b"], ["b", "a"], [0.8, 0.6]),
    ("bitvector", [[0.9, 0.2], [0.6, 0.5]], None, ["a", "b"], ['["a"]', '["a","b"]'], [0.72, 0.3]),
    ("select", [0.1, 0.9, 1.0], [0, 2, 3], None, ["1", "0"], [0.9, 1.0]),
])
def test_the_most_probable_label(kind, values, offsets, classes, labels, confidence):
    found = answers(np.array([4, 7]), np.array(values), None if offsets is None else np.array(offsets), kind, classes)
    assert found.labels.tolist() == labels
    np.testing.assert_allclose(found.confidence, confidence)
    on, certain = found.on(np.array([7, 5]))
    assert on.tolist() == [labels[1], None]
    assert np.isnan(certain[1])


def test_open_items_are_the_least_sure_of_train(store):
    offsets = store.item_offsets("POS")
    items = np.sort(np.concatenate([[offsets[store.row_of(name)], offsets[store.row_of(name)] + 1] for name in ("t0", "t1")]))
    said = Answers(items, np.array(["ADJ"] * 4, object), np.array([0.95, 0.5, 0.4, 0.89]))
    everywhere = np.ones(store.n, bool)
    found = open_items(store, "POS", said, everywhere)
    assert [(row.kind, row.id, row.position, row.sources_confidence) for row in found] == [
        ("open", "t1", 0, 0.4), ("open", "t0", 1, 0.5), ("open", "t1", 1, 0.89)]
    assert open_items(store, "POS", said, ~everywhere) == []


def test_silent_records_have_no_vote_on_any_item(store):
    wanted = np.asarray(store.splits) == 0
    voted = np.array([store.item_offsets("POS")[store.row_of("t1")] + 1])
    found, count = silent_records(store, "POS", voted, wanted)
    assert ([row.id for row in found], count) == (["t0", "t2"], 2)
