"""A corrected test label: graded again, nothing trained, and the commit knows its results."""

from __future__ import annotations

import json

from person import Person


def test_a_corrected_test_label_is_graded_again_and_trains_nothing(trained: Person) -> None:
    record = json.loads((trained.folder / "data/questions.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["tags"][0] == "test"
    other = next(name for name in ("age", "food", "height") if name != record["tasks"]["Intent"]["gold"])
    trained.types("ovt", "annotate", "correct", "q0000", "--task", "Intent", "--label", other)
    assert "supervision.dvc" in trained.types("git", "status", "--short")
    actions = trained.actions()
    assert actions["compile"] == "ran"
    assert actions["train"] == "unchanged"
    assert actions["evaluate"] == "ran"
    assert set(trained.actions().values()) == {"unchanged"}
    trained.types("ovt", "commit", "-m", "Correct one")
    assert "supervision/corrections.jsonl" not in trained.types("git", "ls-files")
    versions = trained.json("ovt", "log")["versions"]
    assert [version["state"] for version in versions] == ["ready", "ready"]
    assert trained.types("dvc", "status", "-q", code=0) == ""


def test_a_corrected_train_label_is_trained_on(trained: Person) -> None:
    record = next(n for n in range(500) if n % 4 and n % 10 != 1)
    trained.types("ovt", "annotate", "correct", f"q{record:04}", "--task", "Intent", "--label", "food")
    actions = trained.actions("compile", "label")
    assert actions["label"] == "ran"
    (task,) = trained.json("ovt", "explain", "--record", f"q{record:04}", "--task", "Intent")["tasks"]
    assert task["items"][0]["target"][0] == ["food", 1.0]
    assert task["items"][0]["corrections"][0]["source"] == "ada@example.org"
    again = trained.sees("ovt", "annotate", "correct", f"q{record:04}", "--task", "Intent", "--label", "fod", code=2)
    assert "did you mean `food`?" in again.stderr
