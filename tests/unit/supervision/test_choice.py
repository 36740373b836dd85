from __future__ import annotations

import numpy as np
import pytest

from ovt.supervision import choice, fitting
from ovt.supervision.choice import Truth, choose
from ovt.supervision.label_models import majority
from ovt.supervision.label_models.ballots import UNKNOWN

EVEN = np.array([0.5, 0.5])


def gold_on(truth, count):
    return np.where(np.arange(len(truth)) < count, truth, UNKNOWN)


def test_without_gold_hidden_votes_choose_and_it_says_why(planted):
    votes, truth = planted.annotators(800, planted.coins([0.95, 0.8, 0.6, 0.55, 0.55], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 0), gold_on(truth, 0)))
    assert found.name == "one_coin"
    assert "no dev items with gold: one_coin by structure" in found.reason
    assert "majority vote's" in found.reason
    assert found.scores == {}
    assert set(found.heard) == {"majority", "one_coin", "glad", "dawid_skene"}
    assert found.heard["one_coin"].agreement > found.heard["majority"].agreement
    assert found.calibration.temperature == pytest.approx(5**0.5)


@pytest.mark.parametrize(("votes", "why"), [
    (np.array([[0, -1], [1, -1], [-1, 0]] * 20), "little to learn"),
    (np.array([[0, 0], [1, 1], [0, 0]] * 20), "hardly ever disagree"),
])
def test_without_gold_majority_vote_where_agreement_says_nothing(planted, votes, why):
    nothing = np.full(len(votes), UNKNOWN)
    found = choose(planted.ballots_of(votes, 2), Truth(nothing, nothing))
    assert found.name == "majority"
    assert why in found.reason


@pytest.mark.parametrize("seed", range(4))
def test_without_gold_one_class_functions_are_not_below_majority_vote(planted, seed):
    votes, truth = planted.functions(3000, [0, 0, 0, 1, 1, 1], [0.9, 0.8, 0.7] * 2, np.array([0.8, 0.2]),
                                     coverage=0.15, seed=seed)
    covered = (votes >= 0).any(axis=1)
    nothing, ballots = gold_on(truth[covered], 0), planted.ballots_of(votes[covered], 2)
    found = choose(ballots, Truth(nothing, nothing))
    plain = majority.predict(majority.fit(ballots, nothing), ballots)
    right, floor = ((ballots.answers(logs) == truth[covered]).mean()
                    for logs in (found.log_probabilities(ballots), plain))
    assert right >= floor - 0.005


def test_with_gold_the_better_model_wins(planted):
    votes, truth = planted.annotators(2000, planted.coins([0.95, 0.55, 0.55, 0.55, 0.55], 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 300), gold_on(truth, 0)))
    assert found.name != "majority"
    assert found.scores[found.name].log_loss < found.scores["majority"].log_loss
    assert found.scores[found.name].accuracy > 0.9


def test_equal_coins_are_told_by_log_loss_and_the_reason_says_so(planted):
    votes, truth = planted.annotators(2000, planted.coins([0.8] * 5, 2), EVEN)
    found = choose(planted.ballots_of(votes, 2), Truth(gold_on(truth, 100), gold_on(truth, 0)))
    assert found.name in {"one_coin", "dawid_skene", "weighted_dawid_skene"}
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
    known = Truth(np.zeros(25, np.int64), np.full(25, UNKNOWN))
    folds = choice._folds(known, 0)
    assert sorted(np.bincount(folds).tolist()) == [2] * 5 + [3] * 5
    assert (choice._folds(known, 0) == folds).all()
    assert (choice._folds(known, 1) != folds).any()


def test_tokens_of_a_sequence_are_in_one_fold():
    blocks = np.repeat(np.arange(30), 4)
    folds = choice._folds(Truth(np.zeros(120, np.int64), np.full(120, UNKNOWN), blocks=blocks), 0)
    assert all(len(set(folds[blocks == block].tolist())) == 1 for block in range(30))


def test_much_gold_is_judged_in_part_and_anchors_whole(monkeypatch, planted):
    monkeypatch.setattr(choice, "MOST_JUDGED", 100)
    votes, truth = planted.annotators(1000, planted.coins([0.9, 0.8, 0.7], 2), EVEN)
    ballots = planted.ballots_of(votes, 2)
    known = Truth(truth, gold_on(truth, 0), blocks=np.repeat(np.arange(250), 4))
    few = choice.judged(ballots, known, 0)
    assert 50 <= few.known.sum() <= 200
    assert few.known.reshape(-1, 4).all(axis=1).sum() * 4 == few.known.sum()
    assert (few.anchors == truth).all()


def test_the_floor_is_that_of_the_items_that_are_judged(monkeypatch, planted):
    monkeypatch.setattr(choice, "MOST_JUDGED", 60)
    votes, truth = planted.annotators(2000, planted.coins([0.95, 0.6, 0.6, 0.6], 2), EVEN)
    seen = []
    monkeypatch.setattr(fitting, "choose", lambda ballots, known, seed: seen.append(known) or choose(ballots, known, seed))
    found = fitting.fit(planted.ballots_of(votes, 2), gold_on(truth, 1500), gold_on(truth, 0), 0)
    majority_right = ((votes.sum(axis=1) > 2) == truth)[seen[0].known]
    assert seen[0].known.sum() < 300
    assert abs(seen[0].floor - majority_right.mean()) < 0.25
    assert seen[0].floor == pytest.approx(found.chosen.scores["majority"].accuracy, abs=0.02)
