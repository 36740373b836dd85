from __future__ import annotations

import numpy as np
import pytest

from ovt.supervision import choice
from ovt.supervision.choice import Truth, choose
from ovt.supervision.label_models.ballots import UNKNOWN

EVEN = np.array([0.5, 0.5])


def gold_on(truth, count):
    return np.where(np.arange(len(truth)) < count, truth, UNKNOWN)


def test_without_gold_annotators_get_dawid_skene_and_it_says_why(planted):
    votes, truth = planted.annotators(500, planted.coins([0.9, 0.8, 0.7, 0.6], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 0), gold_on(truth, 0)))
    assert found.name == "dawid_skene"
    assert "no dev items with gold" in found.reason
    assert found.scores == {}
    assert found.calibration.temperature == pytest.approx(2.0)


@pytest.mark.parametrize(("votes", "why"), [
    (np.array([[0, -1], [1, -1], [-1, 0]] * 20), "little to learn"),
    (np.array([[0, 0], [1, 1], [0, 0]] * 20), "hardly ever disagree"),
])
def test_without_gold_majority_vote_where_agreement_says_nothing(planted, votes, why):
    nothing = np.full(len(votes), UNKNOWN)
    found = choose(planted.ballots_of(votes, 2), Truth(nothing, nothing))
    assert found.name == "majority"
    assert why in found.reason


def test_without_gold_one_class_functions_are_combined_by_majority_vote(planted):
    votes, truth = planted.functions(5000, [0, 0, 0, 1, 1, 1], [0.9, 0.8, 0.7] * 2, EVEN, coverage=0.4)
    covered = (votes >= 0).any(axis=1)
    nothing = gold_on(truth[covered], 0)
    found = choose(planted.ballots_of(votes[covered], 2), Truth(nothing, nothing))
    assert found.name == "majority"
    assert "some classes only" in found.reason


def test_with_gold_the_better_model_wins(planted):
    votes, truth = planted.annotators(2000, planted.coins([0.95, 0.55, 0.55, 0.55, 0.55], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 300), gold_on(truth, 0)))
    assert found.name != "majority"
    assert found.scores[found.name].log_loss < found.scores["majority"].log_loss
    assert found.scores[found.name].accuracy > 0.9


def test_equal_coins_are_told_by_log_loss_and_the_reason_says_so(planted):
    votes, truth = planted.annotators(2000, planted.coins([0.8] * 5, 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 100), gold_on(truth, 0)))
    assert found.name == "dawid_skene"
    assert "best log-loss" in found.reason


def test_majority_vote_is_never_undercut(planted):
    """Gold that contradicts every clever model: only what agrees with majority vote may be chosen."""
    for seed in range(8):
        random = np.random.default_rng(seed)
        votes, _ = planted.annotators(400, planted.coins([0.9, 0.6, 0.6], 2), EVEN, seed=seed)
        majority = (votes.sum(axis=1) >= 2).astype(int)
        noisy = np.where(random.random(400) < 0.9, majority, 1 - majority)
        found = choose(planted.ballots_of(votes, 2), Truth(gold_on(noisy, 60), gold_on(noisy, 0)))
        assert found.scores[found.name].accuracy >= found.scores["majority"].accuracy


def test_a_floor_that_no_candidate_reaches_is_told(planted):
    votes, truth = planted.annotators(200, planted.coins([0.7, 0.7, 0.7], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 50), gold_on(truth, 0), floor=1.1))
    assert found.name == "majority"
    assert not found.above_floor


def test_gold_of_train_chooses_where_dev_has_none(planted):
    votes, truth = planted.annotators(500, planted.coins([0.9, 0.6, 0.6], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 0), gold_on(truth, 100)))
    assert "100 items with gold" in found.reason


def test_gold_anchored_is_judged_on_gold_it_has_not_seen(planted):
    """Many useless sources, few labels: in-sample it would look nearly perfect."""
    votes, truth = planted.annotators(400, planted.coins([0.5] * 60, 2), EVEN, coverage=0.9)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 40), gold_on(truth, 0)))
    assert found.scores["gold_anchored"].accuracy < 0.75
    assert found.scores["gold_anchored"].log_loss > 0.6


def test_folds_are_even_and_follow_the_seed():
    folds = choice._folds(25, 0)
    assert np.bincount(folds).tolist() == [3] * 5 + [2] * 5
    assert (choice._folds(25, 0) == folds).all()
    assert (choice._folds(25, 1) != folds).any()
    assert len(set(choice._folds(3, 0).tolist())) == 3
