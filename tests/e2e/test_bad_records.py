"""Bad records: counted, kept aside, named by file and line; the run goes on under the limit and stops above it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from person import Person

GOOD: dict[str, Any] = {"payloads": {"query": "how tall is the tower"}, "tasks": {"Intent": {"weak": "height"}}, "tags": ["train"]}
BAD = {
    "broken JSON": ('{"id": "x", "payloads": {', "JSON"),
    "wrong type": (json.dumps({**GOOD, "payloads": {"query": 7}}), "query"),
    "unknown payload": (json.dumps({**GOOD, "payloads": {"query": "q", "qurey": "q"}}), "qurey"),
    "unknown task": (json.dumps({**GOOD, "tasks": {"Intnet": {"weak": "height"}}}), "Intnet"),
    "duplicate id": (json.dumps({**GOOD, "id": "q0000"}), "q0000"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_named_and_kept_aside_and_the_run_goes_on(fresh: Person, name: str) -> None:
    line, word = BAD[name]
    fresh.types("ovt", "init", "--no-hooks")
    fresh.write("data/zz.jsonl", f"{json.dumps(GOOD)}\n{line}\n")
    shown = fresh.sees("ovt", "run", "compile")
    assert "data/zz.jsonl:2" in shown.stderr
    assert word in shown.stderr
    kept = [path.read_text(encoding="utf-8") for path in (fresh.folder / ".ovt/quarantine").rglob("*") if path.is_file()]
    assert any(word in text for text in kept)
    strict = fresh.sees("ovt", "run", "compile", "--strict", "--force", code=3)
    assert "data/zz.jsonl:2" in strict.stderr


def test_above_the_limit_the_run_stops_and_the_last_good_state_stays(trained: Person) -> None:
    lock = (trained.folder / "dvc.lock").read_bytes()
    trained.write("data/zz.jsonl", "{broken\n" * 40)
    shown = trained.sees("ovt", "run", code=3)
    assert "data/zz.jsonl:1" in shown.stderr
    assert (trained.folder / "dvc.lock").read_bytes() == lock
    assert (trained.folder / "build/store").is_dir()


def test_a_bad_record_of_test_stops_the_run(fresh: Person) -> None:
    fresh.types("ovt", "init", "--no-hooks")
    fresh.write("data/zz.jsonl", json.dumps({**GOOD, "payloads": {"query": 7}, "tags": ["test"]}) + "\n")
    assert "data/zz.jsonl:1" in fresh.sees("ovt", "run", "compile", code=3).stderr


def test_a_failing_labeling_function_is_named_with_line_and_record(trained: Person) -> None:
    trained.write("labelers/bad.py", """
from ovt import labeling_function

@labeling_function(task="Intent")
def bad(r):
    return "height" if len(r.tokens[99]) else None
""")
    shown = trained.sees("ovt", "run", code=3)
    assert "labeling function `bad` failed on 500 of 500 records" in shown.stderr
    assert "labelers/bad.py:6" in shown.stderr
    assert "ovt label --source bad --record" in shown.stderr
    assert "IndexError" in trained.sees("ovt", "label", "--source", "bad", "--record", "q0000", code=3).stdout
