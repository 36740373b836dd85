"""Finding a record by its id, its own or the one that is made for it, and writing it for a person."""

from __future__ import annotations

import json

import pytest

from ovt.data.reader import RecordReader, read_tag_sets
from ovt.data.records import Record, RecordCodec
from ovt.schema.spec import Payload, Schema, Task
from ovt_tui.records import find_record
from ovt_tui.recordtext import readable, summary

SCHEMA = Schema({"query": Payload("query", "singleton")}, {"Intent": Task("Intent", "query", "multiclass")})


@pytest.fixture
def project(tmp_path):
    """Two files, in the wrong order of names; ids given, missing, twice, and a broken line."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "b.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join([
        json.dumps({"id": "q-1", "payloads": {"query": "late"}}),
        json.dumps({"payloads": {"query": "how tall"}, "tags": ["second"]}),
        json.dumps({"id": "q-ö", "payloads": {"query": "umlaut"}}),
    ]).encode())
    (data / "a.jsonl").write_text("\n".join([
        '{"id": "q-2", "payloads": {"query": "mentions q-1"}}',
        '{"id": "q-1", broken',
        '{"id": "q-1", "payloads": {"query": "early"}}',
        '{"payloads": {"query": "how tall"}, "tags": ["first"]}',
        '{"payloads": {"query": "other"}}',
        "",
    ]))
    return tmp_path


@pytest.mark.parametrize(("record_id", "query"), [("q-1", "early"), ("q-2", "mentions q-1"), ("q-ö", "umlaut")])
def test_a_record_is_found_by_its_own_id_the_first_in_the_order_of_the_store(project, record_id, query):
    found = find_record(project / "data", record_id, SCHEMA)
    assert found is not None
    assert found["payloads"]["query"] == query


def test_a_record_without_an_id_is_found_by_the_one_that_the_reader_makes(project):
    tag_sets, _ = read_tag_sets(project)
    read = [record for record in RecordReader(project, RecordCodec(SCHEMA), tag_sets) if isinstance(record, Record)]
    made = [record.id for record in read if record.id and not record.id.startswith("q-")]
    assert len(made) == 3
    found = [find_record(project / "data", record_id, SCHEMA) for record_id in made]
    assert [record["payloads"]["query"] for record in found] == ["how tall", "other", "how tall"]
    assert [record.get("tags") for record in found] == [["first"], None, ["second"]]


@pytest.mark.parametrize("record_id", ["q-9", "q", "0123456789abcdef", "0123456789abcdef#2"])
def test_a_record_that_is_not_there(project, record_id):
    assert find_record(project / "data", record_id, SCHEMA) is None


def test_no_data_folder(tmp_path):
    assert find_record(tmp_path / "data", "q-1", SCHEMA) is None


@pytest.mark.parametrize(
    ("label", "task", "shown"),
    [
        ("height", "Intent", "height"), ('["title","person"]', "EntityType", "title, person"), ("[]", "EntityType", "(none)"),
        ("abstains", "EntityType", "abstains"), ("1", "IntentArg", "1 Height"), ("7", "IntentArg", "7"),
        ("x", "Unknown", "x"),
    ],
)
def test_labels_read_as_a_person_would_say_them(fake, label, task, shown):
    assert readable(label, task, fake.SCHEMA, fake.RECORD) == shown


def test_candidates_in_a_list_have_names_too(fake):
    members = list(fake.RECORD["payloads"]["entities"].values())
    assert readable("0", "IntentArg", fake.SCHEMA, {"payloads": {"entities": members}}) == "0 President_(title)"
    assert readable("0", "IntentArg", fake.SCHEMA, None) == "0"


def test_a_summary_falls_back_from_text_to_tokens_to_json(fake):
    flip = fake.FLIPS[0]
    assert summary(None, flip, fake.SCHEMA) == "q-17 is neither in data/ of the working tree nor in a store of these versions on this machine"
    assert summary({"payloads": {"tokens": ["a", "b"]}}, flip, fake.SCHEMA) == "a b"
    assert summary({"payloads": {"size": 3}}, flip, fake.SCHEMA) == '{"size": 3}'
