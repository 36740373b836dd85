from __future__ import annotations

import json

import numpy as np
import pytest

from ovt.quality import report as module
from ovt.quality.report import eval_set_digest, flat_metrics, model_digest, quality_report


@pytest.fixture
def parts(graded, names):
    return [
        graded("multiclass", [["a"], ["b"], ["b"], [None]], [["a"], ["a"], ["b"], ["a"]], task="Intent",
               slices={"s": [1, 2]}, tags={"date:1": [0, 3], "date:2": [3]}),
        graded("multiclass", [["a"]], [["b"]], task="Intent", split="dev"),
        graded("bitvector", [[names("x"), names()]], [[names("x", "y"), names()]], task="Bits"),
        graded("select", [[None]], [["0"]], task="Ungraded"),
    ]


def test_report_has_the_promised_shape(parts) -> None:
    report = quality_report(parts, "m", ["s", "empty"])
    assert (report["format"], report["model"]) == ("ovt.quality/1", "m")
    assert sorted(report["tasks"]) == ["Bits", "Intent"]
    intent = report["tasks"]["Intent"]
    assert intent["primary"] == "accuracy"
    assert sorted(intent["splits"]) == ["dev", "test"]
    test = intent["splits"]["test"]
    assert test["overall"]["n"] == 3
    assert test["overall"]["accuracy"] == {"value": 0.666667, "low": 0.20766, "high": 0.938508}
    assert test["overall"]["confusion"] == {"a": {"a": 1}, "b": {"a": 1, "b": 1}}
    assert test["slices"]["s"]["n"] == 2
    assert test["slices"]["empty"] == {"n": 0, "items": 0}
    assert test["tags"]["date:1"]["n"] == 1
    assert test["tags"]["date:2"] == {"n": 0, "items": 0}
    bits = report["tasks"]["Bits"]["splits"]["test"]["overall"]
    assert bits["confusion"] == {"x": {"hit": 1, "false": 0, "missed": 0}, "y": {"hit": 0, "false": 1, "missed": 0}}
    assert (bits["n"], bits["items"]) == (1, 2)


def test_report_is_json_without_ids_and_without_nan(parts) -> None:
    text = json.dumps(quality_report(parts, "m", ["s"]), allow_nan=False)
    assert "r0000" not in text


def test_no_gold_at_all(graded) -> None:
    report = quality_report([graded("select", [[None]], [["0"]])], "m", ["s"])
    assert report["tasks"] == {}
    assert flat_metrics(report) == {}


def test_flat_metrics(parts) -> None:
    flat = flat_metrics(quality_report(parts, "m", ["s", "empty"]))
    assert flat["Intent.test.accuracy"] == 0.666667
    assert flat["Intent.test.slice.s.accuracy"] == 0.5
    assert flat["Bits.test.f1_micro"] == pytest.approx(2 / 3, abs=1e-6)
    assert not any("empty" in name or "confusion" in name for name in flat)


def test_classes_beyond_the_cap_are_merged(graded, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_CLASSES", 2)
    gold = [["a"], ["a"], ["b"], ["b"], ["c"], ["d"]]
    found = [["a"], ["c"], ["b"], ["b"], ["d"], ["d"]]
    overall = quality_report([graded("multiclass", gold, found)], "m", [])["tasks"]["T"]["splits"]["test"]["overall"]
    assert overall["confusion"] == {"a": {"a": 1, "(other)": 1}, "b": {"b": 2}, "(other)": {"(other)": 2}}


def test_tags_beyond_the_cap_are_counted(graded, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_TAGS", 2)
    part = graded("multiclass", [["a"]] * 3, [["a"]] * 3, tags={"p": [0], "q": [0, 1], "r": [0]})
    split = quality_report([part], "m", [])["tasks"]["T"]["splits"]["test"]
    assert (sorted(split["tags"]), split["tags_left_out"]) == (["p", "q"], 1)


def test_eval_set_is_ids_and_gold_of_test_alone(graded) -> None:
    gold = [["a"], ["b"]]
    base = graded("multiclass", gold, [["a"], ["a"]])
    other_model = graded("multiclass", gold, [["c"], ["a"]], confidence=[0.1, 0.2])
    dev = graded("multiclass", gold, gold, split="dev", task="U")
    assert eval_set_digest([base]) == eval_set_digest([other_model]) == eval_set_digest([base, dev])
    for changed in (
        graded("multiclass", [["a"], ["a"]], gold), graded("multiclass", gold, gold, ids=["r00000", "r00002"]),
        graded("multiclass", [["a"], [None]], gold), graded("multiclass", [["a", "b"]], [["a", "b"]]),
    ):
        assert eval_set_digest([changed]) != eval_set_digest([base])


def test_model_digest_is_of_names_and_contents(tmp_path) -> None:
    def folder(name: str, files: dict[str, bytes]):
        for path, content in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(content)
        return model_digest(tmp_path / name)

    base = folder("a", {"w": b"1", "x/y": b"2"})
    assert folder("b", {"x/y": b"2", "w": b"1"}) == base
    assert folder("c", {"w": b"2", "x/y": b"1"}) != base
    assert folder("d", {"w": b"1", "x/z": b"2"}) != base


def test_many_tags_on_many_records_are_quick(graded) -> None:
    import time

    rng = np.random.default_rng(0)
    labels = [f"c{number:02d}" for number in range(30)]
    n = 20_000
    tags = {f"t{number}": np.sort(rng.choice(n, 400, replace=False)) for number in range(40)}
    gold = [[labels[code]] for code in rng.integers(0, 30, n)]
    part = graded("multiclass", gold, gold, tags=tags)
    start = time.process_time()
    quality_report([part], "m", [])
    assert time.process_time() - start < 5
