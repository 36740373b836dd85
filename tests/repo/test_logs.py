"""What a server was asked about becomes records: each question once, whatever clients called it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovt.errors import UsageError
from ovt.project import Project
from ovt.workflows.committing.logs import take_in_logs


def log(folder: Path, name: str, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def asked(query: str, day: str, **more: str) -> str:
    return json.dumps({"payloads": {"query": query}, "tags": [f"log:{day}"], **more})


def test_each_question_once(plain: Project, tmp_path: Path) -> None:
    log(tmp_path / "logs", "a.jsonl", asked("how tall", "2026-01-01"), asked("how old", "2026-01-01", id="session 7"),
        asked("how old", "2026-01-02"), asked("who is it", "2026-01-02"), "", '{"payloads": {"qery": "x"}}', "{")
    taken = take_in_logs(plain, tmp_path / "logs")
    assert (taken.new, taken.known, taken.bad) == (2, 2, 2)  # "how tall" is in the data
    assert taken.files == ("data/logs-2026-01-01.jsonl", "data/logs-2026-01-02.jsonl")
    assert taken.problems[0].startswith("a.jsonl:6: payloads.qery")
    assert [json.loads(line) for line in (plain.root / taken.files[0]).read_text().splitlines()] == [
        {"payloads": {"query": "how old"}, "tags": ["log:2026-01-01"]}]

    log(tmp_path / "logs", "b.jsonl", asked("how far", "2026-01-01"))
    again = take_in_logs(plain, tmp_path / "logs")
    assert (again.new, again.known) == (1, 4)
    assert len((plain.root / taken.files[0]).read_text().splitlines()) == 2


def test_no_log(plain: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no log in"):
        take_in_logs(plain, tmp_path)
