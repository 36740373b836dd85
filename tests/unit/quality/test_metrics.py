"""scikit-learn is the oracle, to 1e-9, on random and adversarial inputs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from ovt.quality import metrics

PAIRS = st.integers(1, 7).flatmap(
    lambda k: st.tuples(
        st.just(k), st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=60),
    ),
)


def expected(gold, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            function(gold, predicted, average="macro", zero_division=0)
            for function in (oracle.precision_score, oracle.recall_score, oracle.f1_score)
        ]


@settings(deadline=None, max_examples=150)
@given(PAIRS)
def test_macro_averages_are_scikit_learns(case) -> None:
    k, pairs = case
    gold, predicted = np.asarray(pairs).T
    counts = metrics.counts_of(metrics.confusion(gold, predicted, k + 2))  # two classes that never occur
    np.testing.assert_allclose(metrics.macro(counts), expected(gold, predicted), atol=1e-9)
    assert metrics.f1_micro(counts) == pytest.approx(oracle.f1_score(gold, predicted, average="micro"), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_confusion_is_scikit_learns(case) -> None:
    k, pairs = case
    gold, predicted = np.asarray(pairs).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = oracle.confusion_matrix(gold, predicted, labels=range(k))
    np.testing.assert_array_equal(metrics.confusion(gold, predicted, k), theirs)


def test_confusion_leaves_out_what_has_no_gold_or_no_answer() -> None:
    found = metrics.confusion(np.asarray([0, -1, 1, 1]), np.asarray([0, 1, -1, 0]), 2)
    assert found.tolist() == [[1, 0], [1, 0]]


def test_log_loss_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), 200)
    gold = rng.integers(0, 5, 200)
    ours = metrics.log_loss(probabilities[np.arange(200), gold])
    assert ours == pytest.approx(oracle.log_loss(gold, probabilities, labels=range(5)), abs=1e-9)


def test_a_certain_mistake_costs_much_but_not_infinitely() -> None:
    assert metrics.log_loss(np.asarray([0.0])) == pytest.approx(-np.log(1e-15))


def slow_ece(confidence, correct) -> float:
    total = 0.0
    for index in range(metrics.BINS):
        inside = [i for i, p in enumerate(confidence) if index / metrics.BINS < p <= (index + 1) / metrics.BINS]
        if inside:
            gap = np.mean([correct[i] for i in inside]) - np.mean([confidence[i] for i in inside])
            total += len(inside) / len(confidence) * abs(gap)
    return total


def test_ece_is_the_definition() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.01, 1, 300)
    correct = rng.random(300) < confidence ** 2
    assert metrics.ece(confidence, correct) == pytest.approx(slow_ece(confidence, correct), abs=1e-9)


def test_ece_of_certainty_and_of_nothing() -> None:
    assert metrics.ece(np.ones(4), np.ones(4, bool)) == 0
    assert metrics.ece(np.ones(4), np.zeros(4, bool)) == 1
    assert metrics.ece(np.empty(0), np.empty(0, bool)) == 0


def test_nothing_at_all_is_zero_not_nan() -> None:
    empty = np.empty(0, np.int64)
    counts = metrics.counts_of(metrics.confusion(empty, empty, 3))
    assert [*metrics.macro(counts), metrics.f1_micro(counts), metrics.log_loss(np.empty(0))] == [0, 0, 0, 0, 0]


def test_every_form_has_its_primary_among_what_is_measured() -> None:
    for form, primary in metrics.PRIMARY.items():
        assert primary in metrics.MEASURED[form]
    assert {name for names in metrics.MEASURED.values() for name in names} == set(metrics.METRICS)


def test_every_metric_says_which_way_is_better() -> None:
    assert set(metrics.METRICS) <= set(metrics.TABLE)
    assert {"log_loss", "ece", "negative_flip_rate"} == metrics.LOWER_IS_BETTER
    assert (metrics.better("ece"), metrics.better("f1_macro")) == ("lower", "higher")
