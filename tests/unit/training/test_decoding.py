from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.training.decoding import IMPOSSIBLE, decode_select, decode_spans, valid_transitions, viterbi

CLASSES = ("B-a", "B-b", "I-a", "I-b", "O")


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_viterbi_finds_the_best_of_all_sequences(seed: int, length: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(1, 4, 3)).astype(np.float32)
    first, step = random.normal(size=3), random.normal(size=(3, 3))
    found = viterbi(scores, np.asarray([length]), first, step)[0, :length]

    def total(path: tuple[int, ...]) -> float:
        steps = sum(step[a, b] for a, b in itertools.pairwise(path))
        return float(first[path[0]] + steps + sum(scores[0, place, label] for place, label in enumerate(path)))

    best = max(itertools.product(range(3), repeat=length), key=total)
    assert total(tuple(found)) == pytest.approx(total(best), abs=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_decoded_spans_are_valid(seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(5) * 0.3, size=(6, 7)).astype(np.float32)
    lengths = random.integers(1, 8, size=6)
    for labels, length in zip(decode_spans(probabilities, lengths, CLASSES), lengths, strict=True):
        before = "O"
        for label in (CLASSES[code] for code in labels[:length]):
            assert label[0] != "I" or before[2:] == label[2:]
            before = label


def test_a_row_is_decoded_alike_beside_longer_ones() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(5), size=(2, 6)).astype(np.float32)
    alone = decode_spans(probabilities[:1, :3], np.asarray([3]), CLASSES)
    beside = decode_spans(probabilities, np.asarray([3, 6]), CLASSES)
    assert beside[0, :3].tolist() == alone[0].tolist()


def test_sure_predictions_that_are_valid_stay() -> None:
    labels = [0, 2, 4, 1, 3, 3]
    probabilities = np.eye(5, dtype=np.float32)[labels][None] * 0.9 + 0.02
    assert decode_spans(probabilities, np.asarray([6]), CLASSES)[0].tolist() == labels


def test_which_class_may_follow_which() -> None:
    starts, follows = valid_transitions(CLASSES)
    assert starts.tolist() == [True, True, False, False, True]
    assert follows[:, 2].tolist() == [True, False, True, False, False]
    assert follows[:, 4].all()
    assert IMPOSSIBLE < -1e6


def test_select_takes_the_first_of_equals_and_nothing_of_nothing() -> None:
    found = decode_select(np.asarray([0.2, 0.8, 0.5, 0.5], np.float32), np.asarray([0, 2, 2, 4]))
    assert found.tolist() == [1, -1, 0]
