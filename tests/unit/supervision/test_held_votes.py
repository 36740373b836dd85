"""Hidden votes: which model they speak for, and which ties they prove."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ovt.supervision import fitting, held_votes, ties
from ovt.supervision.copies import agreement
from ovt.supervision.held_votes import Heard, hear, prefer
from ovt.supervision.label_models import dawid_skene, majority, one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, Ties

EVEN = np.array([0.5, 0.5])
MODELS = {"majority": majority, "one_coin": one_coin, "dawid_skene": dawid_skene}


def heard(agreement_, log_loss, n=1000):
    hits = np.zeros(n)
    hits[:round(agreement_ * n)] = 1
    return Heard(agreement_, log_loss, hits)


def test_a_model_that_knows_the_sources_agrees_with_more_hidden_votes(planted):
    votes, _ = planted.annotators(1500, planted.coins([0.95, 0.9, 0.5, 0.5, 0.5, 0.5], 2), EVEN)
    found = hear(planted.ballots_of(votes, 2), MODELS, 0)
    assert found["one_coin"].agreement > found["majority"].agreement + 0.02
    assert prefer(found, 6.0)[0] == "one_coin"
    again = hear(planted.ballots_of(votes, 2), MODELS, 0)
    assert again["one_coin"].log_loss == found["one_coin"].log_loss


def test_a_collapsed_model_is_not_taken(planted):
    """A model that always answers class 0 agrees with most votes of a crowd that mostly says 0, and explains none."""

    class Collapsed:
        Parameters = majority.Parameters
        fit = staticmethod(majority.fit)
        accuracies = staticmethod(majority.accuracies)

        @staticmethod
        def predict(parameters, ballots):
            del parameters
            return np.tile(np.log([0.999, 0.001]), ballots.n)

    votes, _ = planted.functions(4000, [0, 0, 0, 1], [0.8, 0.8, 0.8, 0.9], np.array([0.75, 0.25]), coverage=0.3)
    ballots = planted.ballots_of(votes[(votes >= 0).any(axis=1)], 2)
    found = hear(ballots, {"majority": majority, "collapsed": Collapsed}, 0)
    assert found["collapsed"].log_loss > found["majority"].log_loss
    assert prefer(found, 1.5)[0] == "majority"


@pytest.mark.parametrize(("found", "voices", "name"), [
    ({"majority": heard(0.70, 0.6), "one_coin": heard(0.71, 0.58)}, 5, "majority"),  # within one standard error
    ({"majority": heard(0.70, 0.6), "one_coin": heard(0.75, 0.58)}, 5, "one_coin"),
    ({"majority": heard(0.70, 0.6), "one_coin": heard(0.75, 0.61)}, 5, "majority"),  # explains votes worse
    ({"majority": heard(0.70, 0.6), "one_coin": heard(0.75, 0.58), "dawid_skene": heard(0.72, 0.50)}, 5, "one_coin"),
    ({"majority": heard(0.70, 0.6), "one_coin": heard(0.75, 0.58), "dawid_skene": heard(0.72, 0.50)}, 20, "dawid_skene"),
])
def test_the_rules(found, voices, name):
    # The last: with twenty votes an item 0.08 nats a vote are 1.6 nats an item, which is more than agreement can tell.
    hits = {each: replace(of, hits=np.roll(of.hits, 0)) for each, of in found.items()}
    if name == "majority" and found["one_coin"].agreement == 0.71:
        hits["one_coin"] = replace(found["one_coin"], hits=np.random.default_rng(0).permutation(found["one_coin"].hits))
    chosen, why = prefer(hits, voices)
    assert chosen == name
    assert "votes" in why


def test_near_copies_are_hidden_together(planted):
    votes, _ = planted.annotators(300, planted.coins([0.8, 0.7, 0.7], 2), EVEN)
    copied = planted.ballots_of(np.column_stack([votes, votes[:, 0]]), 2)
    ballots = replace(copied, clusters=np.array([0, 1, 2, 0], np.int32))
    fold = held_votes._folds(ballots, 0)
    for item in range(300):
        own = dict(zip(ballots.sources[ballots.items == item].tolist(),
                                                    fold[ballots.items == item].tolist(), strict=True))
        assert own[0] == own[3]


def test_nothing_to_hide(planted):
    votes = np.array([[0, -1], [-1, 1]] * 30)
    assert hear(planted.ballots_of(votes, 2), MODELS, 0) == {}


def test_many_items_and_classes_are_sampled(planted, monkeypatch):
    monkeypatch.setattr(held_votes, "MOST_VOTES", 300)
    monkeypatch.setattr(held_votes, "VOTES_PER_SOURCE", 0)
    votes, _ = planted.annotators(2000, planted.coins([0.8, 0.7, 0.7], 2), EVEN)
    few = held_votes._sampled(planted.ballots_of(votes, 2), 0)
    assert 150 < len(few.items) < 600


def blocks(seed, shared=0.7, n=3000):
    """Fifteen sources of three classes; the first five answer as one of them on `shared` of the items."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    accuracy = random.uniform(0.5, 0.85, 15)
    votes = np.where(random.random((n, 15)) < accuracy, truth[:, None], (truth[:, None] + random.integers(1, 3, (n, 15))) % 3)
    common = np.where(random.random(n) < 0.6, truth, random.integers(0, 3, n))
    votes[:, :5] = np.where(random.random((n, 5)) < shared, common[:, None], votes[:, :5])
    votes[random.random(votes.shape) > 0.6] = -1
    keep = (votes >= 0).any(axis=1)
    return votes[keep], truth[keep]


def nothing(ballots):
    return np.full(ballots.n, UNKNOWN)


@pytest.mark.parametrize("seed", range(3))
def test_sources_that_err_together_count_for_less(planted, seed):
    votes, truth = blocks(seed)
    ballots = planted.ballots_of(votes, 3)
    found = ties.ties(ballots, agreement(ballots), nothing(ballots), 0)
    assert found.sources.tolist() == [0, 1, 2, 3, 4]
    loose = replace(ballots, ties=found)
    right = [(each.answers(one_coin.predict(one_coin.fit(each, nothing(each)), each)) == truth).mean()
             for each in (ballots, loose)]
    assert right[1] > right[0] + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_independent_sources_are_not_tied(planted, seed):
    votes, _ = blocks(seed, shared=0.0)
    ballots = planted.ballots_of(votes, 3)
    assert ties.suspected(ballots, agreement(ballots)) is None
    assert fitting.fit(ballots, nothing(ballots), nothing(ballots), 0).ties is None


def test_ties_that_make_answers_worse_on_gold_are_dropped(planted, monkeypatch):
    votes, truth = blocks(0)
    ballots = planted.ballots_of(votes, 3)
    nonsense = Ties(np.arange(5, 15, dtype=np.int32), np.full((10, 10), 5.0, np.float32))
    monkeypatch.setattr(ties, "suspected", lambda *_: nonsense)
    gold = np.where(np.arange(ballots.n) < 500, truth, UNKNOWN)
    assert ties.ties(ballots, agreement(ballots), gold, 0) is None


def test_shares_are_divided_by_the_design_effect(planted):
    votes = np.array([[0, 0, 1], [0, -1, 1], [-1, -1, 0]])
    excess = np.array([[0, 0.5], [0.5, 0]], np.float32)
    ballots = replace(planted.ballots_of(votes, 2), ties=Ties(np.array([0, 1], np.int32), excess))
    assert ballots.weights == pytest.approx([1 / 1.5, 1 / 1.5, 1, 1, 1, 1])
    assert ballots.voices == pytest.approx([2 / 1.5 + 1, 2, 1])
