"""The log of records: sampled, redacted, never in the way."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ovt.serving.server.record_log import LogPolicy, RecordLog
from ovt.serving.server.redaction import redact, redact_tokens, redacted

from .conftest import RECORD


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(("text", "safe"), [
    ("write to ann.lee+x@mail.example.org now", "write to <mail> now"),
    ("see https://example.org/?token=abc here", "see <link> here"),
    ("call +49 (170) 555-12-34 please", "call <number> please"),
    ("card 4111 1111 1111 1111", "card <number>"),
    ("from DE89 3704 0044 0532 0130 00 to me", "from <account> to me"),
    ("host 10.0.12.7 is down", "host <address> is down"),
    ("key sk_live_51H8xAbCdEfGhIjKlMnOp", "key <key>"),
    ("how tall is the 3 km bridge of 1987", "how tall is the 3 km bridge of 1987"),
    ("flight 747 to gate 12", "flight 747 to gate 12"),
])
def test_what_is_taken_out(text: str, safe: str) -> None:
    assert redact(text) == safe


def test_tokens_stay_as_many() -> None:
    assert redact_tokens(["call", "555", "123", "4567", "or", "ann@x.org"]) == [
        "call", "<number>", "<number>", "<number>", "or", "<mail>"]
    assert redacted({"a": [["x@y.org"], 3, None], "b": {"c": "x@y.org"}}) == {
        "a": [["<mail>"], 3, None], "b": {"c": "<mail>"}}


def test_records_of_requests_are_written_redacted_and_bad_ones_are_not(bundle: Path, tmp_path: Path, start) -> None:
    server = start(lambda: bundle, log=LogPolicy(tmp_path / "logs", share=1.0))
    told = {**RECORD, "payloads": {"query": "mail ann@x.org"}, "tasks": {}, "tags": ["test"]}
    assert server.asks("POST", "/predict", [told, RECORD]).status == 200
    assert server.asks("POST", "/predict", {"payloads": {"no": 1}}).status == 422
    server.stop()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert rows(tmp_path / "logs") == [
        {"id": "r", "payloads": {"query": "mail <mail>"}, "tags": [f"log:{day}"]},
        {**RECORD, "tags": [f"log:{day}"]},
    ]


def test_a_share_of_them(tmp_path: Path) -> None:
    log = RecordLog(LogPolicy(tmp_path, share=0.2, file_bytes=2000))
    for number in range(900):
        log.take(b'{"id": "%d", "payloads": {}}' % number)
    log.close()
    assert 100 < len(rows(tmp_path)) < 300
    assert len(list(tmp_path.iterdir())) > 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = RecordLog(LogPolicy(tmp_path / "logs", share=1.0))
    (tmp_path / "logs").chmod(0o500)
    log.take(b'{"payloads": {}}')
    log.close()
    assert "denied" in log.problem


def test_a_folder_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    log = RecordLog(LogPolicy(tmp_path / "logs", share=1.0))
    (tmp_path / "logs").rmdir()
    log.take(b'{"payloads": {}}')
    log.close()
    assert log.problem
