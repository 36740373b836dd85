"""The day in the life: from a folder of records to a pull-request verdict, a push and a clone, as a person types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from person import FOOD, Person

if TYPE_CHECKING:
    import pytest


def _row(diff: dict[str, Any], slice_: str | None) -> dict[str, Any]:
    return next(row for row in diff["rows"] if row["slice"] == slice_)


def test_the_day_in_the_life(trained: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # Morning: food questions are misread; a labeling function is added and committed.
    first = trained.json("ovt", "show")["tasks"]["Intent"]["splits"]["test"]["overall"]["accuracy"]["value"]
    trained.write("labelers/food.yaml", FOOD)
    tried = trained.json("ovt", "label", "--source", "eat_words", "--sample", "5")
    assert {item["vote"] for record in tried["trials"][0]["records"] for item in record["items"]} >= {"food"}
    made = trained.json("ovt", "commit", "-m", "label food")
    assert {"labelers/food.yaml", "dvc.lock", "reports/quality.json"} <= set(made["files"])
    assert trained.types("git", "status", "--porcelain") == ""

    # The slice diff, and the verdict.
    diff = trained.json("ovt", "diff", "HEAD~1", "HEAD")
    assert diff["format"] == "ovt.diff/1"
    assert _row(diff, None)["verdict"] == "improved"
    assert _row(diff, None)["old"] == first
    assert {row["slice"] for row in diff["rows"]} == {None, "salads", "towers"}
    assert trained.types("ovt", "check", "HEAD~1").startswith("PASS")
    sources = trained.json("ovt", "source", "list")["sources"]
    assert {"eat_words", "old_words", "tall_words", "weak"} == {row["source"] for row in sources}

    # A bad idea is stopped with exit 1, in every format.
    (trained.folder / "labelers/food.yaml").unlink()
    assert "labelers/food.yaml" in trained.json("ovt", "commit", "-m", "drop food")["files"]
    assert trained.sees("ovt", "check", "HEAD~1", code=1).stdout.startswith("FAIL")
    assert "▼" in trained.types("ovt", "check", "HEAD~1", "--format", "md", code=1)
    assert json.loads(trained.types("ovt", "check", "HEAD~1", "--format", "json", code=1))["verdict"] == "fail"
    assert trained.sees("ovt", "diff", "HEAD~1", "HEAD", "--exit-code", code=1)

    # Back to the good version: nothing trains.
    trained.types("git", "revert", "--no-edit", "HEAD", OVT_SKIP="1")
    trained.types("ovt", "checkout", "HEAD")
    assert set(trained.actions().values()) == {"unchanged"}

    # Evening: push, and a colleague has it byte for byte.
    bare, storage = tmp_path / "origin.git", tmp_path / "storage"
    trained.types("git", "init", "--quiet", "--bare", str(bare))
    trained.types("git", "remote", "add", "origin", str(bare))
    trained.types("ovt", "remote", "add", str(storage))
    trained.types("git", "commit", "--quiet", "-m", "remote", "--", ".dvc/config", OVT_SKIP="1")
    trained.types("ovt", "push")
    trained.types("git", "push", "--quiet", "origin", "HEAD:main", OVT_SKIP="1")
    colleague = Person(tmp_path / "colleague")
    trained.types("git", "clone", "--quiet", "--branch", "main", str(bare), str(colleague.folder))
    colleague.types("ovt", "pull")
    for name in ("build/predictions.parquet", "model/weights.safetensors"):
        assert (colleague.folder / name).read_bytes() == (trained.folder / name).read_bytes()
    assert set(colleague.actions().values()) == {"unchanged"}
    assert [version["state"] for version in colleague.json("ovt", "log")["versions"]][:1] == ["ready"]


def test_two_clones_make_the_same_lock(trained: Person, tmp_path: Path) -> None:
    trained.types("ovt", "remote", "add", str(tmp_path / "storage"))
    trained.types("git", "commit", "--quiet", "-m", "remote", "--", ".dvc/config")
    trained.types("ovt", "push")
    locks = []
    for name in ("one", "two"):
        clone = Person(tmp_path / name)
        trained.types("git", "clone", "--quiet", str(trained.folder), str(clone.folder))
        clone.types("ovt", "pull")
        (clone.folder / "dvc.lock").unlink()
        shutil.rmtree(clone.folder / "build")
        shutil.rmtree(clone.folder / "model")
        shutil.rmtree(clone.folder / ".dvc/cache/runs", ignore_errors=True)
        assert set(clone.actions("--force").values()) == {"ran"}
        locks.append((clone.folder / "dvc.lock").read_bytes())
    assert locks[0] == locks[1] == (trained.folder / "dvc.lock").read_bytes()


def test_a_plain_git_commit_trains_in_the_background_and_diff_finds_the_result(trained: Person) -> None:
    trained.types("ovt", "hooks", "install")
    head = trained.types("git", "rev-parse", "HEAD")
    trained.write("labelers/food.yaml", FOOD)
    trained.types("git", "add", "labelers/food.yaml")
    shown = trained.sees("git", "commit", "-m", "food by a plain commit")
    assert "training queued" in shown.stderr
    trained.types("ovt", "jobs", "wait", "--timeout", "200")
    assert trained.types("git", "rev-parse", "HEAD~1") == head, "the hook made no second commit"
    diff = trained.json("ovt", "diff", "HEAD~1", "HEAD")
    assert _row(diff, None)["verdict"] == "improved"
    assert trained.types("git", "status", "--porcelain") == ""
    # An amended message has the same inputs, so it has the same run.
    trained.types("git", "commit", "--quiet", "--amend", "-m", "food, better said")
    assert trained.json("ovt", "diff", "HEAD~1", "HEAD")["rows"] == diff["rows"]


def test_other_staged_files_stay_staged_and_a_half_staged_input_stops_the_commit(trained: Person) -> None:
    trained.write("notes.txt", "mine\n")
    trained.types("git", "add", "notes.txt")
    trained.write("labelers/food.yaml", FOOD)
    trained.types("ovt", "commit", "-m", "food", "--train", "never")
    assert trained.types("git", "show", "--name-only", "--format=", "HEAD").split() == ["labelers/food.yaml"]
    assert trained.types("git", "status", "--porcelain").split() == ["A", "notes.txt"]
    trained.write("labelers/food.yaml", FOOD + "\n")
    trained.types("git", "add", "labelers/food.yaml")
    trained.write("labelers/food.yaml", FOOD + "# more\n")
    shown = trained.sees("ovt", "commit", "-m", "half", code=3)
    assert "partly staged" in shown.stderr
    assert "git add labelers/food.yaml" in shown.stderr


def test_a_second_commit_without_changes_says_so(trained: Person) -> None:
    assert "nothing to commit" in trained.types("ovt", "commit", "-m", "again")
