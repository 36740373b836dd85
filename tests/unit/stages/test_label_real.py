"""The label stage on public data: votes are those of the files, and functions add to them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("OVT_REAL_DATA" not in os.environ, reason="OVT_REAL_DATA names no folder of data sets"),
]


def labelled(bench, name):
    source = Path(os.environ["OVT_REAL_DATA"]) / name
    (bench.root / "data").mkdir()
    shutil.copy(source / "schema.json", bench.root / "schema.json")
    shutil.copy(source / "data.jsonl", bench.root / "data/data.jsonl")
    bench.write("ovt.yaml", "gold: {train: false}\n")
    bench.run("compile", "label")
    return json.loads((bench.root / "reports/sources.json").read_text())["tasks"]


def test_coverage_of_inline_and_written_functions(bench):
    bench.write("labelers/a.yaml", "- {name: asks_to_subscribe, task: Spam, regex: '(?i)subscribe', label: SPAM}\n")
    rows = {row["source"]: row for row in labelled(bench, "youtube")["Spam"]["sources"]}
    assert len(rows) == 11
    assert rows["lf_keyword_my"]["coverage"] == pytest.approx(0.200, abs=0.0005)
    assert rows["lf_keyword_subscribe"]["coverage"] == pytest.approx(0.128, abs=0.0005)
    assert rows["asks_to_subscribe"]["coverage"] == pytest.approx(rows["lf_keyword_subscribe"]["coverage"], abs=0.02)
    assert rows["asks_to_subscribe"]["dev"]["accuracy"] > 0.9


def test_the_label_model_is_no_worse_than_majority_vote(bench):
    for task, found in labelled(bench, "webquestions").items():
        chosen, majority = found["candidates"][found["label_model"]], found["majority"]
        assert chosen["log_loss"] <= majority["log_loss"], task
