"""Starting: a fresh folder, an existing repository, a sub-folder of one; from a starter, or from one's own files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from person import SCHEMA, Person, make_records, write_records

if TYPE_CHECKING:
    from pathlib import Path

MADE = ("dvc.yaml", ".dvc/config", ".dvcignore", ".gitattributes", ".gitignore", "ovt.yaml", "schema.json")


@pytest.fixture
def somewhere(tmp_path: Path) -> Person:
    """An empty folder."""
    (tmp_path / "here").mkdir()
    return Person(tmp_path / "here")


@pytest.mark.parametrize("template", ["blank", "classify", "tag", "intent-slots", "link"])
def test_each_starter_has_what_a_project_needs(somewhere: Person, template: str) -> None:
    somewhere.types("ovt", "init", "--template", template)
    assert [name for name in MADE if not (somewhere.folder / name).is_file()] == []
    assert "installed" in somewhere.types("ovt", "hooks", "status")
    before = _contents(somewhere)
    somewhere.types("ovt", "init")
    assert _contents(somewhere) == before, "twice is safe"


def test_a_small_starter_runs_and_learns(somewhere: Person) -> None:
    somewhere.types("ovt", "init", "--template", "classify", "--no-hooks")
    assert set(somewhere.actions().values()) == {"ran"}
    report = json.loads((somewhere.folder / "reports/quality.json").read_text(encoding="utf-8"))
    assert all("test" in task["splits"] for task in report["tasks"].values())


def test_without_records_the_error_says_where_to_put_them(somewhere: Person) -> None:
    somewhere.types("ovt", "init", "--template", "blank", "--no-hooks")
    shown = somewhere.sees("ovt", "run", code=4)
    assert "no records yet" in shown.stderr
    assert "try  ovt add data/" in shown.stderr


def test_a_stage_alone_needs_what_the_one_before_it_writes(somewhere: Person) -> None:
    somewhere.types("ovt", "init", "--template", "classify", "--no-hooks")
    shown = somewhere.sees("ovt", "run", "label", code=4)
    assert "`label` has nothing to work on" in shown.stderr
    assert "build/store" in shown.stderr
    assert "try  ovt run" in shown.stderr


def test_the_factoid_starter_is_the_default_and_tells_its_estimate(somewhere: Person) -> None:
    shown = somewhere.types("ovt", "init")
    assert "8,000 records" in shown
    assert "seconds here" in shown
    assert _lines(somewhere) == 8000


def test_in_a_sub_folder_of_an_existing_repository(somewhere: Person) -> None:
    somewhere.types("git", "init", "--quiet", "--initial-branch=main")
    somewhere.write("app/main.py", "print('mine')\n")
    somewhere.types("git", "add", "-A")
    somewhere.types("git", "commit", "--quiet", "-m", "mine")
    project = Person(somewhere.folder / "models" / "intent")
    project.folder.mkdir(parents=True)
    project.write("schema.json", json.dumps(SCHEMA))
    write_records(project.folder / "data/a.jsonl", make_records(200))
    project.types("ovt", "init", "--no-hooks")
    made = project.json("ovt", "commit", "-m", "a model in a sub-folder")
    assert "schema.json" in made["files"]
    listed = somewhere.types("git", "ls-files").split()
    assert "models/intent/dvc.lock" in listed
    assert not [name for name in listed if "/data/" in name or "/build/" in name]
    assert somewhere.types("git", "status", "--porcelain") == ""
    assert set(project.actions().values()) == {"unchanged"}
    assert project.json("ovt", "log")["versions"][0]["state"] == "ready"


def test_from_own_csv_a_schema_is_proposed(somewhere: Person, tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for record in make_records(300):
            truth = record["tasks"]["Intent"]
            rows.writerow([record["payloads"]["query"], truth.get("gold", truth["weak"])])
    shown = somewhere.types("ovt", "init", "--data", str(path), "--no-hooks")
    assert "text" in shown
    schema = json.loads((somewhere.folder / "schema.json").read_text(encoding="utf-8"))
    assert "text" in schema["payloads"]
    assert [task["type"] for task in schema["tasks"].values()] == ["multiclass"]
    run = somewhere.sees("ovt", "run")
    assert "hash" in run.stderr, "splits by a hash of the id, and it says so"
    (task,) = json.loads((somewhere.folder / "reports/quality.json").read_text(encoding="utf-8"))["tasks"].values()
    assert task["splits"]["test"]["overall"]["accuracy"]["value"] > 0.6


def test_from_own_schema_and_several_files(somewhere: Person, tmp_path: Path) -> None:
    records = make_records(300)
    (tmp_path / "mine.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    write_records(tmp_path / "a.jsonl", records[:150])
    write_records(tmp_path / "b.jsonl", records[150:])
    somewhere.types("ovt", "init", "--schema", str(tmp_path / "mine.json"), "--data", str(tmp_path / "a.jsonl"),
                    str(tmp_path / "b.jsonl"), "--no-hooks")
    assert json.loads((somewhere.folder / "schema.json").read_text(encoding="utf-8")) == SCHEMA
    assert _lines(somewhere) == 300


@pytest.mark.parametrize(("words", "code", "what"), [
    (("--template", "factiod"), 2, "did you mean `factoid`?"),
    (("--template", "blank", "--data", "x.csv"), 2, "exclude each other"),
    (("--data", "missing.csv"), 2, "no file `missing.csv`"),
])
def test_what_is_typed_wrongly_is_told(somewhere: Person, words: tuple[str, ...], code: int, what: str) -> None:
    assert what in somewhere.sees("ovt", "init", *words, code=code).stderr


def test_files_that_are_there_are_never_overwritten(somewhere: Person) -> None:
    somewhere.write("README.md", "mine\n")
    somewhere.write(".gitignore", "secret\n")
    somewhere.types("ovt", "init", "--template", "classify", "--no-hooks")
    assert (somewhere.folder / "README.md").read_text(encoding="utf-8") == "mine\n"
    assert (somewhere.folder / ".gitignore").read_text(encoding="utf-8").startswith("secret\n")


def _lines(person: Person) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (person.folder / "data").glob("*.jsonl"))


def _contents(person: Person) -> dict[str, bytes]:
    paths = (path for path in person.folder.rglob("*") if path.is_file() and not {".git", ".ovt"} & set(path.parts))
    return {str(path): path.read_bytes() for path in paths}
