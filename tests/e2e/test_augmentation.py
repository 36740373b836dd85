"""Made records as a person meets them: the example of the docs from a cold start, and a function in a grown project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from person import Person

DOCS = Path(__file__).parents[2] / "docs/augmentation.md"
FUNCTION = '''from ovt import transformation_function

SAME = {"tall": "high", "high": "tall", "old": "aged"}

@transformation_function(per=1)
def synonym(r):
    """Another word."""
    words = [SAME.get(word, word) for word in r.tokens]
    return {"tokens": words} if words != r.tokens else None
'''


def test_the_example_of_the_docs_runs_from_a_cold_start(tmp_path: Path) -> None:
    text = DOCS.read_text("utf-8")
    script = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[-1]
    said = re.findall(r"```\n(`ages` made.*?)```", text, re.DOTALL)[0].splitlines()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False, env=env, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(said) <= set(done.stderr.splitlines())
    report = json.loads((tmp_path / "cold/reports/quality.json").read_text())
    assert report["tasks"]["Intent"]["splits"]["test"]["overall"]["n"] == 2
    made = {row["source"]: row for row in json.loads((tmp_path / "cold/reports/sources.json").read_text())["generators"]}
    assert {name: row["kept"] for name, row in made.items()} == {"ages": 16, "heights": 19, "politely": 0}
    assert made["ages"]["tasks"]["Intent"]["coverage"] == 1.0
    assert "lift" in done.stdout


def test_a_function_in_a_grown_project(trained: Person) -> None:
    trained.write("labelers/synonyms.py", FUNCTION)
    tried = trained.json("ovt", "label", "--source", "synonym", "--sample", "5")["trial"]
    assert len(tried["records"]) <= 5
    assert all(found["problem"] is None and found["id"] == f"{found['parent']}~synonym~1" for found in tried["records"])
    assert trained.json("ovt", "source", "show", "synonym")["introduced"] is None
    assert trained.actions() == {"compile": "ran", "label": "ran", "train": "ran", "evaluate": "ran"}
    assert set(trained.actions().values()) == {"unchanged"}
    trained.write("labelers/synonyms.py", "# A comment.\n" + FUNCTION)
    assert trained.actions() == {"compile": "ran", "label": "ran", "train": "unchanged", "evaluate": "unchanged"}
    row = trained.json("ovt", "source", "list")["generators"][0]
    assert (row["source"], row["kind"], row["stale"]) == ("synonym", "transformation", False)
    assert row["tasks"]["Intent"]["coverage"] == 1.0
    trained.types("git", "add", "-A")
    trained.types("git", "commit", "-q", "-m", "say it otherwise")
    shown = trained.json("ovt", "source", "show", "synonym")
    assert shown["introduced"]["subject"] == "say it otherwise"
    before = trained.types("git", "status", "--porcelain")
    lift = trained.json("ovt", "source", "show", "synonym", "--lift")
    assert (lift["source"], lift["records"]) == ("synonym", row["kept"])
    assert lift["rows"][0]["task"] == "Intent"
    assert lift["rows"][0]["low"] <= lift["rows"][0]["delta"] <= lift["rows"][0]["high"]
    assert trained.types("git", "status", "--porcelain") == before
    assert not list((trained.folder / ".ovt/lift").iterdir())
    assert "makes no records" in trained.sees("ovt", "source", "show", "tall_words", "--lift", code=2).stderr
