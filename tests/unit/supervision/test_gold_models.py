"""Models whose weights are fitted to gold together: log pool, weighted Dawid–Skene, and the ridge they share."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ovt.supervision.label_models import (
    dawid_skene,
    descent,
    gold_anchored,
    log_pool,
    shrinkage,
    weighted_dawid_skene,
)
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots
from ovt.supervision.label_models.priors import log_prior

EVEN = np.array([0.5, 0.5])


def gold_on(truth, count):
    return np.where(np.arange(len(truth)) < count, truth, UNKNOWN)


def test_descent_finds_the_bottom_of_a_curved_valley():
    def rosenbrock(point):
        x, y = point
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])

    found = descent.minimise(rosenbrock, np.array([-1.2, 1.0]), tolerance=1e-12)
    assert found == pytest.approx([1.0, 1.0], abs=1e-3)


class Logistic:
    """Of sklearn's kind, for the oracle."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def slope(self, weights):
        margin = self.y * (self.x @ weights)
        return float(np.logaddexp(0, -margin).sum()), -self.x.T @ (self.y / (1 + np.exp(margin)))

    def curvature(self, weights):
        chance = 1 / (1 + np.exp(-self.x @ weights))
        return (self.x**2 * (chance * (1 - chance))[:, None]).sum(axis=0)


def test_a_ridge_of_fixed_strength_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 4))
    y = np.where(random.random(200) < 1 / (1 + np.exp(-x @ [1.0, -2.0, 0.5, 0.0])), 1.0, -1.0)
    warm = shrinkage.Shrunk(np.zeros(4), 1.0, 3.0)
    found = shrinkage.fit(Logistic(x, y), np.zeros(4), 1.0, (3.0, 1.0), warm=warm)
    oracle = LogisticRegression(C=1 / 3.0, fit_intercept=False, tol=1e-8).fit(x, y)
    assert found.weights == pytest.approx(oracle.coef_[0], abs=0.02)


def test_strength_is_low_where_weights_must_move_and_high_where_they_need_not():
    random = np.random.default_rng(1)
    x = random.normal(size=(2000, 12))
    strengths = []
    for true in (np.full(12, 0.5), np.tile([3.0, -3.0], 6)):
        y = np.where(random.random(2000) < 1 / (1 + np.exp(-x @ true)), 1.0, -1.0)
        strengths.append(shrinkage.fit(Logistic(x, y), np.ones(12), 0.5, (1.0, 4.0)).strength)
    assert strengths[0] > 5 * strengths[1]


@pytest.mark.parametrize("k", [2, 3])
def test_gradients_are_those_of_the_likelihoods(planted, k):
    votes, truth = planted.annotators(60, planted.coins([0.9, 0.7, 0.5], k), np.full(k, 1 / k), coverage=0.8)
    covered = (votes >= 0).any(axis=1)
    ballots, truth = planted.ballots_of(votes[covered], k), truth[covered]
    kinds = ballots.sources.astype(np.int64) * k + ballots.labels
    start = gold_anchored.fit(ballots, truth)
    pool = log_pool._Gold(ballots, log_prior(ballots, start.balance), ballots.offsets[:-1] + truth, kinds, 3 * k)
    plain = dawid_skene.fit(ballots, truth)
    weighted = weighted_dawid_skene._Gold(
        ballots, log_prior(ballots, plain.balance).reshape(-1, k), truth, plain.evidence[:, kinds])
    for judged, size in ((pool, 3 * k), (weighted, 3)):
        weights = np.random.default_rng(0).normal(size=size)
        _, slope = judged.slope(weights)
        curved = judged.curvature(weights)
        for at in range(size):
            step = np.zeros(size)
            step[at] = 1e-4
            (below, under), (above, over) = judged.slope(weights - step), judged.slope(weights + step)
            assert slope[at] == pytest.approx((above - below) / 2e-4, abs=1e-4)
            assert curved[at] == pytest.approx((over[at] - under[at]) / 2e-4, abs=1e-3)


def test_sources_that_repeat_each_other_share_what_they_are_worth(planted):
    votes, truth = planted.annotators(4000, planted.coins([0.8, 0.8, 0.8], 2), EVEN)
    repeated = np.column_stack([votes[:, :1]] * 5 + [votes[:, 1:]])
    ballots, gold = planted.ballots_of(repeated, 2), gold_on(truth, 600)
    pool, naive = (model.predict(model.fit(ballots, gold), ballots) for model in (log_pool, gold_anchored))
    right, fooled = ((ballots.answers(logs) == truth)[600:].mean() for logs in (pool, naive))
    assert right > fooled + 0.05
    weights = log_pool.fit(ballots, gold).weight.mean(axis=1)
    assert weights[:5].sum() == pytest.approx(weights[5], rel=0.4)


def test_with_little_gold_the_pool_is_the_tempered_naive_bayes(planted):
    votes, truth = planted.annotators(300, planted.coins([0.9, 0.7, 0.6], 2), EVEN)
    ballots = planted.ballots_of(votes, 2)
    found = log_pool.fit(ballots, gold_on(truth, 2))
    naive = gold_anchored.fit(ballots, gold_on(truth, 2))
    assert found.weight == pytest.approx(found.scale * naive.evidence, abs=0.5)


def test_the_pool_weighs_sources_of_candidates():
    random = np.random.default_rng(3)
    sizes = random.integers(2, 6, 800)
    truth = random.integers(0, sizes)
    right = random.random((800, 3)) < [0.95, 0.5, 0.5]
    shared = random.integers(0, sizes)
    answers = np.where(right, truth[:, None], shared[:, None])  # the two poor ones err alike
    items, sources = np.repeat(np.arange(800), 3), np.tile(np.arange(3, dtype=np.int32), 800)
    ballots = Ballots(np.concatenate([[0], np.cumsum(sizes)]), items, sources, answers.reshape(-1).astype(np.int32), 3,
                      None)
    found = log_pool.fit(ballots, gold_on(truth, 300))
    assert found.weight.shape == (3, 1)
    assert (ballots.answers(log_pool.predict(found, ballots)) == truth)[300:].mean() > 0.92


def test_weighted_dawid_skene_learns_whom_gold_contradicts(planted):
    """Three sources that err together look as good to each other as two that err alone: only gold can tell."""
    random = np.random.default_rng(0)
    votes, truth = planted.annotators(1500, planted.coins([0.85, 0.85, 0.6, 0.6, 0.6], 2), EVEN)
    wrong = random.random(1500) < 0.4
    votes[:, 2:] = np.where(wrong[:, None], 1 - truth[:, None], np.where(random.random((1500, 3)) < 0.9, truth[:, None],
                                                                       1 - truth[:, None]))
    ballots, gold = planted.ballots_of(votes, 2), gold_on(truth, 200)
    plain, weighed = (model.fit(ballots, gold) for model in (dawid_skene, weighted_dawid_skene))
    losses = [-model.predict(found, ballots).reshape(-1, 2)[np.arange(1500), truth][200:].mean()
              for model, found in ((dawid_skene, plain), (weighted_dawid_skene, weighed))]
    assert losses[1] < losses[0] - 0.02
    assert weighed.weight[:2].min() > weighed.weight[2:].max()
    assert weighed.accuracy[0] == pytest.approx(0.85, abs=0.06)


@pytest.mark.parametrize("model", [log_pool, weighted_dawid_skene])
def test_a_refit_to_the_same_gold_is_the_fit(planted, model):
    votes, truth = planted.annotators(400, planted.coins([0.9, 0.7, 0.6], 2), EVEN)
    ballots, gold = planted.ballots_of(votes, 2), gold_on(truth, 100)
    whole = model.fit(ballots, gold)
    again = model.refit(whole, ballots, gold)
    assert model.predict(again, ballots) == pytest.approx(model.predict(whole, ballots), abs=0.3)
    assert again.strength == whole.strength
