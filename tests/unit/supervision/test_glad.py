from __future__ import annotations

import numpy as np
import pytest

from ovt.supervision.label_models import glad, one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots

EVEN = np.array([0.5, 0.5])


def hard_and_easy(seed, n=1500, m=30, each=7):
    """Votes whose log odds of being right are ability times ease; a third of the items is hard for everyone."""
    random = np.random.default_rng(seed)
    truth, ease = random.integers(0, 2, n), random.choice([0.1, 1.0, 2.0], n)
    ability = random.uniform(0.3, 3.0, m)
    votes = np.full((n, m), -1)
    for item in range(n):
        asked = random.permutation(m)[:each]
        right = random.random(each) < 1 / (1 + np.exp(-ability[asked] * ease[item]))
        votes[item, asked] = np.where(right, truth[item], 1 - truth[item])
    return votes, truth, ability


def nothing(ballots):
    return np.full(ballots.n, UNKNOWN)


def test_posteriors_are_those_of_the_sum_over_levels(planted):
    votes = np.array([[0, 1, -1], [2, 2, 2], [-1, 1, 0]])
    ballots = planted.ballots_of(votes, 3)
    ability, levels, share = np.array([2.0, 0.5, -0.3]), glad.SHARES, np.array([[0.5, 0.3, 0.2]])
    found = glad.predict(glad.Parameters(share, ability, levels, np.full(3, 0.5)), ballots)
    for item, row in enumerate(votes):
        chance = np.zeros(3)
        for truth in range(3):
            for ease, level in zip(glad.EASE, levels, strict=True):
                told = share[0, truth] * level
                for source, label in enumerate(row):
                    if label >= 0:
                        right = 1 / (1 + 2 * np.exp(-ability[source] * ease))
                        told *= right if label == truth else (1 - right) / 2
                chance[truth] += told
        assert np.exp(found.reshape(3, 3)[item]) == pytest.approx(chance / chance.sum())


def test_abilities_are_ordered_as_planted_and_doubt_is_larger_on_hard_items(planted):
    votes, truth, ability = hard_and_easy(0)
    ballots = planted.ballots_of(votes, 2)
    found = glad.fit(ballots, nothing(ballots))
    assert np.corrcoef(found.ability, ability)[0, 1] > 0.85
    logs, plain = glad.predict(found, ballots), one_coin.predict(one_coin.fit(ballots, nothing(ballots)), ballots)
    right, other = ((ballots.answers(each) == truth).mean() for each in (logs, plain))
    assert right >= other - 0.005
    losses = [-each.reshape(-1, 2)[np.arange(len(truth)), truth].mean() for each in (logs, plain)]
    assert losses[0] < losses[1]
    assert found.levels.sum() == pytest.approx(1.0)


def test_candidates_that_vary_from_item_to_item():
    random = np.random.default_rng(1)
    sizes = random.integers(1, 6, 500)
    truth = random.integers(0, sizes)
    right = random.random((500, 4)) < [0.9, 0.8, 0.5, 0.4]
    answers = np.where(right, truth[:, None], random.integers(0, sizes)[:, None]).astype(np.int32)
    ballots = Ballots(np.concatenate([[0], np.cumsum(sizes)]), np.repeat(np.arange(500), 4),
                      np.tile(np.arange(4, dtype=np.int32), 500), answers.reshape(-1), 4, None)
    found = glad.fit(ballots, nothing(ballots))
    logs = glad.predict(found, ballots)
    assert ballots.item_sums(np.exp(logs)) == pytest.approx(np.ones(500))
    assert (ballots.answers(logs) == truth).mean() > 0.85
    assert found.balance is None
