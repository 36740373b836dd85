from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.training.features import (
    FIRST_WORD,
    MAX_SUBWORDS,
    UNKNOWN,
    WordFeatures,
    frequent_words,
    shape,
    subwords,
)


def test_known_words_have_ids_whatever_their_case() -> None:
    features = WordFeatures(("the", "boat"), 64)
    assert features.encode(["The", "boat", "ship"]).ids.tolist() == [FIRST_WORD, FIRST_WORD + 1, UNKNOWN]


@given(st.lists(st.text(min_size=1), max_size=20), st.integers(1, 5000))
def test_encoding_a_list_is_encoding_each_string(strings: list[str], buckets: int) -> None:
    encoded = WordFeatures((), buckets).encode(strings)
    for place, text in enumerate(strings):
        found = encoded.subwords[encoded.offsets[place]:encoded.offsets[place + 1]]
        assert found.tolist() == subwords(text, buckets)
        assert len(found) >= 2
        assert len(found) <= MAX_SUBWORDS
        assert found.min() >= 1
        assert found.max() <= buckets


def test_unseen_words_share_sub_words_with_those_that_look_alike() -> None:
    alike = set(subwords("greenish", 2**20)) & set(subwords("reddish", 2**20))
    other = set(subwords("greenish", 2**20)) & set(subwords("boat", 2**20))
    assert len(alike) > len(other)


def test_sub_words_are_the_same_in_every_process() -> None:
    code = "from ovt.training.features import subwords; print(subwords('Größe-7', 16384))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(subwords("Größe-7", 16384))


@pytest.mark.parametrize(("text", "expected"), [("Obama's", "Xx.x"), ("2019", "d"), ("B2B", "XdX"), ("", ""), ("🙂", ".")])
def test_shape(text: str, expected: str) -> None:
    assert shape(text) == expected


def test_frequent_words_are_counted_over_case_and_payloads() -> None:
    first = (["The", "the", "rare", "test-only"], np.asarray([1, 2, 1, 0]))
    second = (["boat", "rare"], np.asarray([5, 1]))
    assert frequent_words([first, second], 2) == ("boat", "the", "rare")
    assert frequent_words([first], 1) == ("the", "rare")
