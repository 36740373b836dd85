from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ovt.training.features import FIRST_WORD, PADDING, UNKNOWN
from ovt.training.lexicon import build_lexicon
from ovt.training.network.overlap import FEATURES
from ovt.training.overlap_memory import KnownOverlaps
from ovt.training.reader import SPARSE, Reader, distinct_numbers, padded
from ovt.training.tuning.values import WordValues

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.training.optimisation.fit import Material


@pytest.fixture(scope="module")
def reader(material: Material) -> Reader:
    return Reader(material.store, build_lexicon(material.store, WordValues()))


@pytest.fixture(scope="module")
def records(world: Project) -> list[dict]:
    return [json.loads(line) for line in (world.root / "data" / "records.jsonl").read_text().splitlines()]


def word_ids(reader: Reader, arrays: dict, payload: str, *place: int) -> list[int]:
    return arrays["words/id"][arrays[f"{payload}/words"][place]].tolist()


def known_id(reader: Reader, word: str) -> int:
    words = reader.lexicon.words.words
    return words.index(word) + FIRST_WORD if word in words else UNKNOWN


def test_a_batch_holds_what_the_records_say(reader: Reader, records: list[dict]) -> None:
    rows = np.asarray([3, 500, 41])
    arrays = reader.read(rows)
    width = arrays["tokens/words"].shape[1]
    for place, row in enumerate(rows):
        payloads = records[row]["payloads"]
        tokens = [known_id(reader, word) for word in payloads["tokens"]]
        assert word_ids(reader, arrays, "tokens", place) == tokens + [PADDING] * (width - len(tokens))
        assert arrays["tokens/length"][place] == len(tokens)
        assert arrays["entities/count"][place] == len(payloads["entities"])
        assert arrays["entities/range"][place].tolist() == [entity["range"] for entity in payloads["entities"]]
        names = reader.lexicon.names["device"]
        assert names[arrays["device/name"][place] - 1] == payloads["device"]
        mean, spread = reader.lexicon.scales["age"]
        assert arrays["age/value"][place, 0] == pytest.approx((payloads["age"] - mean) / spread, abs=1e-5)


def test_distinct_words_are_listed_once_with_their_sub_words(reader: Reader) -> None:
    arrays = reader.read(np.arange(50))
    used = np.unique(np.concatenate([arrays[f"{name}/words"].ravel() for name in ("tokens", "entities", "title")]))
    assert used.tolist() == list(range(len(arrays["words/id"])))
    assert arrays["words/id"][0] == PADDING
    assert not arrays["words/subwords"][0].any()
    assert arrays["words/subwords"][1:, 0].all()


def test_nulls_are_absent_and_still_have_a_shape(reader: Reader, records: list[dict]) -> None:
    rows = np.asarray([place for place, record in enumerate(records) if record["id"] in {"null", "empty"}])
    arrays = reader.read(rows)
    assert arrays["tokens/words"].shape == (2, 1)
    assert arrays["entities/id"].shape == (2, 1)
    assert arrays["tokens/present"].tolist() == [False, True]
    assert arrays["tokens/length"].tolist() == [0, 0]
    assert not arrays["age/value"].any()
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_a_batch_of_rows_reads_like_each_row_alone(reader: Reader) -> None:
    together = reader.read(np.asarray([10, 11]))
    alone = reader.read(np.asarray([11]))
    assert together["entities/overlap"][1] == pytest.approx(alone["entities/overlap"][0])
    length = alone["tokens/length"][0]
    assert (word_ids(reader, together, "tokens", 1)[:length]) == word_ids(reader, alone, "tokens", 0)[:length]


def test_lengths_count_elements(reader: Reader, records: list[dict]) -> None:
    payloads = records[0]["payloads"]
    title = len((payloads["title"] or "").split())
    assert reader.lengths(np.asarray([0])).tolist() == [len(payloads["tokens"]) + len(payloads["entities"]) + title]


def test_padded_positions() -> None:
    index, lengths, mask = padded(np.asarray([0, 2, 2, 5]), np.asarray([2, 0, 1]))
    assert index.tolist() == [[2, 3, 4], [0, 1, 0], [0, 0, 0]]
    assert lengths.tolist() == [3, 2, 0]
    assert mask.tolist() == [[True] * 3, [True, True, False], [False] * 3]


def test_distinct_numbers_are_those_of_a_sort_however_large_the_table() -> None:
    numbers = np.random.default_rng(0).integers(0, 500, 300)
    for total in (500, 500 * SPARSE):
        distinct, places = distinct_numbers(numbers, total)
        expected, inverse = np.unique(numbers, return_inverse=True)
        assert distinct.tolist() == expected.tolist()
        assert places.tolist() == inverse.tolist()


def test_overlaps_read_again_are_those_that_were_computed(material: Material) -> None:
    lexicon = build_lexicon(material.store, WordValues())
    fresh, used = Reader(material.store, lexicon), Reader(material.store, lexicon)
    for rows in (np.arange(0, 40), np.arange(20, 60)):  # the second knows half of its rows
        used.read(rows)
    mixed = np.asarray([51, 3, 3, 27])
    assert used.read(mixed)["entities/overlap"].tolist() == fresh.read(mixed)["entities/overlap"].tolist()


def test_overlaps_of_too_many_members_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovt.training.overlap_memory.MOST_BYTES", 0)
    known = KnownOverlaps(np.asarray([0, 2]))
    rows, places = np.asarray([0]), (np.asarray([[0, 1]]), np.ones((1, 2), bool))
    known.keep(rows, places, np.ones((1, 2, FEATURES), np.float32))
    assert known.recall(rows, places) is None


def test_overlaps_of_records_without_members_are_zeros() -> None:
    known = KnownOverlaps(np.asarray([0, 0, 0]))
    rows = np.asarray([0, 1])
    places = np.zeros((2, 1), np.int64), np.zeros((2, 1), bool)
    assert known.recall(rows, places) is None
    known.keep(rows, places, np.zeros((2, 1, FEATURES), np.float32))
    found = known.recall(rows, places)
    assert found is not None
    assert found.shape == (2, 1, FEATURES)
    assert not found.any()
