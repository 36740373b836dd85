"""The label stage: votes and targets of every kind of task, a report, the same bytes each time."""

from __future__ import annotations

import json

import pytest

from ovt.data.votes import Votes

PAYLOADS = {"query": "how tall", "tokens": ["how", "tall"],
            "entities": [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [1, 2]}]}
LABELS = {
    "Intent": {"s1": "height", "s2": "age"}, "POS": {"s1": [None, "ADJ"]}, "Slots": {"s1": [None, "B-title"]},
    "EntityType": {"s1": [[], ["title"]]}, "Topics": {"s1": ["food"]}, "IntentArg": {"s1": 1, "s2": 0},
    "Kind": {"s1": ["person", None]}, "Traits": {"s1": [["office"], []]},
}


@pytest.fixture
def filled(bench):
    """Thirty records whose sources disagree, with gold on dev and one gold on train."""
    records = []
    for number in range(30):
        split = ("train", "dev", "test")[number % 3]
        labels = {task: dict(given) for task, given in LABELS.items()}
        if number % 6 == 1 or number == 0:
            labels["Intent"]["gold"] = "height"
        records.append({"id": f"q{number:02}", "payloads": PAYLOADS, "tasks": labels, "tags": [split]})
    records.append({"id": "silent", "payloads": PAYLOADS})
    bench.records(*records)
    bench.write("labelers/a.yaml", "- {name: tall, task: Intent, keyword: tall, label: height}\n")
    bench.run("compile")
    return bench


def targets(bench, task):
    import pyarrow as pa

    with pa.memory_map(str(bench.root / f"build/labels/{task}.arrow")) as source:
        return pa.ipc.open_file(source).get_batch(0)


def test_targets_of_every_kind(filled):
    import pyarrow as pa

    filled.run("label")
    assert filled.project.schema.tasks.keys() == LABELS.keys()
    for task in LABELS:
        batch = targets(filled, task)
        assert batch.schema.names == ["item", "weight", "probabilities"]
        assert batch.schema.types[:2] == [pa.int64(), pa.float32()]
        assert len(batch) > 0
        assert all(0 < weight <= 1 for weight in batch["weight"].to_pylist())
    assert targets(filled, "IntentArg").schema.types[2] == pa.list_(pa.float32())
    assert targets(filled, "Intent").schema.types[2] == pa.list_(pa.float32(), 3)
    assert all(len(row) == 2 for row in targets(filled, "IntentArg")["probabilities"].to_pylist())
    for row in targets(filled, "Intent")["probabilities"].to_pylist():
        assert sum(row) == pytest.approx(1, abs=1e-5)


def test_gold_of_train_is_the_truth_and_unlabelled_records_have_no_target(filled):
    (filled.root / "labelers/a.yaml").unlink()
    filled.run("label")
    batch = targets(filled, "Intent")
    found = dict(zip(batch["item"].to_pylist(), batch["probabilities"].to_pylist(), strict=True))
    assert found[0] == [0, 1, 0]
    assert 30 not in found


def test_the_votes_are_what_the_label_model_saw(filled):
    filled.run("label")
    votes = Votes.load(filled.root / "build/labels/Intent.votes.arrow", 31)
    assert votes.names == ("gold", "s1", "s2", "tall")
    counts = {name: int((votes.sources == number).sum()) for number, name in enumerate(votes.names)}
    assert counts == {"gold": 1, "s1": 30, "s2": 30, "tall": 31}


def test_gold_of_test_is_not_among_the_votes(filled):
    text = (filled.root / "data/records.jsonl").read_text()
    filled.run("label")
    before = (filled.root / "build/labels/Intent.votes.arrow").read_bytes()
    lines = [json.loads(line) for line in text.splitlines()]
    for record in lines:
        if record["tags"] == ["test"]:
            record["tasks"]["Intent"]["gold"] = "president"
    filled.records(*lines)
    filled.run("compile", "label")
    assert (filled.root / "build/labels/Intent.votes.arrow").read_bytes() == before


def test_the_report_has_every_source(filled):
    notes = filled.run("label")
    report = json.loads((filled.root / "reports/sources.json").read_text())
    assert report["format"] == "ovt.sources/1"
    assert sorted(report["tasks"]) == sorted(LABELS)
    assert [row["source"] for row in report["tasks"]["Intent"]["sources"]] == ["s1", "s2", "tall"]
    assert any(note.startswith("Intent: 3 sources on 11 of 11 train items") for note in notes)


def test_the_same_bytes_with_and_without_the_cache(filled):
    filled.run("label")
    files = [*sorted((filled.root / "build/labels").iterdir()), filled.root / "reports/sources.json"]
    before = {path.name: path.read_bytes() for path in files}
    assert len(before) == 3 * len(LABELS) + 1  # targets, votes and the label model of each task
    assert "0 passes run, 1 from the cache" in filled.run("label")[0]
    assert {path.name: path.read_bytes() for path in files} == before


def test_a_project_without_any_vote(bench):
    bench.records({"id": "a", "payloads": PAYLOADS}, {"id": "b", "payloads": PAYLOADS, "tags": ["test"]})
    notes = bench.run("compile", "label")
    assert "Intent: no source votes, so there is nothing to train on" in notes
    assert len(targets(bench, "Intent")) == len(targets(bench, "IntentArg")) == 0
