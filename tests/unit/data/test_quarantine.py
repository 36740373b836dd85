"""When bad records stop a run and when they are only set aside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ovt.data.quarantine import BadRecord, Quarantine
from ovt.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path


def bad(line: int, split: str | None = "train", file: str = "data/r.jsonl") -> BadRecord:
    return BadRecord(file, line, "payloads.query", f"wrong {line}", f"mend {line}", split, None, "{")


def test_a_few_bad_train_records_are_survived(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    quarantine.add(bad(3))
    quarantine.judge(99, 0.01, strict=False)
    assert quarantine.count == 1


@pytest.mark.parametrize(("split", "good", "limit", "strict", "reason"), [
    ("train", 98, 0.01, False, "1.01% are more than the 1.00%"),
    ("dev", 10_000, 0.01, False, "1 of them are in dev or test"),
    ("test", 10_000, 0.01, False, "dev or test"),
    (None, 10_000, 0.0, False, "more than the 0.00%"),
    ("train", 10_000, 0.01, True, "--strict"),
])
def test_too_many_or_held_out_ones_stop_the_run(
    tmp_path: Path, split: str | None, good: int, limit: float, strict: bool, reason: str,
) -> None:
    quarantine = Quarantine(tmp_path / "q")
    quarantine.add(bad(7, split))
    with pytest.raises(ProjectError) as caught:
        quarantine.judge(good, limit, strict=strict)
    assert caught.value.exit_code == 3
    assert caught.value.at == "data/r.jsonl:7"
    assert reason in str(caught.value)
    assert "data/r.jsonl:7: payloads.query: wrong 7" in str(caught.value)
    assert f"1 of {good + 1:,} records" in caught.value.what


def test_the_message_names_held_out_records_first_and_counts_the_rest(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    for line in range(20):
        quarantine.add(bad(line, "test" if line == 15 else "train"))
    assert str(quarantine.first[0]) == "data/r.jsonl:15: payloads.query: wrong 15"
    assert "15 more in .ovt/quarantine/" in quarantine.listing()


def test_bad_records_are_kept_by_file_and_old_ones_go(tmp_path: Path) -> None:
    folder = tmp_path / "q"
    folder.mkdir()
    (folder / "old.jsonl").write_text("")
    quarantine = Quarantine(folder)
    for one in (bad(1), bad(2), bad(5, file="data/more/r.jsonl"), bad(1, file="tags/t.jsonl")):
        quarantine.add(one)
    quarantine.save()
    assert sorted(path.name for path in folder.iterdir()) == ["more__r.jsonl", "r.jsonl", "tags__t.jsonl"]
    kept = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    assert [(one["file"], one["line"], one["why"], one["text"]) for one in kept] == [
        ("data/r.jsonl", 1, "wrong 1", "{"), ("data/r.jsonl", 2, "wrong 2", "{")]
