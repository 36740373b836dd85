from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.supervision.sequences.spans import is_bio, may_start, predecessors, valid_bio
from ovt.supervision.silence import SILENT_O, SILENT_WEIGHT, silence

CLASSES = ["B-x", "B-y", "I-x", "I-y", "O"]


def brute_force(probabilities):
    """Marginals by enumerating every valid sequence."""
    allowed, starts = predecessors(CLASSES), may_start(CLASSES)
    marginal = np.zeros_like(probabilities)
    for path in product(range(len(CLASSES)), repeat=len(probabilities)):
        if starts[path[0]] and all(allowed[a, b] for a, b in pairwise(path)):
            weight = np.prod(probabilities[np.arange(len(path)), path])
            marginal[np.arange(len(path)), path] += weight
    return marginal / marginal.sum(axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 1000))
def test_marginals_are_those_of_all_valid_sequences(lengths, seed):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(5), offsets[-1])
    found = valid_bio(probabilities, offsets, CLASSES)
    for start, stop in pairwise(offsets):
        assert found[start:stop] == pytest.approx(brute_force(probabilities[start:stop]), abs=1e-6)


def test_an_inside_without_a_beginning_becomes_unlikely():
    probabilities = np.array([[0.0, 0, 0, 0, 1.0], [0.0, 0, 0.9, 0, 0.1]])
    found = valid_bio(probabilities, np.array([0, 2]), CLASSES)
    assert found[1, 2] < 0.5 < found[1, 4]
    assert np.isfinite(found).all()


def test_contradicting_certainties_stay_finite():
    certain = np.eye(5)[[4, 2, 3, 3]]
    found = valid_bio(certain, np.array([0, 4]), CLASSES)
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(4))


def test_what_is_bio():
    assert is_bio(CLASSES)
    assert not is_bio(["B-x", "I-x"])
    assert not is_bio(["O", "noun"])


def test_silent_tokens_of_sequences_with_a_vote_are_o():
    covered = np.array([True, False, False, False, False])
    sequences = np.array([0, 3, 5])
    found = silence(covered, np.full(5, -1), sequences, CLASSES)
    assert found.items.tolist() == [1, 2]
    assert found.probabilities[4] == pytest.approx(SILENT_O)
    assert found.probabilities.sum() == pytest.approx(1.0)
    assert found.weight == SILENT_WEIGHT


def test_gold_measures_how_often_silence_is_o():
    covered = np.zeros(2000, bool)
    covered[::10] = True
    gold = np.full(2000, 4)
    gold[1::10] = 0
    found = silence(covered, gold, np.arange(0, 2001, 10), CLASSES)
    assert found.weight == 1.0
    assert found.probabilities[4] == pytest.approx(8 / 9, abs=0.01)
    assert found.probabilities[0] == pytest.approx(1 / 9, abs=0.01)
