from __future__ import annotations

import json

from ovt.quality.policy.verdict import judge
from ovt.render.as_json import check_json, diff_json, flips_json


def test_diff_has_the_promised_shape(diff) -> None:
    found = json.loads(json.dumps(diff_json(diff), allow_nan=False))
    assert found["format"] == "ovt.diff/1"
    assert found["a"] == {"name": "HEAD~1", "commit": "1f" * 20, "subject": "Add | pipes <b>and</b> @tags",
                          "model": "model-a", "eval_set": "exam"}
    assert found["b"]["commit"] is None
    assert found["rows"][0] == {
        "task": "Intent", "slice": "nutrition", "metric": "accuracy", "n": 200, "old": 0.95, "new": 0.8, "delta": -0.15,
        "low": -0.21, "high": -0.09, "p": 0.0, "verdict": "regressed", "broken": 30, "fixed": 0, "critical": True,
        "why": "p < 0.001 after correction", "seeds": [1, 1], "old_spread": None, "new_spread": None, "shipped": None,
        "remeasured": False, "negative_flip_rate": None, "negative_flip_low": None, "negative_flip_high": None,
        "noise_flip_rate": None, "detectable": None,
    }
    assert found["rows"][3]["slice"] is None
    assert found["notes"] == ["each version was trained once"]


def test_check(diff) -> None:
    found = check_json(judge(diff))
    assert (found["format"], found["verdict"], found["exit_code"]) == ("ovt.check/1", "fail", 1)
    assert len(found["reasons"]) == 2
    assert found["diff"] == diff_json(diff)


def test_flips(flips) -> None:
    found = flips_json(flips)
    assert found["format"] == "ovt.flips/1"
    assert found["flips"][0]["slices"] == ["nutrition", "rare"]
    assert found["flips"][1]["new"] == '["title"]'
