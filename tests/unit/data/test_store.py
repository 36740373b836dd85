"""What goes into the store comes out of it: columns for the model, views for functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovt.data import store_writer
from ovt.data.reader import RecordReader, read_tag_sets, split_of
from ovt.data.records import RecordCodec
from ovt.data.store import Store
from ovt.documents import parse_document
from ovt.errors import MissingError
from ovt.schema.parse import parse_schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA = {
    "payloads": {
        "tokens": {"type": "sequence", "max_length": 4},
        "query": {"type": "singleton", "base": ["tokens"]},
        "note": {"type": "singleton"},
        "entities": {"type": "set", "range": "tokens", "max_length": 3},
        "device": {"type": "singleton", "dtype": "category"},
        "age": {"type": "singleton", "dtype": "number"},
        "my-place": {"type": "singleton", "dtype": "vector", "length": 2},
    },
    "tasks": {
        "Intent": {"payload": "query", "type": "multiclass"}, "POS": {"payload": "tokens", "type": "multiclass"},
        "Kind": {"payload": "entities", "type": "multiclass"}, "Arg": {"payload": "entities", "type": "select"},
    },
}


def build(root: Path, records: Iterable[dict[str, Any]], shard: int = 1000) -> Store:
    """A store of records, in shards of so many."""
    (root / "data").mkdir(parents=True)
    (root / "data/r.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    codec = RecordCodec(parse_schema(parse_document(json.dumps(SCHEMA), "schema.json")))
    found: list[Any] = list(RecordReader(root, codec, read_tag_sets(root)[0]))
    writer = store_writer.StoreWriter(root / "store", codec, root / "scratch")
    for start in range(0, max(1, len(found)), shard):
        part = found[start : start + shard]
        writer.add(part, np.array([split_of(record) for record in part], np.int8))
    writer.finish({"Intent": ["a"], "POS": [], "Kind": []})
    return Store.open(root / "store")


RICH: list[dict[str, Any]] = [
    {"id": "a", "tags": ["train"], "payloads": {
        "tokens": ["how", "tall", "is", "the", "president"], "query": "how tall is the president", "note": "a note, a",
        "entities": [{"id": "P", "range": [3, 5], "name": "The President", "x": [1]}, {"id": "H", "range": [4, 5]},
                     {"range": [0, 1], "z": "how", "b": "so"}, {"id": "cut"}],
        "device": "phone", "age": 19.99, "my-place": [1, -2.5]}},
    {"id": "b", "tags": ["dev"], "payloads": {}},
    {"id": "c", "tags": ["test"], "payloads": {
        "query": "tall tower", "tokens": None, "note": "", "entities": [], "device": "tablet", "age": -1}},
    {"id": "d", "tags": ["train"], "payloads": {"tokens": ["tall"], "entities": None, "device": "phone"}},
]


@pytest.fixture(params=[1, 2, 1000], ids=lambda size: f"shards of {size}")
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return build(tmp_path, RICH, request.param)


def words(store: Store, name: str, numbers: Iterable[int]) -> list[str]:
    strings = store.vocabulary(name).strings
    return [strings[number] for number in numbers]


def test_columns_of_a_sequence(store: Store) -> None:
    found = store.tokens("tokens")
    assert found.offsets.tolist() == [0, 4, 4, 6, 7]
    assert words(store, "tokens", found.values) == ["how", "tall", "is", "the", "tall", "tower", "tall"]
    assert store.present("tokens").tolist() == [True, False, True, True]
    assert store.spans("tokens").tolist() == [[-1, -1]] * 4 + [[0, 4], [5, 10], [-1, -1]]


def test_no_offsets_are_kept_where_all_tokens_were_given(tmp_path: Path) -> None:
    assert build(tmp_path, RICH[:2]).spans("tokens") is None


def test_counts_are_those_of_train_alone(store: Store) -> None:
    vocabulary = store.vocabulary("tokens")
    counts = dict(zip(vocabulary.strings, vocabulary.counts.tolist(), strict=True))
    assert counts == {"how": 1, "tall": 2, "is": 1, "the": 1, "tower": 0}
    assert dict(zip(store.vocabulary("device").strings, store.vocabulary("device").counts.tolist(), strict=True)) == {
        "phone": 2, "tablet": 0}


def test_a_text_without_base_has_tokens_of_its_own(store: Store) -> None:
    found = store.tokens("note")
    assert found.offsets.tolist() == [0, 4, 4, 4, 4]
    assert words(store, "note", found.values) == ["a", "note", ",", "a"]
    assert store.present("note").tolist() == [True, False, True, False]
    assert store.texts("note", 0, 4) == ["a note, a", None, "", None]


def test_columns_of_a_set(store: Store) -> None:
    found = store.members("entities")
    assert found.offsets.tolist() == [0, 3, 3, 3, 3]
    assert [store.vocabulary("entities.id").strings[number] if number >= 0 else None for number in found.ids] == [
        "P", "H", None]
    assert found.ranges.tolist() == [[3, 4], [4, 4], [0, 1]]
    texts = store.tokens("entities")
    assert [words(store, "entities", texts.values[start:stop]) for start, stop in
            zip(texts.offsets, texts.offsets[1:], strict=False)] == [["The", "President"], ["H"], ["so", "how"]]


def test_columns_of_scalars(store: Store) -> None:
    assert words(store, "device", store.categories("device")[[0, 2, 3]]) == ["phone", "tablet", "phone"]
    assert store.categories("device")[1] == -1
    assert store.numbers("age").dtype == np.float32
    np.testing.assert_array_equal(store.numbers("age"), np.array([19.99, np.nan, -1, np.nan], np.float32))
    np.testing.assert_array_equal(store.vectors("my-place"), [[1, -2.5]] + [[np.nan, np.nan]] * 3)


def test_items_belong_to_rows(store: Store) -> None:
    assert store.item_offsets("Intent") is None
    assert store.item_offsets("Arg") is None
    assert store.n_items("Intent") == 4
    assert store.n_items("POS") == 7
    assert store.n_items("Kind") == 3
    assert store.rows_of_items("POS", np.arange(7)).tolist() == [0, 0, 0, 0, 2, 2, 3]
    assert store.rows_of_items("Intent", np.array([3, 1])).tolist() == [3, 1]
    assert store.candidates("Arg").tolist() == [0, 3, 3, 3, 3]


def test_records_are_found_by_id(store: Store) -> None:
    assert store.row_of("c") == 2
    assert store.row_of("zz") is None
    assert store.rows_of(["d", "zz", "a"]).tolist() == [3, -1, 0]
    assert store.ids.to_pylist() == ["a", "b", "c", "d"]
    assert store.splits.tolist() == [0, 1, 2, 0]


def test_a_view_shows_the_payloads_as_they_were_written(store: Store) -> None:
    record = store.record(0)
    assert record.id == "a"
    assert record.tokens == ["how", "tall", "is", "the"]
    assert record.query == "how tall is the president"
    assert [member.id for member in record.entities] == ["P", "H", None]
    assert record.entities[0].range == (3, 5)
    assert record.entities[0].name == "The President"
    assert record.entities[0]["x"] == [1]
    assert record.entities[1].get("name", "none") == "none"
    assert (record.device, record.age, record["my-place"]) == ("phone", 19.99, [1.0, -2.5])
    empty = store.record(1)
    assert [empty[name] for name in SCHEMA["payloads"]] == [None] * 7
    assert store.record(2).tokens == ["tall", "tower"]
    assert store.record(2).entities == []


def test_a_view_knows_no_labels_and_hints_at_payloads(store: Store) -> None:
    record = store.record(0)
    with pytest.raises(AttributeError, match="no payload `tasks`"):
        _ = record.tasks
    with pytest.raises(AttributeError, match="did you mean `query`"):
        _ = record.qeury
    with pytest.raises(KeyError, match="did you mean `my-place`"):
        record["my_place"]
    with pytest.raises(AttributeError, match="did you mean `name`"):
        _ = record.entities[0].nam
    with pytest.raises(MissingError, match="tags"):
        _ = record.tags


def test_what_a_function_does_to_a_value_stays_with_it(store: Store) -> None:
    record = store.record(0)
    record.tokens.append("mine")
    record.entities.clear()
    assert len(record.tokens) == 4
    assert len(record.entities) == 3


def test_views_cover_each_shard_with_its_tags(store: Store) -> None:
    tags = [["train", "x"], ["dev"], ["test"], ["train"]]
    found = [(view.id, view.tags) for shard in store.shards for view in store.views(shard, tags[shard.start : shard.stop])]
    assert found == list(zip("abcd", tags, strict=True))


def test_a_store_that_is_not_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingError) as caught:
        Store.open(tmp_path)
    assert caught.value.command == "ovt run compile"


def test_an_empty_store_can_be_opened(tmp_path: Path) -> None:
    store = build(tmp_path, [])
    assert store.n == 0
    assert store.tokens("tokens").offsets.tolist() == [0]
    assert store.vectors("my-place").shape == (0, 2)
    assert store.members("entities").ranges.shape == (0, 2)


def digests(root: Path, records: list[dict[str, Any]], size: int) -> list[str]:
    return [shard.digest for shard in build(root, records, size).shards]


def test_a_shards_digest_is_that_of_its_ids_and_payloads_alone(tmp_path: Path) -> None:
    plain = digests(tmp_path / "0", RICH, 2)
    labelled = [{**record, "tasks": {"Intent": {"s": "x"}}, "tags": ["train", "more"]} for record in RICH]
    assert digests(tmp_path / "1", labelled, 2) == plain
    assert digests(tmp_path / "2", RICH[2:] + RICH[:2], 2) == plain[::-1]
    changed = [*RICH[:3], {**RICH[3], "payloads": {"tokens": ["tall"], "entities": [], "device": "phone"}}]
    assert digests(tmp_path / "3", changed, 2)[0] == plain[0]
    assert digests(tmp_path / "3b", changed, 2)[1] != plain[1]


def test_a_record_put_in_changes_only_its_own_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "MIN_RECORDS", 1)

    def cut(ids: list[str]) -> list[tuple[str, ...]]:
        shards, shard = [], []
        for one in ids:
            shard.append(one)
            if store_writer.ends_shard(one, len(shard), 0):
                shards.append(tuple(shard))
                shard = []
        return [*shards, tuple(shard)]

    ids = [f"q-{number}" for number in range(60_000)]
    before, after = cut(ids), cut([*ids[:100], "new", *ids[100:]])
    assert len(before) > 4
    assert len(set(after) - set(before)) == 1


@pytest.mark.parametrize(("records", "size", "ends"), [
    (10, 100, False), (store_writer.MAX_RECORDS, 100, True), (10, store_writer.MAX_BYTES, True)])
def test_a_shard_is_bounded_in_records_and_bytes(records: int, size: int, ends: bool) -> None:
    assert store_writer.ends_shard("q", records, size) is ends


PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
RECORD = st.fixed_dictionaries({
    "tokens": st.none() | st.lists(PLAIN, max_size=4), "query": st.none() | PLAIN, "note": st.none() | PLAIN,
    "entities": st.none() | st.lists(st.fixed_dictionaries({"id": st.none() | PLAIN, "w": st.integers() | PLAIN}), max_size=3),
    "device": st.none() | PLAIN, "age": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "my-place": st.none() | st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(RECORD, max_size=6), size=st.integers(1, 6))
def test_every_record_comes_back(tmp_path_factory: pytest.TempPathFactory, payloads: list[dict[str, Any]], size: int) -> None:
    records = [{"id": f"r{number}", "payloads": found} for number, found in enumerate(payloads)]
    store = build(tmp_path_factory.mktemp("store"), records, size)
    assert store.n == len(records)
    for row, given_payloads in enumerate(payloads):
        view = store.record(row)
        for name in ("query", "note", "device", "age", "my-place"):
            assert view[name] == given_payloads[name]
        members = given_payloads["entities"]
        assert (view.entities if members is None else [member.fields for member in view.entities]) == members
        if given_payloads["tokens"] is not None or given_payloads["query"] is None:
            assert view.tokens == given_payloads["tokens"]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("x", "y"):
        build(tmp_path / name, RICH, 2)
    first, second = ({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name / "store").rglob("*.*")}
                     for name in ("x", "y"))
    assert first == second
    assert len(first) > 20
