"""Labels inside records as votes: every task kind on every payload kind, gold apart, silence, cuts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.inline import DESTINATIONS, InlineLabels
from ovt.data.votes import Votes
from ovt.documents import parse_document
from ovt.schema.parse import parse_schema
from ovt.settings import Gold, Settings, Source

if TYPE_CHECKING:
    from pathlib import Path

PAYLOADS = {"tokens": {"type": "sequence"}, "query": {"type": "singleton"}, "entities": {"type": "set"}}
Triple = tuple[int, str, Any]


class Collected:
    """The classes and the votes by destination."""

    def __init__(self, classes: list[str], votes: dict[str, Votes], *, select: bool) -> None:
        self.classes = classes
        self._votes = votes
        self._select = select

    def of(self, destination: str) -> list[Triple]:
        votes = self._votes[destination]
        names = [-1 if label < 0 else int(label) if self._select else self.classes[label] for label in votes.labels]
        return list(zip(votes.items.tolist(), [votes.names[source] for source in votes.sources], names, strict=True))

    def sources(self, destination: str) -> tuple[str, ...]:
        return self._votes[destination].names

    def n_items(self) -> int:
        return self._votes["votes"].n_items


def collect(
    tmp_path: Path, task: dict[str, Any], given: list[dict[str, Any] | None], *, splits: list[int] | None = None,
    lengths: list[int] | None = None, settings: Settings | None = None, shard: int = 1000,
) -> Collected:
    """Labels of one task through `InlineLabels`, shard by shard."""
    schema = parse_schema(parse_document(json.dumps({"payloads": PAYLOADS, "tasks": {"T": task}}), "schema.json"))
    labels = InlineLabels(schema, schema.tasks["T"], settings or Settings(), tmp_path / "scratch")
    codes, sizes = np.array(splits or [0] * len(given), np.int8), np.array(lengths or [1] * len(given), np.int64)
    for start in range(0, len(given), shard):
        part = slice(start, start + shard)
        labels.add(given[part], codes[part], sizes[part])
    paths = {name: tmp_path / f"{name}.arrow" for name in DESTINATIONS}
    labels.save(paths)
    n_items = len(given) if task["payload"] == "query" or task["type"] == "select" else int(sizes.sum())
    votes = {name: Votes.load(path, n_items) for name, path in paths.items()}
    return Collected(labels.classes(), votes, select=task["type"] == "select")


@pytest.mark.parametrize("shard", [1, 2, 1000])
def test_classes_of_a_record(tmp_path: Path, shard: int) -> None:
    found = collect(tmp_path, {"payload": "query", "type": "multiclass"},
                    [{"w2": "b", "w1": "a"}, None, {"w1": None}, {}, {"w1": "c", "w0": "a"}], shard=shard)
    assert found.classes == ["a", "b", "c"]
    assert found.of("votes") == [(0, "w1", "a"), (0, "w2", "b"), (4, "w0", "a"), (4, "w1", "c")]
    assert found.sources("votes") == ("w0", "w1", "w2")


@pytest.mark.parametrize("shard", [1, 1000])
def test_classes_of_tokens_are_cut_like_the_tokens(tmp_path: Path, shard: int) -> None:
    found = collect(tmp_path, {"payload": "tokens", "type": "multiclass"},
                    [{"s": ["A", None, "B"]}, {"s": None, "t": ["A", "B", "Z"]}, {"s": []}, {"s": ["B"]}],
                    lengths=[3, 2, 0, 1], shard=shard)
    assert found.of("votes") == [(0, "s", "A"), (2, "s", "B"), (3, "t", "A"), (4, "t", "B"), (5, "s", "B")]


def test_spans_close_their_classes(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "tokens", "type": "multiclass", "spans": "BIO"},
                    [{"s": ["I-b", "B-a", None]}], lengths=[3])
    assert found.classes == ["O", "B-a", "I-a", "B-b", "I-b"]
    assert found.of("votes") == [(0, "s", "I-b"), (1, "s", "B-a")]


def test_bits_of_a_record(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "query", "type": "bitvector"},
                    [{"s": ["b", "a", "b"], "t": []}, {"s": None}])
    assert found.of("votes") == [(0, "s", -1), (0, "s", "a"), (0, "s", "b"), (0, "t", -1)]


@pytest.mark.parametrize("payload", ["tokens", "entities"])
def test_bits_of_items(tmp_path: Path, payload: str) -> None:
    found = collect(tmp_path, {"payload": payload, "type": "bitvector"},
                    [{"s": [["a"], None]}, {"s": [[], ["a", "b"]]}], lengths=[2, 2])
    assert found.of("votes") == [(0, "s", -1), (0, "s", "a"), (2, "s", -1), (3, "s", -1), (3, "s", "a"), (3, "s", "b")]


def test_classes_of_members(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "entities", "type": "multiclass"},
                    [{"s": ["x", None, "y"]}, {"s": ["y"]}], lengths=[2, 1])
    assert found.of("votes") == [(0, "s", "x"), (2, "s", "y")]
    assert found.classes == ["x", "y"]


def test_candidates_that_were_cut_abstain(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "entities", "type": "select"},
                    [{"s": 1, "t": 0}, {"s": 2, "t": None}], lengths=[2, 2])
    assert found.of("votes") == [(0, "s", 1), (0, "t", 0)]


@pytest.mark.parametrize("train", [True, False])
def test_gold_of_held_out_records_is_kept_apart(tmp_path: Path, train: bool) -> None:
    given = [{"crowd": "a", "gold": label} for label in "abc"]
    found = collect(tmp_path, {"payload": "query", "type": "multiclass"}, given, splits=[0, 1, 2],
                    settings=Settings(gold=Gold(train=train)))
    expected = [(0, "crowd", "a"), (0, "gold", "a"), (1, "crowd", "a"), (2, "crowd", "a")]
    assert found.of("votes") == [triple for triple in expected if train or triple[1] != "gold"]
    assert found.sources("votes") == (("crowd", "gold") if train else ("crowd",))
    assert found.of("dev") == [(1, "gold", "b")]
    assert found.of("test") == [(2, "gold", "c")]
    assert found.classes == ["a", "b", "c"]


def test_another_source_may_be_gold(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "query", "type": "multiclass"}, [{"expert": "a", "gold": "b"}], splits=[2],
                    settings=Settings(gold=Gold(source="expert")))
    assert found.of("test") == [(0, "expert", "a")]
    assert found.of("votes") == [(0, "gold", "b")]


VOTING = Settings(sources={"crowd/*": Source(silence="vote")})


def test_silence_is_a_vote_for_outside_where_the_settings_say_so(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "tokens", "type": "multiclass", "spans": "BIO"},
                    [{"crowd/1": [None, "B-a"], "lf": [None, "B-a"]}, {"crowd/1": None}], lengths=[2, 1], settings=VOTING)
    assert found.of("votes") == [(0, "crowd/1", "O"), (1, "crowd/1", "B-a"), (1, "lf", "B-a")]


def test_silence_about_bits_is_a_vote_for_none_of_them(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "tokens", "type": "bitvector"},
                    [{"crowd/1": [None, ["a"]], "lf": [None, ["a"]]}], lengths=[2], settings=VOTING)
    assert found.of("votes") == [(0, "crowd/1", -1), (1, "crowd/1", -1), (1, "crowd/1", "a"), (1, "lf", -1), (1, "lf", "a")]


def test_silence_stays_silent_where_none_cannot_be_said(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "tokens", "type": "multiclass"}, [{"crowd/1": [None, "a"]}], lengths=[2],
                    settings=VOTING)
    assert found.of("votes") == [(1, "crowd/1", "a")]


def test_declared_classes_keep_their_order(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "query", "type": "multiclass", "classes": ["z", "a", "m"]},
                    [{"s": "a"}, {"s": "z"}])
    assert found.classes == ["z", "a", "m"]
    assert found.of("votes") == [(0, "s", "a"), (1, "s", "z")]


def test_a_task_without_labels_has_empty_files(tmp_path: Path) -> None:
    found = collect(tmp_path, {"payload": "query", "type": "multiclass"}, [None, None])
    assert found.classes == []
    assert [found.of(name) for name in DESTINATIONS] == [[], [], []]
