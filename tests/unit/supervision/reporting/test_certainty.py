from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.votes import VOTED, Votes
from ovt.supervision.combine import combine_task
from ovt.supervision.reporting import certainty
from ovt.supervision.reporting.certainty import effective_votes, wilson


@given(st.integers(1, 500), st.data())
def test_wilson_is_the_textbook_interval(n, data):
    right = data.draw(st.integers(0, n))
    low, high = wilson(right / n, n)
    assert 0 <= low <= right / n + 1e-12
    assert right / n - 1e-12 <= high <= 1
    # The ends are where the score test just accepts: (p - x)^2 = z^2 x (1 - x) / n.
    for end in (low, high):
        if 0 < end < 1:
            assert (right / n - end) ** 2 == pytest.approx(certainty.Z**2 * end * (1 - end) / n, abs=1e-9)
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_votes_that_nobody_can_judge_count_nothing(planted):
    votes, _ = planted.annotators(400, planted.coins([0.9], 2), np.array([0.5, 0.5]))
    long = planted.votes_of(votes)
    combined = combine_task(long, kind="multiclass", n_classes=2)
    known = effective_votes(long, combined, "multiclass", combined.accuracies)
    assert known[0] < 0.3 * 400


def test_votes_that_gold_settles_count_whole(planted):
    votes, truth = planted.annotators(400, planted.coins([0.9], 2), np.array([0.5, 0.5]))
    gold = planted.gold_votes(np.arange(400), truth, 400)
    long = Votes.concat([planted.votes_of(votes), gold], 400)
    combined = combine_task(long, kind="multiclass", n_classes=2)
    assert effective_votes(long.without("gold"), combined, "multiclass", {"s00": 0.9})[0] == pytest.approx(400)


def test_the_interval_holds_the_true_accuracy(planted):
    """95 % intervals over 30 data sets of 5 sources: at least 85 % hold the accuracy that the source really has."""
    held = total = 0
    for seed in range(30):
        rates = np.array([0.9, 0.8, 0.75, 0.7, 0.65])
        random = np.random.default_rng(seed)
        truth = random.integers(0, 2, 600)
        right = random.random((600, 5)) < rates
        votes = np.where(right, truth[:, None], 1 - truth[:, None])
        long = planted.votes_of(votes)
        combined = combine_task(long, kind="multiclass", n_classes=2)
        known = effective_votes(long, combined, "multiclass", combined.accuracies)
        for at, name in enumerate(long.names):
            low, high = wilson(combined.accuracies[name], known[at])
            held += low <= right[:, at].mean() <= high
            total += 1
    assert held / total >= 0.85


def test_bits_and_candidates(planted):
    rows = [(0, 0, VOTED), (0, 0, 1), (0, 1, VOTED), (0, 1, 1), (1, 0, VOTED), (1, 1, VOTED)]
    table = np.array(rows)
    votes = Votes.build(table[:, 0], table[:, 1].astype(np.int32), table[:, 2].astype(np.int32), ["a", "b"], 2)
    combined = combine_task(votes, kind="bitvector", n_classes=3)
    assert (effective_votes(votes, combined, "bitvector", combined.accuracies) <= 6).all()
    chosen = Votes.build(np.array([0, 0, 1]), np.array([0, 1, 0], np.int32), np.array([1, 1, 0], np.int32), ["a", "b"], 2)
    candidates = np.array([0, 3, 5])
    picked = combine_task(chosen, kind="select", n_classes=0, candidates=candidates)
    assert effective_votes(chosen, picked, "select", picked.accuracies).shape == (2,)


def test_a_sample_counts_up_to_the_whole(planted, monkeypatch):
    votes, _ = planted.annotators(2000, planted.coins([0.9, 0.8, 0.7], 2), np.array([0.5, 0.5]))
    long = planted.votes_of(votes)
    combined = combine_task(long, kind="multiclass", n_classes=2)
    whole = effective_votes(long, combined, "multiclass", combined.accuracies)
    monkeypatch.setattr(certainty, "CELLS", 1500)
    assert effective_votes(long, combined, "multiclass", combined.accuracies) == pytest.approx(whole, rel=0.15)
