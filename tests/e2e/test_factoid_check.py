"""The factoid starter's two labeling functions to try: the good one passes, the bad one is stopped and named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from person import Person

if TYPE_CHECKING:
    from pathlib import Path

BAD = "labelers/telling_word.py"


@pytest.mark.slow
def test_the_bad_function_is_stopped_and_the_good_one_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Person(tmp_path).types("git", "init", "-q", "-b", "main", "shop")
    Person(tmp_path).types("ovt", "init", "shop", "--template", "factoid", "--no-hooks")
    person = Person(tmp_path / "shop")
    person.types("ovt", "commit", "-m", "start")
    person.types("git", "checkout", "-q", "-b", "bad")
    person.types("cp", "labelers_to_try/telling_word.py", "labelers/")
    person.types("ovt", "commit", "-m", "one telling word")

    shown = person.types("ovt", "check", "main", "-o", "r.md", "-o", "r.sarif", "-o", "github:r.txt", code=1)
    assert "Intent on slice disambiguation: accuracy" in shown
    line = next(number for number, text in enumerate((person.folder / BAD).read_text().splitlines(), 1) if "@" in text)
    for name in ("r.md", "r.txt"):
        text = (person.folder / name).read_text()
        assert "disambiguation" in text
        assert f"`{BAD}:{line}`" in text or f"file={BAD},line={line}," in text
    results = json.loads((person.folder / "r.sarif").read_text())["runs"][0]["results"]
    (found,) = (one for one in results if one["message"]["text"].startswith("Intent on slice disambiguation"))
    place = found["relatedLocations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (BAD, line)
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "slices/slices.yaml"

    person.types("ovt", "checkout", "main")
    person.types("git", "checkout", "-q", "-b", "good")
    person.types("cp", "labelers_to_try/answer_unit.py", "labelers/")
    person.types("ovt", "commit", "-m", "units of the answer")
    assert person.types("ovt", "check", "main").startswith("PASS")
