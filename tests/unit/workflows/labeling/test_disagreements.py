"""Errors and disagreements of a version as they lie in build/: model beside gold, sources beside both, train by itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ovt.errors import MissingError, UsageError
from ovt.quality.membership import RowsByName
from ovt.quality.predictions import GradedPredictions, write_predictions
from ovt.storage.git import Git
from ovt.workflows.labeling.disagreements import disagreements


def part(split, ids, gold, predicted, confidence, slices):
    """Predictions of Intent; the slice `high` has the rows named."""
    labels = ("age", "height", "president")
    codes = {None: -1, **{label: at for at, label in enumerate(labels)}}
    return GradedPredictions(
        "Intent", "multiclass", split, np.array(ids, object), np.arange(len(ids) + 1), labels,
        np.array([codes[label] for label in gold], np.int32), np.array([codes[label] for label in predicted], np.int32),
        np.array(confidence, np.float32), np.full(len(ids), np.nan, np.float32),
        RowsByName(len(ids), {"high": np.array(slices, np.int64)}), RowsByName(len(ids), {}),
    )


@pytest.fixture
def filled(bench):
    """Thirty records of train, ten of them silent; two of dev and one of test, all of them wrong."""
    def record(name, n, tags=(), **tasks):
        return {"id": name, "payloads": {"query": f"how tall {n}" if n % 2 else f"how old {n}"}, "tags": list(tags) or ["train"],
                "tasks": {"Intent": tasks} if tasks else {}}

    bench.records(
        *(record(f"t{n:02d}", n, **({"a": "age", "b": "age" if n % 3 else "height"} if n < 20 else {})) for n in range(30)),
        record("d1", 1, ["dev"], a="height", b="height", gold="height"), record("d2", 2, ["dev"], a="age", gold="height"),
        record("e1", 1, ["test"], gold="height"),
    )
    bench.write("slices/a.yaml", "high: {keyword: tall}\n")
    bench.write(".gitignore", "/build/\n/.ovt/\n")
    bench.run("compile", "label")
    write_predictions(bench.root / "build/predictions.parquet", [
        part("dev", ["d1", "d2"], ["height", "height"], ["age", "age"], [0.6, 0.9], [0]),
        part("test", ["e1"], ["height"], ["president"], [0.8], [0]),
    ])
    (bench.root / "reports/quality.json").write_text(json.dumps(
        {"model": "m", "eval_set": "e", "tasks": {"Intent": {"primary": "accuracy", "splits": {}}}}))
    with Git(bench.root) as git:
        git.attempt("init", "-q")
    return bench


def told(found):
    return [(row.kind, row.split, row.id) for row in found.rows if row.kind in {"gold", "sources"}]


def test_the_whole_of_a_task(filled):
    found = disagreements(filled.project, "workspace", "Intent", None)
    assert told(found) == [("gold", "dev", "d2"), ("gold", "dev", "d1"), ("sources", "dev", "d1")]
    assert (found.dev, found.test, found.shows_test) == ((2, 2), (1, 1), False)
    first = found.rows[0]
    assert (first.predicted, first.gold, first.sources, first.text) == ("age", "height", "age", "how old 2")
    assert first.confidence == pytest.approx(0.9)
    silent = [row.id for row in found.rows if row.kind == "silent"]
    assert silent == [f"t{n}" for n in range(20, 30)]
    assert found.silent == 10
    torn = [row for row in found.rows if row.kind == "open"]
    assert all(row.split == "train" and row.sources_confidence < 0.9 for row in torn)
    assert [row.sources_confidence for row in torn] == sorted(row.sources_confidence for row in torn) != []
    assert all(int(row.id[1:]) < 20 for row in torn)  # those that some source votes on
    assert found.notes == ("the workspace was changed since its last run, which this shows",)


def test_a_slice_has_its_members_of_every_split(filled):
    found = disagreements(filled.project, "workspace", "Intent", "high")
    assert told(found) == [("gold", "dev", "d1"), ("sources", "dev", "d1")]
    assert found.silent == 5
    assert all(int(row.id[1:]) % 2 for row in found.rows)
    assert disagreements(filled.project, "workspace", "Intent", "nobody").rows == ()


def test_test_is_told_when_asked_for_alone(filled):
    texts = [row.text for row in disagreements(filled.project, "workspace", "Intent", None).rows if row.split == "test"]
    assert texts == []
    found = disagreements(filled.project, "workspace", "Intent", None, show_test=True)
    assert [(row.id, row.kind) for row in found.rows if row.split == "test"] == [("e1", "gold")]


def test_without_a_label_model_the_errors_stay(filled):
    for path in (filled.root / "build/labels").glob("Intent.*"):
        path.unlink()
    found = disagreements(filled.project, "workspace", "Intent", None)
    assert told(found) == [("gold", "dev", "d2"), ("gold", "dev", "d1")]
    assert found.rows[0].sources is None
    assert found.notes[-1].startswith("nothing of train is shown")


def test_what_is_not_there_is_told(filled):
    with pytest.raises(UsageError, match="no task `Nope`"):
        disagreements(filled.project, "workspace", "Nope", None)
    (filled.root / "build/predictions.parquet").unlink()
    with pytest.raises(MissingError):
        disagreements(filled.project, "workspace", "Intent", None)
