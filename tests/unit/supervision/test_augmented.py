"""Supervision of parents holds for what is made of them; the report says how good made records are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.progress import Silent
from ovt.supervision.collect import collect_votes
from ovt.supervision.collection.corrected import corrections_of
from ovt.supervision.reporting.augment_report import opinions, settled

TF = """from ovt import transformation_function
@transformation_function()
def louder(r):
    return {"query": r.query.upper()}
@transformation_function()
def longer(r):
    return {"query": r.query + " now"}
@transformation_function(labels="relabel")
def fresh(r):
    return {"query": r.query + " again"}
"""


@pytest.fixture
def families(bench):
    bench.records(*({"id": name, "payloads": {"query": f"how tall is {name}"}, "tasks": {"Intent": {"weak": "age", "crowd": "height"}}}
                    for name in "ab"))
    bench.write("labelers/aug.py", TF)
    bench.run("compile")
    return bench


def supervise(bench, *rows, name="labels"):
    bench.write(f"supervision/{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def said(bench, task):
    """(record, position, source, class) of all votes on records that were made."""
    store = Store.open(bench.root / "build/store")
    found = collect_votes(bench.project, store, Silent())[task]
    return shown(store, task, found)


def shown(store, task, found):
    offsets, ids = store.item_offsets(task), store.ids.to_pylist()
    rows = store.rows_of_items(task, found.items)
    return {(ids[row], int(item - offsets[row]) if offsets is not None else 0, found.names[source], store.classes[task][label])
            for row, item, source, label in zip(rows.tolist(), found.items.tolist(), found.sources.tolist(), found.labels.tolist(), strict=True)
            if "~" in ids[row]}


def test_what_is_said_later_about_a_parent_is_said_of_its_children(families):
    supervise(families, {"id": "a", "task": "Intent", "source": "ada", "label": "height"},
              {"id": "a", "task": "Intent", "source": "weak", "label": None},
              {"id": "a", "task": "POS", "source": "ada", "label": [None, "ADJ", "VERB", None]})
    intent = {vote for vote in said(families, "Intent") if vote[0].startswith("a~")}
    assert intent == {(f"a~{name}~1", 0, source, "height") for name in ("louder", "longer") for source in ("ada", "crowd")}
    assert said(families, "POS") == {("a~louder~1", 1, "ada", "ADJ"), ("a~louder~1", 2, "ada", "VERB")}


def test_statements_about_one_token_are_carried_alone(families):
    supervise(families, {"id": "b", "task": "POS", "source": "ada", "label": "NOUN", "position": 3})
    assert said(families, "POS") == {("b~louder~1", 3, "ada", "NOUN")}


def test_who_speaks_of_the_made_record_itself_is_heard(families):
    supervise(families, {"id": "a", "task": "Intent", "source": "ada", "label": "height"},
              {"id": "a~louder~1", "task": "Intent", "source": "bob", "label": "president"})
    assert {vote[2:] for vote in said(families, "Intent") if vote[0] == "a~louder~1"} == {
        ("weak", "age"), ("crowd", "height"), ("bob", "president")}
    assert ("a~longer~1", 0, "ada", "height") in said(families, "Intent")


def test_a_correction_of_a_parent_corrects_its_children(families):
    supervise(families, {"id": "a", "task": "Intent", "source": "ada@example.org", "label": "president", "correction": True},
              name="corrections")
    store = Store.open(families.root / "build/store")
    assert shown(store, "Intent", corrections_of(families.project, store)["Intent"]) == {
        (f"a~{name}~1", 0, "gold", "president") for name in ("louder", "longer")}


def test_the_report_tells_agreement_of_functions_with_carried_labels(families):
    families.write("labelers/lf.py", """from ovt import labeling_function
@labeling_function(task="Intent")
def loud(r):
    return "president" if r.query.isupper() else "height"
""")
    families.records(*({"id": f"q{number}", "payloads": {"query": f"how tall is q{number}"}, "tasks": {"Intent": {"crowd": "height"}}}
                       for number in range(4)))
    families.run("compile", "label")
    rows = {row["source"]: row for row in json.loads((families.root / "reports/sources.json").read_text())["generators"]}
    assert rows["louder"]["tasks"]["Intent"] == {"items": 4, "coverage": 1.0, "labelled": 1.0, "agreement": {"value": 0.0, "n": 4}}
    assert rows["longer"]["tasks"]["Intent"]["agreement"] == {"value": 1.0, "n": 4}
    assert rows["fresh"]["tasks"]["Intent"] == {"items": 4, "coverage": 1.0, "labelled": 0.0, "agreement": None}
    assert rows["longer"]["tasks"]["POS"] == {"items": 20, "coverage": 0.0, "labelled": 0.0, "agreement": None}
    assert (rows["longer"]["parents"], rows["longer"]["made"], rows["longer"]["kept"]) == (4, 4, 4)
    assert "generators" not in json.loads((families.root / "reports/sources.json").read_text())["tasks"]


def test_a_report_without_made_records_is_as_before(bench):
    bench.records({"id": "a", "payloads": {"query": "x"}, "tasks": {"Intent": {"weak": "age"}}})
    bench.run("compile", "label")
    assert "generators" not in json.loads((bench.root / "reports/sources.json").read_text())


def test_opinions_of_a_bitvector_are_sets():
    votes = Votes.build(np.array([0, 0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 0]), np.array([-1, 0, 2, -1, 2, -1]), ("a", "b"), 2)
    items, sources, codes = opinions(votes)
    assert (items.tolist(), sources.tolist()) == ([0, 0, 1], [0, 1, 0])
    assert len(set(codes.tolist())) == 3
    empty = opinions(Votes.empty(3))
    assert all(len(part) == 0 for part in empty)


def test_what_most_say_and_gold_above_all():
    items = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
    labels = np.array([5, 5, 6, 7, 8, 4, 4, 9, 1])
    gold = np.array([False] * 7 + [True, False])
    known, label = settled(items, labels, gold)
    assert dict(zip(known.tolist(), label.tolist(), strict=True)) == {0: 5, 2: 9, 3: 1}
    assert [len(part) for part in settled(items[:0], labels[:0], gold[:0])] == [0, 0]
