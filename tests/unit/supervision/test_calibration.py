from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as oracle_log_loss

from ovt.supervision.calibration import (
    apply,
    calibrate,
    ece,
    golden_section,
    log_loss,
    macro_f1,
)
from ovt.supervision.label_models.ballots import rectangular


def empty_ballots(n, k):
    nothing = np.zeros(0, np.int64)
    return rectangular(nothing, nothing.astype(np.int32), nothing.astype(np.int32), 1, (n, k))


def drawn(n=4000, k=3, seed=0):
    """Log probabilities that are right as they are, and labels drawn from them."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(k) * 0.7, n) * 0.98 + 0.02 / k
    gold = (random.random(n)[:, None] > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return np.log(probabilities), gold


def test_log_loss_and_f1_agree_with_scikit_learn():
    logs, gold = drawn()
    rows = np.arange(len(gold))
    assert log_loss(np.exp(logs[rows, gold])) == pytest.approx(oracle_log_loss(gold, np.exp(logs)))
    answers = logs.argmax(axis=1)
    assert macro_f1(answers, gold) == pytest.approx(f1_score(gold, answers, average="macro"))


def test_ece_is_zero_for_honest_and_large_for_boastful_probabilities():
    logs, gold = drawn(20_000)
    right = (logs.argmax(axis=1) == gold).astype(float)
    assert ece(np.exp(logs).max(axis=1), right) < 0.02
    assert ece(np.full(1000, 0.99), np.repeat([1.0, 0.0], 500)) == pytest.approx(0.49)
    assert ece(np.empty(0), np.empty(0)) == 0.0


@pytest.mark.parametrize("planted_degree", [0.5, 1.0, 4.0])
def test_planted_temperature_is_found(planted_degree):
    logs, gold = drawn()
    found = calibrate(empty_ballots(*logs.shape), (logs * planted_degree).ravel(), gold, 1.0, biased=False)
    assert found.temperature == pytest.approx(planted_degree, rel=0.1)
    assert found.bias is None


def test_planted_bias_is_found_and_undone():
    logs, gold = drawn()
    ballots = empty_ballots(*logs.shape)
    shifted = (2.0 * (logs + np.array([1.0, 0.0, -1.0]))).ravel()
    found = calibrate(ballots, shifted, gold, 1.0, biased=True)
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    assert found.bias is not None
    assert found.bias - found.bias.mean() == pytest.approx([-1.0, 0.0, 1.0], abs=0.15)
    mended = apply(ballots, shifted, found).reshape(logs.shape)
    assert np.abs(np.exp(mended) - np.exp(logs)).mean() < 0.03


def test_few_labels_hardly_move_what_is_expected():
    logs, _ = drawn(4)
    found = calibrate(empty_ballots(4, 3), logs.ravel(), logs.argmax(axis=1), 2.0, biased=True)
    assert 1.0 < found.temperature < 3.0
    assert calibrate(empty_ballots(0, 3), np.empty(0), np.empty(0, np.int64), 2.5, biased=True).temperature == 2.5


def test_certain_and_wrong_logits_stay_finite():
    logs = np.log(np.maximum(np.eye(3)[[0, 1, 2, 0]], 1e-300))
    gold = np.array([1, 2, 0, 0])
    ballots = empty_ballots(4, 3)
    found = calibrate(ballots, logs.ravel(), gold, 1.0, biased=True)
    assert np.isfinite(apply(ballots, logs.ravel(), found)).all()


@given(st.floats(-4, 4))
def test_golden_section_finds_the_bottom_of_a_valley(bottom):
    assert golden_section(lambda x: (x - bottom) ** 2, -5, 5, steps=40) == pytest.approx(bottom, abs=1e-5)
