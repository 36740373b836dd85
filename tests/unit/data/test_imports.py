"""Data that people bring: what is understood, what is written, and that it compiles."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.imports import Understanding, import_files, schema_to_json
from ovt.data.store import Store
from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.schema.parse import parse_schema
from ovt.stages import compile as stage

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ["how tall is the tower", "who is the president", "how old is he", "is salad healthy", "where is the bridge"]


class Desk:
    """Files brought from somewhere into a project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outside = root / "outside"
        self.outside.mkdir()
        self.data = root / "project/data"

    def jsonl(self, name: str, rows: list[Any]) -> Path:
        path = self.outside / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
        return path

    def csv(self, name: str, rows: list[list[Any]], delimiter: str = ",", bom: bool = False) -> Path:
        path = self.outside / name
        with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        return path

    def bring(self, *paths: Path, schema: dict[str, Any] | None = None) -> Understanding:
        parsed = parse_schema(parse_document(json.dumps(schema), "schema.json")) if schema else None
        return import_files(list(paths), self.data, parsed)

    def records(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.data / name).read_text("utf-8").splitlines()]

    def compiled(self, found: Understanding) -> Store:
        """What was brought, compiled by the schema that was understood."""
        root = self.data.parent
        (root / "schema.json").write_text(schema_to_json(found.schema), "utf-8")
        stage.run(Project(root), root, Silent(), strict=True)
        return Store.open(root / "build/store")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def table(n: int = 40) -> list[list[Any]]:
    """A typical CSV: id, text, a category, a number, a label, a split."""
    splits = ["train", "train", "validation", "test"]
    rows = [[f"q{i}", f"{TEXTS[i % 5]}, number {i}", ["phone", "watch"][i % 2], i * 1.5, ["a", "b", "c"][i % 3], splits[i % 4]]
            for i in range(n)]
    return [["id", "query", "device", "cm", "intent", "split"], *rows]


@pytest.mark.parametrize(("name", "delimiter", "bom"), [("q.csv", ",", False), ("q.csv", ";", True), ("q.tsv", "\t", False)])
def test_a_csv_becomes_records_and_a_schema(desk: Desk, name: str, delimiter: str, bom: bool) -> None:
    found = desk.bring(desk.csv(name, table(), delimiter, bom))
    assert found.schema == {
        "payloads": {
            "device": {"type": "singleton", "dtype": "category"}, "cm": {"type": "singleton", "dtype": "number"},
            "tokens": {"type": "sequence", "max_length": 8},
            "query": {"type": "singleton", "base": ["tokens", "device", "cm"]},
        },
        "tasks": {"intent": {"payload": "query", "type": "multiclass"}},
    }
    assert desk.records("q.jsonl")[2] == {
        "id": "q2", "payloads": {"query": "how old is he, number 2", "device": "phone", "cm": 3.0},
        "tasks": {"intent": {"gold": "c"}}, "tags": ["dev"]}
    assert found.records == 40
    assert "splits: train 20 · dev 10 · test 10" in found.lines
    assert "column `intent` → labels of `intent` by source `gold`: a, b, c" in found.lines
    store = desk.compiled(found)
    assert store.classes == {"intent": ["a", "b", "c"]}
    assert store.record(0).tokens == ["how", "tall", "is", "the", "tower", ",", "number", "0"]


def test_a_parquet_with_token_labels(desk: Desk) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = desk.outside / "ner.parquet"
    pq.write_table(pa.table({
        "words": [["Ada", "Lovelace", "wrote"], ["in", "London"]] * 5, "ner_tags": [["B-P", "I-P", "O"], ["O", "B-L"]] * 5,
        "upos": [[1, 1, 2], [3, 1]] * 5, "embedding": [[0.5, 1.0], [1.0, 2.0]] * 5, "empty": pa.nulls(10),
    }), path)
    found = desk.bring(path)
    assert found.schema == {
        "payloads": {"words": {"type": "sequence", "max_length": 8},
                     "embedding": {"type": "singleton", "dtype": "vector", "length": 2},
                     "record": {"type": "singleton", "base": ["words", "embedding"]}},
        "tasks": {"ner_tags": {"payload": "words", "type": "multiclass", "spans": "BIO"},
                  "upos": {"payload": "words", "type": "multiclass"}},
    }
    assert "left out: `empty`" in found.lines
    assert desk.compiled(found).classes == {"ner_tags": ["O", "B-L", "I-L", "B-P", "I-P"], "upos": ["1", "2", "3"]}


def test_flat_json_with_bits_flags_and_no_split(desk: Desk) -> None:
    rows = [{"text": f"{TEXTS[i % 5]} {i}", "labels": ["x", "y"][: i % 3], "urgent": bool(i % 2)} for i in range(30)]
    found = desk.bring(desk.jsonl("t.jsonl", rows))
    assert found.schema["tasks"] == {"labels": {"payload": "text", "type": "bitvector"}}
    assert found.schema["payloads"]["urgent"] == {"type": "singleton", "dtype": "category"}
    assert found.lines[-1] == "30 records without a split: train, dev and test 80/10/10 by a stable hash of the id"
    assert desk.records("t.jsonl")[1]["payloads"]["urgent"] == "true"
    assert desk.compiled(found).classes == {"labels": ["x", "y"]}


def test_a_column_of_few_values_is_predicted_where_none_is_named_a_label(desk: Desk) -> None:
    found = desk.bring(desk.csv("m.csv", [["utterance", "mood"], *([f"{TEXTS[i % 5]} {i}", "good" if i % 3 else "bad"] for i in range(30))]))
    assert found.schema["tasks"] == {"mood": {"payload": "utterance", "type": "multiclass"}}


def test_whole_numbers_as_labels_become_class_names(desk: Desk) -> None:
    found = desk.bring(desk.jsonl("n.jsonl", [{"text": f"t {i}", "label": i % 2} for i in range(10)]))
    assert desk.records("n.jsonl")[1]["tasks"] == {"label": {"gold": "1"}}
    assert desk.compiled(found).classes == {"label": ["0", "1"]}


def test_a_table_without_a_label_says_so(desk: Desk) -> None:
    found = desk.bring(desk.jsonl("u.jsonl", [{"text": f"different text {i}"} for i in range(10)]))
    assert found.schema["tasks"] == {}
    assert "no column looks like a label: add a task to schema.json" in found.lines


def test_ids_that_come_twice_are_no_ids(desk: Desk) -> None:
    desk.bring(desk.csv("d.csv", [["id", "text", "label"], ["a", "x y", "1"], ["a", "z z", "0"], ["b", "w w", "1"]]))
    assert "id" not in desk.records("d.jsonl")[0]


def test_files_named_like_splits_give_them(desk: Desk) -> None:
    rows = [{"text": f"t {i}", "label": str(i % 2)} for i in range(4)]
    found = desk.bring(desk.jsonl("train.jsonl", rows), desk.jsonl("valid.jsonl", rows[:1]))
    assert found.splits == {"train": 4, "dev": 1}
    assert [record["tags"] for record in desk.records("valid.jsonl")] == [["dev"]]


SCHEMA = {"payloads": {"tokens": {"type": "sequence"}, "query": {"type": "singleton", "base": ["tokens"]}},
          "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}


def test_columns_are_matched_to_a_given_schema(desk: Desk) -> None:
    found = desk.bring(desk.csv("s.csv", [["query", "Intent", "Intent.crowd", "extra"], ["how tall", "height", "", "1"]]),
                       schema=SCHEMA)
    assert desk.records("s.jsonl") == [{"payloads": {"query": "how tall"}, "tasks": {"Intent": {"gold": "height"}}, "tags": []}]
    assert found.schema == SCHEMA
    assert "left out: `extra`" in found.lines


def test_the_one_text_and_label_need_no_name(desk: Desk) -> None:
    desk.bring(desk.jsonl("s.jsonl", [{"text": "how tall", "label": "height"}]), schema=SCHEMA)
    assert desk.records("s.jsonl")[0]["payloads"] == {"query": "how tall"}
    assert desk.records("s.jsonl")[0]["tasks"] == {"Intent": {"gold": "height"}}


def test_a_table_that_has_no_payload_is_refused(desk: Desk) -> None:
    with pytest.raises(ProjectError, match="no column is a payload"):
        desk.bring(desk.csv("s.csv", [["a", "b"], ["1", "2"]]), schema=SCHEMA)


RECORDS: list[Any] = [
    {"id": f"r{i}", "payloads": {
        "tokens": ["How", "tall", "is", "Ada", "?"], "query": "how tall is ada?", "note": f"free text {i}", "size": i, "point": [0.5, 1],
        "entities": {"0": {"id": "Ada", "range": [3, 4]}, "1": {"id": "Height", "range": [1, 2]}, "2": {"id": "x", "range": [0, 5]}}},
     "tasks": {"POS": {"t": ["ADV", None, "V", "N", "."]}, "Slots": {"t": ["O", "O", "O", "B-per", "O"]},
               "Type": {"t": [[], [], [], ["person"], []]}, "Intent": {"w": "height", "v": None}, "Topic": {"w": ["people"]},
               "Arg": {"w": i % 3, "v": "Height"}, "Kind": {"w": ["a", "b", None]}, "Traits": {"w": [["p"], [], None]}},
     "tags": ["train"]}
    for i in range(6)
]


def test_records_without_a_schema_tell_theirs(desk: Desk) -> None:
    found = desk.bring(desk.jsonl("r.jsonl", [*RECORDS, '{"id": "broken", ']))
    assert found.schema == {
        "payloads": {
            "tokens": {"type": "sequence", "max_length": 8}, "query": {"type": "singleton", "base": ["tokens"]},
            "note": {"type": "singleton"}, "size": {"type": "singleton", "dtype": "number"},
            "point": {"type": "singleton", "dtype": "vector", "length": 2}, "entities": {"type": "set", "range": "tokens"}},
        "tasks": {
            "POS": {"payload": "tokens", "type": "multiclass"},
            "Slots": {"payload": "tokens", "type": "multiclass", "spans": "BIO"},
            "Type": {"payload": "tokens", "type": "bitvector"}, "Intent": {"payload": "query", "type": "multiclass"},
            "Topic": {"payload": "query", "type": "bitvector"}, "Arg": {"payload": "entities", "type": "select"},
            "Kind": {"payload": "entities", "type": "multiclass"}, "Traits": {"payload": "entities", "type": "bitvector"}},
    }
    assert (desk.data / "r.jsonl").read_bytes() == (desk.outside / "r.jsonl").read_bytes()
    assert "r.jsonl: 6 records" in found.lines
    assert "sources of `Intent`: v, w" in found.lines


def test_an_import_can_be_repeated_but_overwrites_nothing(desk: Desk) -> None:
    path = desk.jsonl("r.jsonl", RECORDS)
    assert desk.bring(path).files == desk.bring(path).files == [desk.data / "r.jsonl"]
    desk.jsonl("r.jsonl", RECORDS[:3])
    with pytest.raises(ProjectError, match="is here already and differs"):
        desk.bring(path)
    assert [found.name for found in desk.data.iterdir()] == ["r.jsonl"]
    assert len(desk.records("r.jsonl")) == 6


def test_files_of_one_name_are_numbered(desk: Desk) -> None:
    (desk.outside / "more").mkdir()
    rows = [{"text": f"t {i}", "label": str(i % 2)} for i in range(4)]
    found = desk.bring(desk.jsonl("d.jsonl", rows), desk.jsonl("more/d.jsonl", rows))
    assert [path.name for path in found.files] == ["d.jsonl", "d-2.jsonl"]


@pytest.mark.parametrize(("name", "content", "what"), [
    ("x.xlsx", b"PK", "cannot read `x.xlsx`"),
    ("x.csv", b"a,b\n1,2,3\n", "row of another width"),
    ("x.csv", b"a,b\n1\n", "row of another width"),
    ("x.csv", b"a\n\xff\n", "not UTF-8"),
    ("x.csv", b"", "no rows"),
    ("x.parquet", b"nothing", "Parquet"),
    ("x.jsonl", b'{"text": "a"}\n[1]\n', "no JSON object"),
])
def test_a_file_that_cannot_be_read_is_named(desk: Desk, name: str, content: bytes, what: str) -> None:
    path = desk.outside / name
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=what) as caught:
        desk.bring(path)
    assert name in str(caught.value.at)


def test_records_and_tables_do_not_mix_without_a_schema(desk: Desk) -> None:
    with pytest.raises(ProjectError, match="need a schema"):
        desk.bring(desk.jsonl("r.jsonl", RECORDS), desk.csv("t.csv", table()))
