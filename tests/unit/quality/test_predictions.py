from __future__ import annotations

import numpy as np
import pytest

from ovt.quality.predictions import read_predictions, write_predictions


@pytest.fixture
def parts(graded, names):
    return [
        graded("multiclass", [["a"], ["b"], [None]], [["a"], ["a"], ["b"]], task="Intent", split="test",
               slices={"s": [0, 2], "r": [0]}, tags={"date:1": [1]}, confidence=[0.5, 0.25, 1], gold_probability=[1, 0, 0]),
        graded("multiclass", [["b"]], [["b"]], task="Intent", split="dev"),
        graded("bitvector", [[names(), names("x", "y")], []], [[names("x"), names("x", "y")], []], task="Bits"),
        graded("select", [["1"], ["0"]], [["0"], [None]], task="Arg"),
    ]


def test_round_trip(tmp_path, parts) -> None:
    path = tmp_path / "build/predictions.parquet"
    write_predictions(path, parts)
    found = read_predictions(path, {"Intent": "multiclass", "Bits": "bitvector", "Arg": "select"})
    assert sorted(found) == ["Arg", "Bits", "Intent"]
    for part in parts:
        if part.split == "test":
            assert_same(found[part.task], part)
    assert_same(read_predictions(path, {"Intent": "multiclass"}, "dev")["Intent"], parts[1])


def assert_same(found, part) -> None:
    assert found.labels == part.labels
    assert found.ids.tolist() == part.ids.tolist()
    for name in ("offsets", "gold", "predicted", "confidence", "gold_probability"):
        np.testing.assert_array_equal(getattr(found, name), getattr(part, name))
    assert found.slices.names_by_row() == part.slices.names_by_row()
    assert found.tags.names_by_row() == part.tags.names_by_row()


def test_file_is_as_promised(tmp_path, parts) -> None:
    from pyarrow import parquet as pq

    path = tmp_path / "predictions.parquet"
    write_predictions(path, parts)
    rows = pq.read_table(path).to_pylist()
    assert [(row["task"], row["split"], row["id"]) for row in rows] == sorted(
        (row["task"], row["split"], row["id"]) for row in rows
    )
    intent = next(row for row in rows if (row["task"], row["split"], row["id"]) == ("Intent", "test", "r00000"))
    assert intent == {"task": "Intent", "id": "r00000", "split": "test", "slices": ["r", "s"], "tags": [],
                      "gold": ["a"], "predicted": ["a"], "confidence": [0.5], "gold_probability": [1.0]}
    bits = next(row for row in rows if row["task"] == "Bits")
    assert bits["gold"] == ["[]", '["x","y"]']
    ungraded = next(row for row in rows if (row["task"], row["split"], row["id"]) == ("Intent", "test", "r00002"))
    assert (ungraded["gold"], ungraded["gold_probability"], ungraded["predicted"]) == ([None], [None], ["b"])
    assert pq.read_schema(path).metadata is None


def test_same_predictions_same_bytes(tmp_path, parts) -> None:
    write_predictions(tmp_path / "a", parts)
    write_predictions(tmp_path / "b", reversed(parts))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_predicted(tmp_path) -> None:
    write_predictions(tmp_path / "none", [])
    assert read_predictions(tmp_path / "none", {"T": "multiclass"}) == {}


def test_position_of_an_item(graded) -> None:
    part = graded("multiclass", [["a"], ["a", "b"]], [["a"], ["a", "b"]])
    assert [part.position(item) for item in range(3)] == [0, 0, 1]
