"""Labels for anyone: what is written is what training is told."""

from __future__ import annotations

import io
import json

import pytest

from ovt.errors import MissingError, UsageError
from ovt.supervision.annotation.targetfile import TargetFile
from ovt.workflows.labeling import tasklabels
from ovt.workflows.labeling.tasklabels import list_tasks, write_labels


@pytest.fixture
def filled(bench):
    tokens = ["how", "tall", "now"]
    entities = [[{"id": "A"}], [{"id": "A"}, {"id": "B"}, {"id": "C"}]]
    bench.records(*({
        "id": f"r{n}", "payloads": {"query": f"q{n}", "tokens": tokens[:1 + n % 3], "entities": entities[n % 2]},
        "tasks": {"Intent": {"a": "age", "b": "height" if n % 2 else "age"}, "Topics": {"a": ["food"] if n % 2 else []},
                  "POS": {"a": [None, "ADJ", "NOUN"][:1 + n % 3]}, "IntentArg": {"a": n % 2}} if n != 4 else {},
        "tags": ["dev" if n % 5 == 0 else "train"],
    } for n in range(40)))
    bench.run("compile", "label")
    return bench


def lines(bench, task, **options):
    out = io.StringIO()
    done = write_labels(bench.project, task, None, out=out, **options)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert done.rows == len(rows)
    return rows


@pytest.mark.parametrize("task", ["Intent", "Topics", "POS", "IntentArg"])
@pytest.mark.parametrize("batch", [7, 10_000])
def test_json_lines_are_the_targets(filled, task, batch, monkeypatch):
    monkeypatch.setattr(tasklabels, "BATCH", batch)
    targets = TargetFile.open(filled.root / f"build/labels/{task}.arrow")
    rows = lines(filled, task)
    assert len(rows) == len(targets.items)
    for at, row in enumerate(rows):
        chances = row["probabilities"] if task == "IntentArg" else list(row["probabilities"].values())
        assert chances == pytest.approx(targets.values[targets.offsets[at]:targets.offsets[at + 1]].tolist(), abs=1e-6)
        assert row["id"] != "r4"
    if task == "POS":
        assert {(row["id"], row["position"]) for row in rows} == {
            (f"r{n}", at) for n in range(40) if n != 4 for at in range(1, 1 + n % 3)}
    else:
        assert {row["position"] for row in rows} == {None}
    label = rows[0]["label"]
    assert {"Intent": label == "age", "Topics": label == [], "POS": label == "ADJ", "IntentArg": label == 0}[task]


@pytest.mark.parametrize("task", ["Intent", "Topics", "POS", "IntentArg"])
def test_parquet_says_the_same(filled, task):
    import pyarrow.parquet as pq

    path = filled.root / "labels.parquet"
    write_labels(filled.project, task, path, split="train")
    table = pq.read_table(path)
    rows = lines(filled, task, split="train")
    assert {row["split"] for row in rows} == {"train"}
    assert table.column("id").to_pylist() == [row["id"] for row in rows]
    assert table.column("label").to_pylist() == [row["label"] for row in rows]
    if task == "IntentArg":
        found = table.column("probabilities").to_pylist()
        assert found[1] == pytest.approx(rows[1]["probabilities"], abs=1e-6)
    else:
        name = next(iter(rows[0]["probabilities"]))
        assert table.column(f"p:{name}").to_pylist() == pytest.approx([row["probabilities"][name] for row in rows], abs=1e-6)
    assert not list(filled.root.glob(".labels*"))


def test_a_file_of_json_lines_takes_its_place_when_it_is_whole(filled, monkeypatch):
    path = filled.root / "labels.jsonl"
    assert write_labels(filled.project, "Intent", path).format == "jsonl"
    before = path.read_bytes()
    monkeypatch.setattr(tasklabels, "_names", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_labels(filled.project, "Intent", path)
    assert path.read_bytes() == before
    assert not list(filled.root.glob(".labels*"))


def test_wrong_words(filled, bench):
    with pytest.raises(UsageError, match="no task"):
        lines(filled, "Intend")
    with pytest.raises(UsageError, match="no split"):
        lines(filled, "Intent", split="val")
    with pytest.raises(MissingError, match="no folder"):
        write_labels(filled.project, "Intent", filled.root / "nowhere/x.parquet")
    (filled.root / "build/labels/Intent.arrow").unlink()
    with pytest.raises(MissingError, match="no labels yet"):
        lines(filled, "Intent")


def test_the_list_of_tasks(filled):
    rows = {row.task: row for row in list_tasks(filled.project)}
    assert rows["Intent"].items == {"train": 32, "dev": 8, "test": 0}
    assert rows["Intent"].labelled == {"train": 31, "dev": 8, "test": 0}
    assert (rows["POS"].unit, rows["Kind"].unit, rows["IntentArg"].unit) == ("token", "member", "record")
    assert (rows["Intent"].classes, rows["IntentArg"].classes) == (3, None)


def test_before_anything_ran(bench):
    assert all(row.items == {} and row.classes is None for row in list_tasks(bench.project))
