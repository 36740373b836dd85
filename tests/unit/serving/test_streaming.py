"""A stream of lines: order kept, bad lines told by number, several processes the same as one, tables of answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import ovt
from ovt.errors import MissingError
from ovt.serving import streaming
from ovt.serving.streaming import answer_lines
from ovt.serving.tables import ParquetAnswers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lines(records: list[dict[str, Any]]) -> list[bytes]:
    found = [json.dumps({**record, "id": f"n{number}"}).encode() + b"\n" for number, record in enumerate(records)]
    found[3:3] = [b"{\n", b"   \n"]
    return [b"\xef\xbb\xbf" + found[0], *found[1:]]


def test_bad_lines_are_told_by_number_and_empty_ones_passed_over(bundle: Path, lines: list[bytes]) -> None:
    [chunk] = answer_lines(bundle, lines, 1)
    assert [number for number, _ in chunk.problems] == [4]
    assert [json.loads(answer)["id"] for answer in chunk.answers] == [f"n{number}" for number in range(len(lines) - 2)]


def test_several_processes_answer_as_one_and_in_order(bundle: Path, lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK", 16)
    alone = list(answer_lines(bundle, lines, 1))
    together = list(answer_lines(bundle, lines, 2))
    assert len(alone) > streaming.FEW
    assert together == alone


def test_lines_are_read_only_a_little_ahead(bundle: Path, lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK", 4)
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            for line in lines[5:]:
                read += 1
                yield line

    answers = answer_lines(bundle, endless(), 1)
    for _ in range(6):
        next(answers)
    assert read <= 4 * (streaming.FEW + 6)


def test_a_bundle_that_cannot_be_loaded_is_told_by_this_process(tmp_path: Path, lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK", 4)
    with pytest.raises(MissingError, match="there is no bundle"):
        list(answer_lines(tmp_path, lines, 2))


def test_answers_as_a_table(bundle: Path, records: list[dict[str, Any]], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    model = ovt.load(bundle)
    answers = model.predict(records)
    encoded = [json.dumps(answer).encode() for answer in answers]
    with ParquetAnswers(tmp_path / "a.parquet", model.schema) as table:
        table.write(encoded[:50])
        table.write(encoded[50:])
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert len(rows) == len(answers)
    for row, answer in zip(rows, answers, strict=True):
        assert row["id"] == answer["id"]
        for task, said in answer["tasks"].items():
            assert row[f"{task}.label"] == said["label"]
            assert row[f"{task}.confidence"] == said["confidence"]
