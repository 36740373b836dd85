"""Columns of `supervision/` beyond the four: worker, confidence, position, retracted; Parquet; which row has the last word."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.supervision.collect import collect_votes
from ovt.supervision.collection.outside import read_corrections, read_gold, read_supervision
from ovt.supervision.collection.rows import worker_name
from ovt.supervision.collection.statements import WHOLE, _standing

QUERY = {"query": "how tall", "tokens": ["how", "tall", "is"], "entities": [{"id": "A"}, {"id": "B"}]}


@pytest.fixture
def filled(bench):
    bench.write("ovt.yaml", "errors: {bad_records: 60%}\n")
    bench.records(*({"id": name, "payloads": QUERY} for name in "ab"),
                  {"id": "c", "payloads": QUERY, "tags": ["dev"], "tasks": {"Intent": {"gold": "age"}}},
                  {"id": "d", "payloads": QUERY, "tags": ["test"]})
    bench.compiled()
    return bench


def write(bench, *rows, name="supervision/a.jsonl"):
    bench.write(name, "".join(json.dumps({"id": "a", "task": "Intent", "source": "s", **row}) + "\n" for row in rows))


def read(bench, reader=read_supervision, **options):
    progress = Silent()
    store = Store.open(bench.root / "build/store")
    return store, reader(bench.project, store, progress, **options), progress.notes


def votes(bench, task="Intent", reader=read_supervision):
    store, found, _ = read(bench, reader)
    voted, classes = found[task].votes, store.classes.get(task)
    return [(int(item), voted.names[source], classes[label] if classes and label >= 0 else int(label))
            for item, source, label in zip(voted.items, voted.sources, voted.labels, strict=True)]


def test_workers_are_sources_under_pseudonyms(filled):
    write(filled, {"label": "age", "source": "crowd", "worker": "ann@example.org"},
          {"label": "height", "source": "crowd", "worker": 7}, {"label": "age", "source": "crowd", "worker": 7})
    ann, seven = worker_name("crowd", "ann@example.org"), worker_name("crowd", "7")
    assert sorted(votes(filled)) == sorted([(0, ann, "age"), (0, seven, "age")])
    assert ann.startswith("crowd/w")
    assert "ann" not in ann


def test_silence_of_a_crowd_is_set_by_its_glob(filled):
    filled.write("ovt.yaml", "sources: {crowd/*: {silence: vote}}\n")
    write(filled, *({"task": "Slots", "source": "crowd", "worker": name, "label": [None, "B-title", None]} for name in "xy"))
    assert [label for _, _, label in votes(filled, "Slots")] == ["O", "O", "B-title", "B-title", "O", "O"]


def test_a_retracted_row_takes_back_and_can_be_said_again(filled):
    write(filled, {"label": "age"}, {"retracted": True}, {"id": "b", "label": "age"}, {"id": "b", "retracted": True},
          {"id": "b", "label": "height"})
    assert votes(filled) == [(1, "s", "height")]


def test_a_worker_takes_back_only_his_own(filled):
    write(filled, {"label": "age", "worker": 1}, {"label": "age", "worker": 2}, {"retracted": True, "worker": 1})
    assert votes(filled) == [(0, worker_name("s", "2"), "age")]


def test_positions_replace_single_tokens(filled):
    write(filled, {"task": "POS", "label": ["ADJ", "ADJ", "ADJ"]}, {"task": "POS", "label": "NOUN", "position": 1},
          {"task": "POS", "retracted": True, "position": 2})
    assert votes(filled, "POS") == [(0, "s", "ADJ"), (1, "s", "NOUN")]


def test_a_whole_row_replaces_positions_before_it(filled):
    write(filled, {"task": "POS", "label": "NOUN", "position": 1}, {"task": "POS", "label": ["ADJ", None, None]})
    assert votes(filled, "POS") == [(0, "s", "ADJ")]


def test_a_position_is_no_word_about_the_rest(filled):
    filled.write("ovt.yaml", "sources: {s: {silence: vote}}\n")
    write(filled, {"task": "Slots", "label": "B-title", "position": 1})
    assert votes(filled, "Slots") == [(1, "s", "B-title")]


def test_a_position_replaces_what_the_record_says_about_that_item_alone(bench):
    bench.records({"id": "a", "payloads": QUERY, "tasks": {"POS": {"s": ["ADJ", "ADJ", "ADJ"]}}})
    bench.compiled()
    write(bench, {"task": "POS", "label": "VERB", "position": 2})
    store = Store.open(bench.root / "build/store")
    found = collect_votes(bench.project, store, Silent())["POS"]
    assert [store.classes["POS"][label] for label in found.labels] == ["ADJ", "ADJ", "VERB"]


@pytest.mark.parametrize(("row", "why"), [
    ({"label": "age", "confidence": 1.5}, "confidence 1.5 is not between 0 and 1"),
    ({"label": "age", "confidence": "sure"}, "Expected `float | null`"),
    ({"task": "POS", "label": "ADJ", "position": 3}, "position 3 is outside of the 3 items"),
    ({"task": "POS", "retracted": True, "position": -1}, "position -1 is outside"),
    ({"task": "Intent", "label": "age", "position": 1}, "position 1 is outside of the 1 item"),
    ({}, "missing required field `label`"),
    ({"label": "age", "correction": True}, "a correction counts in supervision/corrections.jsonl alone"),
])
def test_wrong_columns_are_told_by_line(filled, row, why):
    write(filled, {"label": "age"}, row)
    _, _, notes = read(filled)
    assert "supervision/a.jsonl:2: " in notes[0]
    assert why in notes[0]


def test_a_batch_header_is_no_bad_row(filled):
    filled.write("supervision/a.jsonl", '{"batch": "first", "note": "n"}\n'
                                        '{"id": "a", "task": "Intent", "source": "s", "label": "age"}\n')
    assert read(filled)[2] == []
    assert votes(filled) == [(0, "s", "age")]


def parquet(bench, rows, name="supervision/t.parquet"):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = bench.root / name
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def test_parquet_says_what_json_lines_say(filled):
    rows = [{"id": "a", "task": "Intent", "source": "s", "label": "age", "worker": None, "confidence": 0.5},
            {"id": "b", "task": "Intent", "source": "s", "label": None, "worker": None, "confidence": None},
            {"id": "b", "task": "Topics", "source": "s", "label": '["food"]', "worker": "w", "confidence": 1.0},
            {"id": "nobody", "task": "Intent", "source": "s", "label": "age", "worker": None, "confidence": None}]
    parquet(filled, rows)
    from_parquet = votes(filled), votes(filled, "Topics")
    notes = read(filled)[2]
    assert "supervision/t.parquet:4: no record has the id 'nobody'" in notes[0]
    (filled.root / "supervision/t.parquet").unlink()
    write(filled, *rows[:2], {**rows[2], "label": ["food"]})
    assert (votes(filled), votes(filled, "Topics")) == from_parquet
    assert from_parquet[0] == [(0, "s", "age")]


def test_parquet_with_lists_and_numbers(filled):
    parquet(filled, [{"id": "a", "task": "POS", "source": "s", "label": ["ADJ", None, "NOUN"]}])
    parquet(filled, [{"id": "a", "task": "IntentArg", "source": "s", "label": 1.0},
                     {"id": "b", "task": "IntentArg", "source": "s", "label": None}], "supervision/u.parquet")
    assert votes(filled, "POS") == [(0, "s", "ADJ"), (2, "s", "NOUN")]
    assert votes(filled, "IntentArg") == [(0, "s", 1)]


def test_a_parquet_file_that_is_none(filled):
    filled.write("supervision/t.parquet", "no parquet")
    with pytest.raises(ProjectError, match="cannot be read") as caught:
        read(filled)
    assert caught.value.at == "supervision/t.parquet"
    parquet(filled, [{"id": "a", "task": "Intent", "label": "age"}])
    with pytest.raises(ProjectError, match="no column `source`"):
        read(filled)


def test_gold_given_later_is_gold_of_dev_and_test_alone(filled):
    write(filled, {"id": "c", "label": "height", "source": "gold"}, {"id": "d", "label": "age", "source": "gold"},
          {"id": "a", "label": "age", "source": "gold"}, {"id": "c", "label": "age", "source": "ada"},
          name="supervision/gold.jsonl")
    assert votes(filled) == [(0, "gold", "age"), (2, "ada", "age")]
    assert votes(filled, reader=read_gold) == [(2, "gold", "height"), (3, "gold", "age")]
    assert read(filled)[2] == []


def test_corrections_of_train_and_of_the_rest(filled):
    write(filled, {"id": "a", "label": "age", "source": "ada", "correction": True},
          {"id": "a", "label": "height", "source": "bob", "correction": True},
          {"id": "c", "label": "president", "source": "ada", "correction": True},
          {"id": "d", "label": "age", "source": "ada", "correction": True},
          {"id": "d", "source": "ada", "correction": True, "retracted": True}, name="supervision/corrections.jsonl")
    assert read(filled)[1] == {}
    assert votes(filled, reader=read_corrections) == [(0, "gold", "height")]
    assert votes(filled, reader=read_gold) == [(2, "gold", "president")]


@st.composite
def statements(draw):
    """(row, source, position or WHOLE) in the order of reading: two rows of two items, two sources."""
    return draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.sampled_from([WHOLE, 0, 1])), max_size=12))


@given(statements())
def test_the_last_word_is_what_reading_one_by_one_gives(said):
    """An oracle that keeps a dictionary from (row, source) to the standing statements."""
    whole: dict[tuple[int, int], int] = {}
    single: dict[tuple[int, int, int], int] = {}
    for number, (row, source, place) in enumerate(said):
        if place == WHOLE:
            whole[row, source] = number
            single = {key: value for key, value in single.items() if key[:2] != (row, source)}
        else:
            single[row, source, place] = number
    table = np.array(said, np.int64).reshape(-1, 3)
    place = np.where(table[:, 2] == WHOLE, WHOLE, table[:, 0] * 2 + table[:, 2])
    standing, settled = _standing(table[:, 0], table[:, 1].astype(np.int32), place, 2)
    assert set(np.flatnonzero(standing).tolist()) == set(whole.values()) | set(single.values())
    assert settled.tolist() == sorted((row * 2 + at) * 2 + source for row, source, at in single)
