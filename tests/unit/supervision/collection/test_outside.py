"""Rows of supervision/ become votes; bad ones are told by file and line."""

from __future__ import annotations

import json

import pytest

from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.supervision.collection.outside import read_supervision


@pytest.fixture
def filled(bench):
    """Four records: two of train, one of dev, one of test."""
    entities = [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [1, 2]}]
    payloads = {"query": "how tall", "tokens": ["how", "tall"], "entities": entities}
    bench.records(
        {"id": "a", "payloads": payloads}, {"id": "b", "payloads": payloads},
        {"id": "c", "payloads": payloads, "tags": ["dev"]},
        {"id": "d", "payloads": {"tokens": [f"w{number}" for number in range(20)]}, "tags": ["test"]},
    )
    bench.compiled()
    return bench


def write(bench, *rows, name="supervision/a.jsonl"):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    bench.write(name, "\n".join(lines) + "\n")


def row(record="a", task="Intent", source="crowd", label="height"):
    return {"id": record, "task": task, "source": source, "label": label}


def read(bench, progress=None, strict=False):
    from ovt.data.store import Store

    store = Store.open(bench.root / "build/store")
    return store, read_supervision(bench.project, store, progress or Silent(), strict=strict)


def listed(store, task, votes):
    """Votes as (item, source, label name)."""
    classes = store.classes.get(task)
    names = [classes[label] if classes and label >= 0 else int(label) for label in votes.labels]
    return [(int(item), votes.names[source], name)
            for item, source, name in zip(votes.items, votes.sources, names, strict=True)]


def votes(bench, task):
    store, found = read(bench)
    return listed(store, task, found[task].votes)


def test_nothing_there(filled):
    assert read(filled)[1] == {}


@pytest.mark.parametrize(("task", "label", "expected"), [
    ("Intent", "height", [(1, "crowd", "height")]),
    ("Topics", ["people", "food"], [(1, "crowd", -1), (1, "crowd", "food"), (1, "crowd", "people")]),
    ("Topics", [], [(1, "crowd", -1)]),
    ("POS", [None, "ADJ"], [(3, "crowd", "ADJ")]),
    ("Slots", [[0, 2, "title"]], [(2, "crowd", "B-title"), (3, "crowd", "I-title")]),
    ("EntityType", [["title"], None], [(2, "crowd", -1), (2, "crowd", "title")]),
    ("IntentArg", 1, [(1, "crowd", 1)]),
    ("IntentArg", "A", [(1, "crowd", 0)]),
    ("Kind", {"1": "person"}, [(3, "crowd", "person")]),
    ("Traits", [["office"], []], [(2, "crowd", -1), (2, "crowd", "office"), (3, "crowd", -1)]),
])
def test_every_kind_of_task(filled, task, label, expected):
    write(filled, row("b", task, label=label))
    assert votes(filled, task) == expected


def test_a_later_row_replaces_an_earlier_one(filled):
    write(filled, row(label="age"), row(label="height"), row(source="ann", label="age"))
    write(filled, row(label="president"), name="supervision/b.jsonl")
    assert votes(filled, "Intent") == [(0, "ann", "age"), (0, "crowd", "president")]


def test_null_takes_a_label_back(filled):
    write(filled, row(label="age"), row("b", label="age"), row(label=None))
    assert votes(filled, "Intent") == [(1, "crowd", "age")]


def test_a_replaced_list_is_replaced_whole(filled):
    write(filled, row(task="POS", label=["ADJ", "ADJ"]), row(task="POS", label=[None, "NOUN"]))
    assert votes(filled, "POS") == [(1, "crowd", "NOUN")]


def test_silence_of_annotators_is_a_vote_where_they_have_spoken(filled):
    filled.write("ovt.yaml", "sources: {ann: {silence: vote}}\n")
    write(filled, row(task="Slots", source="ann", label=[None, "B-title"]),
          row(task="Slots", source="dictionary", label=[None, "B-title"]),
          row("b", task="Slots", source="ann", label=[None, None]), row("b", task="EntityType", source="ann", label=[]))
    assert votes(filled, "Slots") == [
        (0, "ann", "O"), (1, "ann", "B-title"), (1, "dictionary", "B-title"), (2, "ann", "O"), (3, "ann", "O")]
    assert votes(filled, "EntityType") == [(2, "ann", -1), (3, "ann", -1)]


def test_labels_are_cut_where_the_payload_was(filled):
    write(filled, row("d", task="POS", label=["NOUN"] * 20), row("d", task="POS", source="x", label={"18": "ADJ", "2": "ADJ"}))
    found = votes(filled, "POS")
    assert sum(source == "crowd" for _, source, _ in found) == 16
    assert [item for item, source, _ in found if source == "x"] == [8]


@pytest.mark.parametrize(("bad", "why"), [
    ("{", "truncated"),
    ('{"id": "a", "task": "Intent", "source": "x"}', "missing required field `label`"),
    (row("nobody"), "no record has the id 'nobody'"),
    (row(task="Intend"), "did you mean `Intent`"),
    (row(label="heigth"), "unknown class 'heigth': did you mean `height`"),
    (row(task="POS", label=["ADJ"]), "a list of 1 for 2 tokens"),
    (row(task="IntentArg", label=2), "position 2 is outside of the set of 2"),
    (row(source=""), "the source has no name"),
    (row(source=None), "Expected `str`, got `null`"),
])
def test_bad_rows_are_told_by_line_and_set_aside(filled, bad, why):
    filled.write("ovt.yaml", "errors: {bad_records: 60%}\n")
    write(filled, row(), bad)
    progress = Silent()
    store, found = read(filled, progress)
    assert listed(store, "Intent", found["Intent"].votes) == [(0, "crowd", "height")]
    assert "supervision/a.jsonl:2: " in progress.notes[0]
    assert why in progress.notes[0]
    kept = filled.root / ".ovt/quarantine/supervision/supervision__a.jsonl.jsonl"
    assert list(kept.parent.iterdir())
    with pytest.raises(ProjectError) as caught:
        read(filled, strict=True)
    assert caught.value.at == "supervision/a.jsonl:2"
    assert caught.value.command == "ovt run label"


def test_too_many_bad_rows_stop_the_run(filled):
    write(filled, row(), row(label="heigth"))
    with pytest.raises(ProjectError, match="1 of 2"):
        read(filled)


def test_a_bad_row_about_a_held_out_record_stops_the_run(filled):
    filled.write("ovt.yaml", "errors: {bad_records: 60%}\n")
    write(filled, row(), row("c", label="heigth"))
    with pytest.raises(ProjectError, match="dev or test"):
        read(filled)


@pytest.mark.parametrize(("settings", "expected"), [("", [(0, "gold", "height")]), ("gold: {train: false}", [])])
def test_gold_counts_on_train_records_alone(filled, settings, expected):
    filled.write("ovt.yaml", settings)
    write(filled, row(source="gold"), row("c", source="gold"), row("d", source="gold"), row("c", source="ada"))
    progress = Silent()
    store, found = read(filled, progress)
    assert listed(store, "Intent", found["Intent"].votes) == [*expected, (2, "ada", "height")]
    assert any("2 rows of `gold`" in note for note in progress.notes)
