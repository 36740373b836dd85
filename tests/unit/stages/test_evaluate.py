"""The evaluate stage on a compiled project, with a model that is a known rule."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ovt.progress import Silent
from ovt.stages import evaluate
from ovt.training.predictions import TaskPredictions

INTENTS = ("age", "height", "president")


def record(name: str, split: str, intent: str | None, *tags: str) -> dict:
    tasks = {
        "Intent": {"gold": intent} if intent else {}, "Slots": {"gold": ["B-title", "I-title", "O"]},
        "EntityType": {"gold": [["title"], [], ["title", "location"]]}, "IntentArg": {"gold": 1},
    }
    return {
        "id": name, "payloads": {"tokens": ["how", "old", name], "query": f"how old {name}",
                                 "entities": [{"id": "a", "range": [0, 1]}, {"id": "b", "range": [1, 2]}]},
        "tasks": tasks, "tags": [split, *tags],
    }


def always_first(model, store, rows, progress=None, *, weights=None):
    """Every item gets class 0 (of a bitvector: nothing), every set its first member."""
    found = {}
    for task in store.schema.tasks.values():
        offsets = store.item_offsets(task.name)
        if offsets is None:
            items = np.asarray([row for row in rows if store.present(task.payload)[row]], np.int64)
        else:
            items = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows]).astype(np.int64)
        m = len(items)
        if task.type == "select":
            sizes = np.diff(store.candidates(task.name))[items]
            starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            found[task.name] = TaskPredictions(items, np.full(starts[-1], 0.5, np.float32), np.zeros(m, np.int32), starts)
            continue
        k = len(store.classes[task.name])
        bits = task.type == "bitvector"
        probabilities = np.full((m, k), 0.25 if bits else 1 / k, np.float32)
        found[task.name] = TaskPredictions(items, probabilities, np.zeros((m, k), bool) if bits else np.zeros(m, np.int32))
    return found


@pytest.fixture
def project(bench, monkeypatch):
    """Compiled, with a model folder that holds a file."""
    monkeypatch.setattr("ovt.training.predict.predict", always_first)
    bench.records(
        record("t1", "train", "age"), record("d1", "dev", "age"), record("d2", "dev", "height"),
        record("x2", "test", "height", "date:2"), record("x1", "test", "age", "date:1", "date:2"),
        record("x3", "test", None),
    )
    bench.write("slices/olds.yaml", "- {name: olds, slice: olds, tag: 'date:1'}\n")
    bench.write("model/weights.safetensors", "weights")
    bench.run("compile")
    return bench


def run(bench, name: str = "out"):
    progress = Silent()
    out = bench.root / name
    evaluate.run(bench.project, out, progress)
    return out, progress


def test_predictions_and_reports(project) -> None:
    from pyarrow import parquet

    out, progress = run(project)
    rows = parquet.read_table(out / "build/predictions.parquet").to_pylist()
    intents = [row for row in rows if row["task"] == "Intent"]
    assert [(row["split"], row["id"]) for row in intents] == [
        ("dev", "d1"), ("dev", "d2"), ("test", "x1"), ("test", "x2"), ("test", "x3"),
    ]
    x1 = intents[2]
    assert (x1["gold"], x1["predicted"], x1["slices"], x1["tags"]) == (["age"], ["age"], ["olds"], ["date:1", "date:2"])
    assert x1["confidence"] == pytest.approx([1 / 3])
    assert intents[4]["gold"] == [None]
    entity = next(row for row in rows if row["task"] == "EntityType" and row["id"] == "x1")
    assert entity["gold"] == ['["title"]', "[]", '["location","title"]']
    assert next(row for row in rows if row["task"] == "IntentArg")["gold"] == ["1"]

    report = json.loads((out / "reports/quality.json").read_text())
    assert sorted(report["tasks"]) == ["EntityType", "Intent", "IntentArg", "Slots"]
    test = report["tasks"]["Intent"]["splits"]["test"]
    assert (test["overall"]["n"], test["overall"]["accuracy"]["value"]) == (2, 0.5)
    assert (test["slices"]["olds"]["n"], test["slices"]["olds"]["accuracy"]["value"]) == (1, 1.0)
    assert sorted(test["tags"]) == ["date:1", "date:2"]
    assert report["tasks"]["Slots"]["primary"] == "span_f1"
    assert report["tasks"]["IntentArg"]["splits"]["test"]["overall"]["accuracy"]["value"] == 0

    flat = json.loads((out / "reports/metrics.json").read_text())
    assert flat["Intent.test.slice.olds.accuracy"] == 1.0
    assert any("`POS` has no gold" in note for note in progress.notes)


def test_same_bytes_each_time(project) -> None:
    first, second = (run(project, name)[0] for name in ("a", "b"))
    for name in ("build/predictions.parquet", "reports/quality.json", "reports/metrics.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_every_seed_is_asked_and_the_first_is_reported(project, monkeypatch) -> None:
    from pyarrow import parquet

    def by_seed(model, store, rows, progress=None, *, weights=None):
        found = always_first(model, store, rows)
        answer = int(weights.parent.name) if weights.parent.name.isdigit() else 0
        found["Intent"].decoded[:] = answer
        return found

    monkeypatch.setattr("ovt.training.predict.predict", by_seed)
    alone = json.loads((run(project, "alone")[0] / "reports/quality.json").read_text())
    for number in (1, 2):
        project.write(f"model/replicates/{number}/weights.safetensors", f"weights {number}")
    out, _ = run(project, "three")
    rows = [row for row in parquet.read_table(out / "build/predictions.parquet").to_pylist() if row["id"] == "x1"]
    intent = next(row for row in rows if row["task"] == "Intent")
    assert [intent[name] for name in ("predicted", "predicted_1", "predicted_2")] == [[name] for name in INTENTS]
    report = json.loads((out / "reports/quality.json").read_text())
    overall = report["tasks"]["Intent"]["splits"]["test"]["overall"]
    seeds = overall.pop("seeds")
    assert seeds == {"metric": "accuracy", "values": [0.5, 0.5, 0.0], "spread": pytest.approx(0.288675)}
    assert overall == alone["tasks"]["Intent"]["splits"]["test"]["overall"]
    assert report["model"] != alone["model"]


def test_digests_follow_model_and_exam(project) -> None:
    def digests() -> tuple[str, str]:
        report = json.loads((run(project)[0] / "reports/quality.json").read_text())
        return report["model"], report["eval_set"]

    model, exam = digests()
    project.write("model/weights.safetensors", "others")
    other, same = digests()
    assert other != model
    assert same == exam
    project.records(record("x1", "test", "height"))
    project.run("compile")
    assert digests()[1] != exam


def test_no_gold_and_no_test(project) -> None:
    project.records({"id": "t", "payloads": {"tokens": ["a"], "query": "a"}, "tasks": {"Intent": {"weak": "age"}}})
    project.run("compile")
    out, progress = run(project)
    assert json.loads((out / "reports/quality.json").read_text())["tasks"] == {}
    assert json.loads((out / "reports/metrics.json").read_text()) == {}
    assert any("`Intent` has no gold" in note for note in progress.notes)
