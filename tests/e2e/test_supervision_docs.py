"""The commands of docs/supervision.md, typed one after the other in the factoid starter, as the page shows them."""

from __future__ import annotations

import csv
import json
import random
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ovt.cli.main import main

DOCS = Path(__file__).parents[2] / "docs/supervision.md"
RECORDS = 1200
"""Of the starter's 8,000: enough for every command to have something to show."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with fewer records, and the labels that the page shows, with more of their kind."""
    folder = tmp_path_factory.mktemp("docs") / "p"
    assert main(["init", str(folder), "--template", "factoid", "--no-hooks", "-q"]) == 0
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=folder, check=True)
    lines = [line for path in sorted((folder / "data").glob("*.jsonl")) for line in path.read_text().splitlines()][:RECORDS]
    for path in (folder / "data").glob("*.jsonl"):
        path.unlink()
    (folder / "data/few.jsonl").write_text("\n".join(lines) + "\n")
    schema = json.loads((folder / "schema.json").read_text())
    schema["tasks"]["Intent"]["guideline"] = "guidelines/intent.md"
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "guidelines").mkdir()
    (folder / "guidelines/intent.md").write_text("What is asked for.\n")
    dice = random.Random(0)
    rows = [json.loads(line) for line in blocks("json")[0].splitlines()]
    for line in lines[:500]:
        record = json.loads(line)
        said = next(iter(record["tasks"].get("Intent", {}).values()), None) or "age"
        rows.append({"id": record["id"], "task": "Intent", "source": "gpt", "label": said, "confidence": round(dice.random(), 3)})
        rows.append({"id": record["id"], "task": "Intent", "source": "crowd", "worker": dice.choice("ABC"), "label": said})
    rows.append({"id": json.loads(lines[0])["id"], "task": "Intent", "source": "crowd", "worker": "A3RLCGR", "label": "age"})
    (folder / "supervision").mkdir(exist_ok=True)
    (folder / "supervision/outside.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def fill(sheet: Path) -> None:
    """A person who types the first class that the sheet allows into the first ten rows."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:10]:
        row["label"] = row["how"].removeprefix("one of: ").split(" | ")[0]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_every_command_of_the_page_works(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    said = {}
    for command in [line for block in blocks("sh") for line in block.splitlines()]:
        program, *words = shlex.split(command)
        assert program == "ovt"
        if words[:2] == ["annotate", "import"]:
            fill(project / words[2])
        capsys.readouterr()
        code = main(words)
        told = capsys.readouterr()
        assert code == 0, f"{command}\n{told.err}"
        said[" ".join(words[:2])] = said.get(" ".join(words[:2]), "") + told.out + told.err
    _as_promised(project, said)
    assert main(["source", "show", "crowd/A3RLCGR"]) == 0
    assert "on Intent: 1 votes" in capsys.readouterr().err
    for file in project.rglob("reports/*.json"):
        assert "A3RLCGR" not in file.read_text()


def _as_promised(project, said):
    assert "crowd (10 workers)" in said["source list"]  # six of the starter's records, four of the table
    assert {f"gpt@q{part}" for part in range(1, 5)} <= set(re.findall(r"gpt@q\d", said["source list"]))
    assert "GPT and three workers, first round" in said["source show"]
    assert "guideline guidelines/intent.md" in said["source show"]
    assert "not fit to be gold" in said["annotate export"]
    assert "10 labels added, 0 there already, 40 left empty" in said["annotate import"]
    assert "signed ada@example.org" in said["annotate correct"]
    assert "log-odds" in said["explain --record"]
    assert "labels of Intent" in said["task labels"]
    corrections = (project / "supervision/corrections.jsonl").read_text().splitlines()
    assert [json.loads(line).get("retracted", False) for line in corrections] == [False, False, True]
    assert (project / "supervision.dvc").is_file()
    assert "/supervision" in (project / ".gitignore").read_text()
