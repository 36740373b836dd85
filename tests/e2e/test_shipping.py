"""A version leaves its repository: exported, loaded elsewhere, asked by file, by pipe and from Python."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from person import Person

import ovt

QUESTION = {"payloads": {"query": "how tall is the tower"}}


def write_lines(person: Person, *records: Any) -> None:
    person.write("in.jsonl", "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records))


def test_a_version_is_exported_and_answers_elsewhere(trained: Person, tmp_path: Path) -> None:
    done = trained.sees("ovt", "export", "HEAD", "--output", "bundle")
    assert done.stdout == "bundle\n"
    assert done.stderr.splitlines()[-1] == "next: ovt predict --bundle bundle FILE.jsonl"
    assert "int8 takes" in done.stderr
    shutil.move(trained.folder / "bundle", tmp_path / "elsewhere")
    model = ovt.load(tmp_path / "elsewhere")
    answer = model.predict([QUESTION])[0]
    assert answer["tasks"]["Intent"]["label"] == "height"
    assert answer["made"] == {"tokens": ["how", "tall", "is", "the", "tower"]}
    assert model.manifest["key"] == trained.json("ovt", "log")["versions"][0]["key"]
    quality = json.loads((tmp_path / "elsewhere" / "quality.json").read_text())
    report = trained.json("ovt", "show", "HEAD")
    assert quality["tasks"]["Intent"]["overall"]["value"] == report["tasks"]["Intent"]["splits"]["test"]["overall"]["accuracy"]["value"]
    assert quality["tasks"]["Intent"]["slices"].keys() == {"salads", "towers"}


def test_predictions_are_those_that_were_graded(trained: Person) -> None:
    table = ovt.open(trained.folder).predictions("HEAD")
    wanted = {row.id: (row.predicted[0], row.confidence[0]) for row in table.itertuples()}
    done = trained.sees("ovt", "predict", "data/questions.jsonl")
    found = {answer["id"]: answer["tasks"]["Intent"] for answer in map(json.loads, done.stdout.splitlines())}
    assert len(found) == 500
    for name, (label, confidence) in wanted.items():
        assert found[name]["label"] == label
        assert found[name]["confidence"] == pytest.approx(confidence, abs=1e-4)
    assert "for this first time" in done.stderr
    assert "for this first time" not in trained.sees("ovt", "predict", "data/questions.jsonl").stderr
    assert ovt.open(trained.folder).load().predict([QUESTION])[0]["tasks"]["Intent"]["label"] == "height"


def test_answers_are_lines_of_supervision(trained: Person) -> None:
    write_lines(trained, QUESTION)
    answer = json.loads(trained.types("ovt", "predict", "in.jsonl"))
    answer["tasks"]["Intent"].pop("id", None)
    row = {"id": "q0001", "task": "Intent", "source": "model", **answer["tasks"]["Intent"]}
    trained.write("supervision/model.jsonl", json.dumps(row) + "\n")
    trained.types("ovt", "run", "label")
    assert "model" in trained.types("ovt", "source", "list")


def test_bad_lines_are_told_and_left_out(trained: Person) -> None:
    write_lines(trained, QUESTION, "{", {"payloads": {"query": 3}}, QUESTION)
    done = trained.sees("ovt", "predict", "in.jsonl")
    assert len(done.stdout.splitlines()) == 2
    assert "in.jsonl:2: broken JSON" in done.stderr
    assert "in.jsonl:3: payloads.query: found number 3, expected text" in done.stderr
    assert "answered 2 records; 2 lines are no records" in done.stderr
    strict = trained.sees("ovt", "predict", "--strict", "in.jsonl", code=1)
    assert strict.stdout == done.stdout


def test_parquet_and_files_are_whole_or_not_there(trained: Person) -> None:
    import pyarrow.parquet as pq

    trained.types("ovt", "predict", "data/questions.jsonl", "--output", "out/a.parquet")
    table = pq.read_table(trained.folder / "out/a.parquet")
    assert table.column_names == ["id", "Intent.label", "Intent.confidence"]
    assert table.num_rows == 500
    assert [path.name for path in (trained.folder / "out").iterdir()] == ["a.parquet"]
    trained.types("ovt", "predict", "nowhere.jsonl", "--output", "out/b.jsonl", code=2)
    trained.types("ovt", "predict", "in.jsonl", "--format", "parquet", code=2)
    trained.types("ovt", "predict", "in.jsonl", "--bundle", "nowhere", code=2)
    assert [path.name for path in (trained.folder / "out").iterdir()] == ["a.parquet"]


@pytest.mark.slow
def test_ctrl_c_and_a_reader_that_leaves_end_it_quietly(trained: Person) -> None:
    trained.types("ovt", "export", "--no-int8", "--output", "bundle")
    lines = (json.dumps(QUESTION) + "\n") * 400_000
    trained.write("many.jsonl", lines)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["ovt", "predict", "--bundle", "bundle", "--processes", "2", "many.jsonl"]
    left = subprocess.run(f"{' '.join(command)} | head -n 1", shell=True, cwd=trained.folder, env=environment,
                          capture_output=True, text=True, check=False, timeout=120)
    assert json.loads(left.stdout)["tasks"]["Intent"]["label"] == "height"
    assert "Traceback" not in left.stderr
    child = subprocess.Popen([*command, "--output", "out.jsonl"], cwd=trained.folder, env=environment,
                             start_new_session=True, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in errors
    assert not (trained.folder / "out.jsonl").exists()
    assert not [path for path in trained.folder.iterdir() if path.name.startswith(".out")]

