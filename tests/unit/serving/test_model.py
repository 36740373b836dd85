"""Answers: in the words of a record, in order, with a reason where there is none; the same arrays as training reads."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ovt
from ovt.data.records import RecordCodec
from ovt.errors import ProjectError
from ovt.serving import words
from ovt.serving.answers import ItemClass, spans_of
from ovt.serving.arrays import ArrayMaker
from ovt.serving.requests import Problem, RequestReader
from ovt.serving.words import Words
from ovt.training.decoding import decode_spans
from ovt.training.features import WordFeatures
from ovt.training.lexicon import Lexicon
from ovt.training.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.serving.model import Model
    from ovt.training.network.network import Network
    from ovt.training.optimisation.fit import Material


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return ovt.load(bundle)


def payloads(**given_: Any) -> dict[str, Any]:
    return {"payloads": given_}


def test_arrays_are_those_that_training_reads(material: Material, plain: tuple[Network, Lexicon], records: list[dict[str, Any]]) -> None:
    _, lexicon = plain
    schema = material.store.schema
    reader = RequestReader(schema)
    maker = ArrayMaker(schema, lexicon, reader.codec.payload_fields)
    rng = random.Random(1)
    for size in (1, 2, 5, 30):
        chosen = rng.sample(records, size)
        rows = material.store.rows_of([record["id"] for record in chosen])
        wanted = Reader(material.store, lexicon).read(rows)
        found = maker.make([reader.from_mapping(record).payloads for record in chosen])  # type: ignore[union-attr]
        assert found.keys() == wanted.keys()
        for name, array in wanted.items():
            if name.startswith("words/") or name.endswith("/words"):
                continue
            assert found[name].dtype == array.dtype, name
            assert np.array_equal(found[name], array), name
        for name in ("tokens/words", "title/words", "entities/words"):
            mine, theirs = found["words/id"][found[name]], wanted["words/id"][wanted[name]]
            assert np.array_equal(mine, theirs), name
            mine, theirs = found["words/subwords"][found[name]], wanted["words/subwords"][wanted[name]]
            assert np.array_equal(mine, theirs), name


def test_a_label_is_what_a_record_calls_a_label(model: Model, records: list[dict[str, Any]]) -> None:
    codec = RecordCodec(model.schema)
    for record, answer in zip(records, model.predict(records), strict=True):
        tasks = {task: {"model": said["label"]} for task, said in answer["tasks"].items()}
        codec.decode(json.dumps({**record, "tasks": tasks}).encode())
        assert answer["id"] == record["id"]


def test_candidates_keep_their_ids_and_sets_their_order(model: Model) -> None:
    one = model.predict([payloads(tokens=["show"], entities=[{"id": "a"}, {"id": "b"}])])[0]["tasks"]
    two = model.predict([payloads(tokens=["show"], entities={"1": {"id": "b"}, "0": {"id": "a"}})])[0]["tasks"]
    assert one == two
    assert one["IntentArg"]["id"] == "ab"[one["IntentArg"]["label"]]
    assert len(one["Kind"]["label"]) == 2


def test_nothing_given_is_answered_too(model: Model) -> None:
    found = model.predict([payloads(), payloads(tokens=[], entities=[], title="")])
    for answer in found:
        assert "id" not in answer
        assert answer["tasks"]["IntentArg"] == {"label": None, "confidence": 0.0}
        assert answer["tasks"]["Slots"] == {"label": [], "confidence": [], "spans": []}
        assert isinstance(answer["tasks"]["Intent"]["label"], str)


def test_lines_that_are_no_record_have_a_reason_in_their_place(model: Model) -> None:
    lines = [b'{"id": "a", "payloads": {}}', b"{", b'{"payloads": {"age": "old"}}', b'{"payloads": {"nose": 1}}',
             b'{"payloads": {"tokens": ["a"], "entities": [{"range": [0, 2]}]}}', b"[]", b"", b"\xff",
             b'{"id": "b", "payloads": {}, "tasks": {"Intent": 7}, "tags": "?"}', b"[" * 100_000]
    found = model.predict_json(lines)
    said = [json.loads(one)["id"] if isinstance(one, bytes) else str(one) for one in found]
    assert (said[0], said[8]) == ("a", "b")
    for place, why in {1: "broken JSON", 2: "payloads.age: found text", 3: "unknown payload `nose`",
                       4: r"\[0, 2\] is no range", 5: "expected an object", 6: "broken JSON", 7: "not UTF-8"}.items():
        assert isinstance(found[place], Problem)
        import re
        assert re.search(why, said[place]), said[place]
    assert isinstance(found[9], Problem)


def test_predict_names_the_record_that_is_none(model: Model) -> None:
    with pytest.raises(ProjectError, match="record 1") as caught:
        model.predict([payloads(), payloads(age="old")])
    assert caught.value.why == 'payloads.age: found text "old", expected a number'


def test_order_is_kept_over_many_records(model: Model, records: list[dict[str, Any]]) -> None:
    many = [{**record, "id": f"n{number}"} for number, record in enumerate(records * 3)]
    assert [answer["id"] for answer in model.predict(many)] == [record["id"] for record in many]


def test_ids_are_those_that_compiling_gives(model: Model) -> None:
    from ovt.data.reader import payload_hash

    line = b'{"payloads": {"tokens": ["show"], "age": 3}}'
    wanted = payload_hash(RecordCodec(model.schema).decode(line).payloads)
    answer = model.twin(identify=True).predict_json([line])[0]
    assert isinstance(answer, bytes)
    assert json.loads(answer)["id"] == wanted


def test_a_twin_shares_the_network(model: Model) -> None:
    twin = model.twin()
    assert twin.session is model.session
    assert twin.predict([payloads(tokens=["show"])]) == model.predict([payloads(tokens=["show"])])


def test_forgotten_words_change_nothing(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "REMEMBERED", 5)
    records = [payloads(tokens=[f"w{number}", "show", f"v{number}"]) for number in range(20)]
    forgetful = model.twin()
    found = [forgetful.predict([record])[0] for record in records]
    assert len(forgetful._arrays._words) <= 5 + 8
    monkeypatch.undo()
    assert found == [model.predict([record])[0] for record in records]


texts = st.lists(st.sampled_from(["", "a", "A", "ab", "the", "Über", "x" * 60, "\ud800", "日本"]), min_size=1, max_size=12)


@given(st.lists(texts, min_size=1, max_size=4))
@settings(max_examples=50)
def test_remembered_words_have_the_features_of_new_ones(batches: list[list[str]]) -> None:
    lexicon = Lexicon(WordFeatures(("the", "a"), 64), {}, {})
    remembering = Words(lexicon)
    for batch in batches:
        numbers = np.array([0, *(remembering[text] for text in batch)])
        remembering.learn()
        distinct, places = remembering.distinct(numbers)
        assert distinct[0] == places[0] == 0
        assert np.array_equal(distinct[places], numbers)
        assert len(set(distinct.tolist())) == len(distinct)
        arrays = remembering.arrays(distinct)
        encoded = lexicon.words.encode(batch)
        for at, text in enumerate(batch):
            row = places[at + 1]
            wanted = encoded.subwords[encoded.offsets[at]:encoded.offsets[at + 1]].tolist() if text else []
            assert arrays["words/id"][row] == (encoded.ids[at] if text else 0)
            assert arrays["words/subwords"][row][:len(wanted)].tolist() == wanted
            assert not arrays["words/subwords"][row][len(wanted):].any()
            assert remembering.lower[numbers[at + 1]] == remembering.lower[remembering.get(text.lower(), numbers[at + 1])] or text != text.lower()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_spans_are_decoded_as_in_training(seed: int) -> None:
    """The shortcut for what is valid already gives what the search over all paths gives."""
    from ovt.schema.spec import Task

    rng = np.random.default_rng(seed)
    classes = ["O", "B-x", "I-x", "B-y", "I-y"]
    found = rng.dirichlet(np.full(5, 0.3), (6, 7)).astype(np.float32)
    counts = rng.integers(0, 8, 6)
    read = ItemClass("out", "counts", classes, Task("T", "tokens", "multiclass", spans="BIO"), None)
    answers = read({"out": found}, {"counts": counts})
    wanted = decode_spans(found, counts, classes)
    for answer, row, count in zip(answers, wanted.tolist(), counts.tolist(), strict=True):
        assert answer["label"] == [classes[place] for place in row[:count]]


def test_spans_are_half_open() -> None:
    assert spans_of(["O", "B-x", "I-x", "B-x", "B-y", "O"]) == [
        {"type": "x", "range": [1, 3]}, {"type": "x", "range": [3, 4]}, {"type": "y", "range": [4, 5]}]
