"""What one looks at between versions: `log --slice`, `slice list`, `show --slice`, `diff --data`, `report --html`."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from person import FOOD, Person

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def two(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Two versions; tests only read them, or copy them first."""
    folder = tmp_path_factory.mktemp("monitoring") / "project"
    shutil.copytree(trained_template, folder, symlinks=True)
    person = Person(folder)
    person.write("labelers/food.yaml", FOOD)
    person.types("ovt", "commit", "-m", "food")
    return person


def test_a_slice_is_followed_over_the_versions(two: Person) -> None:
    done = two.sees("ovt", "log", "--slice", "towers")
    assert done.stderr.startswith("Intent · towers · accuracy (higher is better)  ")
    header, newest, oldest = done.stdout.splitlines()
    assert header.split("\t")[:4] == ["version", "when", "n", "value"]
    assert newest.endswith("food")
    assert oldest.endswith("first")
    told = two.json("ovt", "log", "--slice", "salads", "--task", "Intent", "--metric", "log_loss")
    assert (told["format"], told["better"], len(told["versions"])) == ("ovt.trend/1", "lower", 2)
    report = two.json("ovt", "show", "HEAD")["tasks"]["Intent"]["splits"]["test"]
    assert told["versions"][0]["value"] == report["slices"]["salads"]["log_loss"]["value"]


@pytest.mark.parametrize(("words", "why"), [
    (["log", "--slice", "twoers"], "did you mean `towers`?"), (["log", "--task", "Intnt"], "did you mean `Intent`?"),
    (["log", "--task", "Intent", "--metric", "acuracy"], "did you mean `accuracy`?"),
    (["show", "--slice", "towers & saladz"], "did you mean `salads`?"), (["show", "--classes"], "--task"),
    (["report"], "`ovt report` makes a page"), (["show", "--split", "tset"], "did you mean `test`?"),
])
def test_what_is_not_understood_has_a_neighbour(two: Person, words: list[str], why: str) -> None:
    done = two.sees("ovt", *words, code=2)
    assert done.stdout == ""
    assert why in done.stderr


def test_an_intersection_is_measured_on_the_spot(two: Person) -> None:
    inside = two.json("ovt", "show", "HEAD", "--slice", "salads & !towers")["tasks"]["Intent"]["splits"]["test"]["overall"]
    whole = two.json("ovt", "show", "HEAD")["tasks"]["Intent"]["splits"]["test"]
    assert inside["n"] == whole["slices"]["salads"]["n"]
    both = two.json("ovt", "show", "HEAD", "--slice", "salads | towers")["tasks"]["Intent"]["splits"]["test"]["overall"]
    assert both["n"] == whole["slices"]["salads"]["n"] + whole["slices"]["towers"]["n"]
    everything = two.json("ovt", "show", "HEAD", "--slice", "!(salads & towers)")["tasks"]["Intent"]["splits"]["test"]
    assert everything["overall"] == whole["overall"]
    alone = two.json("ovt", "show", "HEAD", "--slice", "salads")["tasks"]["Intent"]["splits"]["test"]["overall"]
    assert alone == whole["slices"]["salads"]


def test_each_class_has_its_numbers(two: Person) -> None:
    found = two.json("ovt", "show", "HEAD", "--task", "Intent", "--classes")["splits"]["test"]
    confusion = two.json("ovt", "show", "HEAD")["tasks"]["Intent"]["splits"]["test"]["overall"]["confusion"]
    assert sum(row["support"] for row in found) == sum(sum(line.values()) for line in confusion.values())
    for row in found:
        hits = confusion.get(row["name"], {}).get(row["name"], 0)
        if row["support"]:
            assert row["recall"]["value"] == pytest.approx(hits / row["support"], abs=1e-6)
            assert row["recall"]["low"] <= row["recall"]["value"] <= row["recall"]["high"]


def test_the_page_is_one_file_that_is_the_same_each_time(two: Person, tmp_path: Path) -> None:
    two.types("ovt", "report", "--html", "HEAD~1..HEAD", "--output", str(tmp_path / "a.html"))
    two.types("ovt", "report", "HEAD", "--html", "-o", str(tmp_path / "b.html"))
    first = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert first.count("<svg") == 3  # slices, versions, calibration
    assert "What changed, regressions first" in first
    assert "q0000" not in first
    assert str(two.folder) not in first
    assert first == (tmp_path / "b.html").read_text(encoding="utf-8")


def test_slices_tell_overlap_and_whether_the_model_knows_them(two: Person) -> None:
    rows = {row["name"]: row for row in two.json("ovt", "slice", "list", "--indicators")["slices"]}
    assert set(rows) == {"salads", "towers"}
    assert rows["towers"]["overlap"] is None
    assert "indicators" not in two.json("ovt", "slice", "list")["slices"][0]
    assert all(0 <= value <= 1 for row in rows.values() for value in row["indicators"].values())
    assert set(rows["towers"]["indicators"]) == {"query"}
    assert rows["towers"]["at"] == "slices/slices.yaml:2"
    kept = list((two.folder / ".ovt/cache/indicators").glob("*.json"))
    assert len(kept) == 1


def test_an_old_version_without_its_data_says_pull(two: Person, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    two.types("git", "clone", "--quiet", str(two.folder), str(folder))
    clone = Person(folder)
    done = clone.sees("ovt", "diff", "--data", "HEAD~1", "HEAD", code=4)
    assert "try  ovt pull HEAD~1" in done.stderr


def test_edited_data_is_compared_before_anything_is_run(trained: Person) -> None:
    assert "the data is the same" in trained.sees("ovt", "diff", "--data", "HEAD", "HEAD").stderr
    path = trained.folder / "data/questions.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in records:
        record["tasks"]["Intent"].pop("weak", None)
    tests = [record for record in records if "test" in record["tags"]][:20]
    records += [{**record, "id": f"copy-{record['id']}", "tags": ["train"], "tasks": {}} for record in tests]
    path.unlink()
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    done = trained.sees("ovt", "diff", "--data", "--exit-code", code=1)
    assert "HEAD → workspace: 500 → 520 records" in done.stderr
    assert "labeling functions were not run" in done.stderr
    told = trained.json("ovt", "diff", "--data")
    assert told["format"] == "ovt.datadiff/1"
    kinds = {(found["severity"], found["kind"]) for found in told["findings"]}
    assert ("problem", "source-vanished") in kinds
    (train,) = [row for row in told["records"] if row["split"] == "train"]
    assert (train["added"], train["removed"]) == (20, 0)
    (test,) = [row for row in told["records"] if row["split"] == "test"]
    assert test["copies"] >= 20
    assert not list((trained.folder / ".ovt/scratch").iterdir())


def test_two_versions_are_read_from_the_cache(two: Person) -> None:
    told = two.json("ovt", "diff", "--data", "HEAD~1", "HEAD")
    new = [row for row in told["sources"] if row["old"] is None]
    assert [row["source"] for row in new] == ["eat_words"]
    assert told["notes"] == []
    assert [row["added"] + row["removed"] + row["changed"] for row in told["records"]] == [0, 0, 0]


@pytest.mark.parametrize("words", [
    ["log", "--slice", "towers"], ["show", "HEAD", "--slice", "towers & !salads"], ["diff", "--data", "HEAD~1", "HEAD"],
    ["report", "--html", "HEAD"], ["slice", "list"], ["show", "HEAD", "--task", "Intent", "--classes"],
], ids=" ".join)
def test_looking_imports_nothing_heavy(two: Person, words: list[str]) -> None:
    script = (
        "import sys, json\nfrom ovt.cli.main import main\n"
        f"code = main({words!r})\nsys.stdout.flush()\n"
        "print('\\n' + json.dumps([code, [name for name in ('torch', 'pandas', 'dvc', 'optuna') if name in sys.modules]]))"
    )
    assert json.loads(two.types(sys.executable, "-c", script).strip().splitlines()[-1]) == [0, []]
