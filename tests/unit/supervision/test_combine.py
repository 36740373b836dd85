from __future__ import annotations

import doctest
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ovt
from ovt.errors import UsageError
from ovt.supervision import combine as module
from ovt.supervision import fitting

EVEN = np.array([0.5, 0.5])


def test_the_example_in_the_docstring_runs():
    failed, tried = doctest.testmod(module)
    assert tried > 5
    assert failed == 0


def test_copies_share_one_vote_and_the_truth_comes_out(planted):
    accuracies = np.linspace(0.55, 0.9, 17).tolist()
    votes, truth = planted.annotators(30_000, planted.coins(accuracies, 4), np.full(4, 0.25), coverage=0.3)
    random = np.random.default_rng(2)
    own, _ = planted.annotators(30_000, planted.coins([0.5] * 3, 4), np.full(4, 0.25), coverage=0.3, seed=3)
    votes = np.column_stack([votes, np.where(random.random(own.shape) < 0.9, votes[:, :1], own)])
    found = ovt.combine(votes, 4)
    assert found.copies == (("source_0", "source_17", "source_18", "source_19"),)
    # What could be reached with the planted accuracies and without the copies.
    odds = np.log(np.array(accuracies) / (1 - np.array(accuracies)) * 3)
    best = np.stack([((votes[:, :17] == label) * odds).sum(axis=1) for label in range(4)], axis=1).argmax(axis=1)
    assert (found.probabilities.argmax(axis=1) == truth).mean() > (best == truth).mean() - 0.005
    assert found.accuracies[:17] == pytest.approx(accuracies, abs=0.06)


def test_rows_without_a_vote_have_the_balance_of_such_rows(planted):
    votes, truth = planted.annotators(1000, planted.coins([0.9, 0.8, 0.7], 2), np.array([0.8, 0.2]), coverage=0.5)
    silent = (votes < 0).all(axis=1)
    found = ovt.combine(votes, 2, gold=np.where(np.arange(1000) < 500, truth, -1))
    assert silent.sum() > 50
    assert np.ptp(found.probabilities[silent], axis=0).max() == 0
    assert found.probabilities[silent][0, 0] == pytest.approx(0.8, abs=0.1)


def test_large_arrays_are_fitted_on_a_sample_and_predicted_in_pieces(planted, monkeypatch):
    votes, truth = planted.annotators(5000, planted.coins([0.9, 0.8, 0.7, 0.6], 3), np.full(3, 1 / 3), coverage=0.8)
    whole = ovt.combine(votes, 3)
    monkeypatch.setattr(fitting, "SAMPLED_VOTES", 8000)
    monkeypatch.setattr(fitting, "VOTES_PER_SOURCE", 100)
    monkeypatch.setattr(fitting, "PIECE", 700)
    part = ovt.combine(votes, 3)
    assert np.abs(part.probabilities - whole.probabilities).mean() < 0.05
    assert (part.probabilities != whole.probabilities).any()
    assert (part.probabilities.argmax(axis=1) == truth).mean() > (whole.probabilities.argmax(axis=1) == truth).mean() - 0.01


def test_the_same_arrays_give_the_same_bytes(planted):
    votes, truth = planted.annotators(800, planted.coins([0.9, 0.7, 0.6], 2), EVEN, coverage=0.7)
    gold = np.where(np.arange(800) < 100, truth, -1)
    first, second = (ovt.combine(votes, 2, gold=gold, seed=3) for _ in range(2))
    assert first.probabilities.tobytes() == second.probabilities.tobytes()
    assert first.candidates == second.candidates


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_never_a_nan(data):
    n, m, k = (data.draw(st.integers(low, high)) for low, high in ((0, 30), (0, 4), (1, 4)))
    cells = data.draw(st.lists(st.integers(-1, k - 1), min_size=n * m, max_size=n * m))
    gold = np.array(data.draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n)), int)
    found = ovt.combine(np.array(cells, int).reshape(n, m), k, gold=gold)
    assert found.probabilities.shape == (n, k)
    assert np.isfinite(found.probabilities).all()
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)
    assert np.isfinite(found.accuracies).all()
    assert found.accuracies.shape == (m,)


@pytest.mark.parametrize(("votes", "k", "extra", "what"), [
    (np.zeros(3, int), 2, {}, "two-dimensional"),
    (np.zeros((3, 2)), 2, {}, "integers"),
    (np.array([[2]]), 2, {}, "not a class of 2"),
    (np.array([[-2]]), 2, {}, "not a class of 2"),
    (np.array([[1]]), 2, {"names": ["a", "b"]}, "2 names for 1 sources"),
    (np.array([[1]]), 2, {"gold": np.array([0, 1])}, "gold does not fit"),
    (np.array([[1]]), 2, {"gold": np.array([2])}, "gold does not fit"),
])
def test_arrays_that_do_not_fit_are_explained(votes, k, extra, what):
    with pytest.raises(UsageError, match=what):
        ovt.combine(votes, k, **extra)


# Public data: floors, not goals.


def read_public(folder: Path, name: str):
    """(votes, gold, split) of a single multiclass task on a record, as dense arrays."""
    lines = (folder / name / "data.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    labels = [next(iter(record["tasks"].values()), {}) for record in records]
    names = sorted({source for label in labels for source in label} - {"gold"})
    classes = sorted({value for label in labels for value in label.values()})
    column, code = {name: i for i, name in enumerate(names)}, {value: i for i, value in enumerate(classes)}
    votes, gold = np.full((len(records), len(names)), -1), np.full(len(records), -1)
    for row, label in enumerate(labels):
        for source, value in label.items():
            if source == "gold":
                gold[row] = code[value]
            else:
                votes[row, column[source]] = code[value]
    split = np.array([next(tag for tag in record["tags"] if tag in {"train", "dev", "test"}) for record in records])
    return votes, gold, split, len(classes)


CROWDS = ("bluebird", "dog", "product", "rte", "sp", "web", "zencrowd_us")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["youtube", *(f"crowd_{crowd}" for crowd in CROWDS)])
def test_public_sets_are_not_below_majority_vote(name):
    folder = os.environ.get("OVT_REAL_DATA")
    if not folder:
        pytest.skip("OVT_REAL_DATA is not set")
    votes, gold, split, k = read_public(Path(folder), name)
    found = ovt.combine(votes, k, gold=np.where(split == "dev", gold, -1))
    counts = np.stack([(votes == label).sum(axis=1) for label in range(k)], axis=1)
    scored = (gold >= 0) & ((split == "test") if name == "youtube" else (split != "dev"))
    ours = (found.probabilities.argmax(axis=1) == gold)[scored].mean()
    majority = (counts.argmax(axis=1) == gold)[scored].mean()
    assert ours >= majority - 0.005
    if name == "youtube":
        assert ours >= 0.856
    shares = ((counts + 1 / k) / (counts.sum(axis=1, keepdims=True) + 1))[np.arange(len(gold)), gold]
    truths = found.probabilities[np.arange(len(gold)), gold]
    assert -np.log(truths[scored]).mean() < -np.log(shares[scored]).mean()
