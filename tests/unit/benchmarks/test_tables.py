"""docs/benchmarks.md is made from results, and says who met what."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def load_tables() -> Any:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_results_say(tmp_path: Path, monkeypatch: Any) -> None:
    tables = load_tables()
    monkeypatch.setattr(tables, "PAGE", tmp_path / "benchmarks.md")
    tables.main()

    assert (tmp_path / "benchmarks.md").read_text("utf-8") == (ROOT / "docs" / "benchmarks.md").read_text("utf-8")


def test_less_time_and_more_accuracy_are_better() -> None:
    line = load_tables().line

    assert "met (4.0 ×)" in line("start", {"ours": 25.0, "theirs": 100.0, "unit": "ms wall", "peer": "dvc"})
    assert "missed" in line("start", {"ours": 200.0, "theirs": 100.0, "unit": "ms wall", "peer": "dvc"})
    assert "met |" in line("snips", {"ours": 97.5, "theirs": 97.0, "unit": "%", "peer": "goal"})
    assert "missed |" in line("snips", {"ours": 96.5, "theirs": 97.0, "unit": "%", "peer": "goal"})
    assert line("alone", {"ours": 3.0, "theirs": None, "unit": "s", "peer": "–"}).endswith("| – |")
