from __future__ import annotations

import numpy as np

from ovt.supervision.copies import clusters, linked, named


def with_copies(planted, accuracies, share, *, k=4, n=20_000, coverage=0.3):
    votes, truth = planted.annotators(n, planted.coins(accuracies, k), np.full(k, 1 / k), coverage=coverage)
    random = np.random.default_rng(1)
    copies = []
    for _ in range(3):
        own, _ = planted.annotators(n, planted.coins([0.5], k), np.full(k, 1 / k), coverage=coverage, seed=9)
        copies.append(np.where(random.random(n) < share, votes[:, 0], own[:, 0]))
    votes = np.column_stack([votes, *copies])
    covered = (votes >= 0).any(axis=1)
    return votes[covered], truth[covered]


def test_three_copies_among_twenty_are_found_and_nobody_else(planted):
    accuracies = np.linspace(0.55, 0.9, 17).tolist()
    votes, _ = with_copies(planted, accuracies, 0.9)
    found = clusters(planted.ballots_of(votes, 4))
    assert found is not None
    assert named(found, [f"s{i}" for i in range(20)]) == (("s0", "s17", "s18", "s19"),)


def test_independent_sources_are_no_copies_even_if_all_are_excellent(planted):
    votes, _ = planted.annotators(5000, planted.coins([0.97] * 8, 2), np.array([0.5, 0.5]))
    assert clusters(planted.ballots_of(votes, 2)) is None


def test_sources_that_always_say_the_same_thing_are_no_copies(planted):
    votes, _ = planted.annotators(3000, planted.coins([0.8] * 5, 2), np.array([0.9, 0.1]), coverage=0.5)
    votes[:, 3:] = np.where(votes[:, 3:] >= 0, 0, -1)
    votes = votes[(votes >= 0).any(axis=1)]
    assert clusters(planted.ballots_of(votes, 2)) is None


def test_one_class_functions_are_copies_if_they_fire_together(planted):
    votes, _ = planted.functions(5000, [0, 0, 1, 1], [0.9, 0.8, 0.9, 0.7], np.array([0.5, 0.5]), coverage=0.3)
    random = np.random.default_rng(0)
    twin = np.where(random.random(5000) < 0.95, votes[:, 2], -1)
    votes = np.column_stack([votes, twin])
    votes = votes[(votes >= 0).any(axis=1)]
    assert named(clusters(planted.ballots_of(votes, 2)), "abcde") == (("c", "e"),)


def test_chains_do_not_run_together():
    pairs = np.zeros((4, 4), bool)
    for i, j in ((0, 1), (1, 2), (2, 3)):
        pairs[i, j] = pairs[j, i] = True
    assert len(set(linked(pairs).tolist())) > 1
    assert len(set(linked(np.ones((4, 4), bool)).tolist())) == 1


def test_one_source_or_none_has_no_copies(planted):
    assert clusters(planted.ballots_of(np.zeros((50, 1), int), 2)) is None
    assert named(None, []) == ()
