from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.supervision.label_models import dawid_skene, gold_anchored, majority, one_coin
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, rectangular
from ovt.supervision.label_models.candidates import LABEL_MODELS, candidates
from ovt.supervision.label_models.priors import balance, strength

EVEN = np.array([0.5, 0.5])


def no_gold(ballots):
    return np.full(ballots.n, UNKNOWN)


def posteriors(model, ballots, gold=None):
    known = no_gold(ballots) if gold is None else gold
    return np.exp(model.predict(model.fit(ballots, known), ballots)).reshape(ballots.n, -1)


def test_majority_answers_as_the_most_votes_and_breaks_ties_by_the_commoner_class(planted):
    votes = np.array([[0, 0, 1], [1, 1, -1], [0, 1, -1], [1, -1, -1], [1, -1, -1]])
    found = posteriors(majority, planted.ballots_of(votes, 2))
    assert found.argmax(axis=1).tolist() == [0, 1, 1, 1, 1]
    # Two votes of three, and one pseudo-vote dealt out by the class balance.
    share = balance(planted.ballots_of(votes, 2), np.full(5, UNKNOWN))[0]
    assert found[0] == pytest.approx([(2 + share[0]) / 4, (1 + share[1]) / 4])


def test_one_coin_recovers_planted_accuracies(planted):
    planned = [0.9, 0.8, 0.7, 0.6, 0.55]
    votes, _ = planted.annotators(20_000, planted.coins(planned, 3), np.full(3, 1 / 3))
    ballots = planted.ballots_of(votes, 3)
    found = one_coin.fit(ballots, no_gold(ballots)).accuracy
    assert found == pytest.approx(planned, abs=0.03)


def test_one_coin_beats_majority_where_one_source_knows_best(planted):
    votes, truth = planted.annotators(4000, planted.coins([0.97, 0.6, 0.6, 0.6], 2), EVEN)
    ballots = planted.ballots_of(votes, 2)
    right = [(posteriors(model, ballots).argmax(axis=1) == truth).mean() for model in (one_coin, majority)]
    assert right[0] > 0.95 > right[1] + 0.1


def test_dawid_skene_recovers_planted_confusions(planted):
    confusion = np.array([
        [[0.9, 0.1], [0.4, 0.6]],
        [[0.6, 0.4], [0.1, 0.9]],
        [[0.8, 0.2], [0.2, 0.8]],
        [[0.7, 0.3], [0.05, 0.95]],
    ])
    votes, truth = planted.annotators(20_000, confusion, np.array([0.6, 0.4]))
    ballots = planted.ballots_of(votes, 2)
    fitted = dawid_skene.fit(ballots, no_gold(ballots))
    found = np.exp(fitted.evidence).reshape(2, 4, 2).swapaxes(0, 1)
    assert found == pytest.approx(confusion, abs=0.06)
    right = [(posteriors(model, ballots).argmax(axis=1) == truth).mean() for model in (dawid_skene, majority)]
    assert right[0] >= right[1]


def test_dawid_skene_reads_a_source_that_is_always_wrong_and_ignores_one_that_guesses(planted):
    votes, truth = planted.annotators(5000, planted.coins([0.85, 0.85, 0.85, 0.1, 0.5, 0.5], 2), EVEN)
    ballots = planted.ballots_of(votes, 2)
    right = [(posteriors(model, ballots).argmax(axis=1) == truth).mean() for model in (dawid_skene, majority)]
    assert right[0] > right[1] + 0.05
    found = dawid_skene.fit(ballots, no_gold(ballots)).accuracy
    assert found[[0, 3, 4]] == pytest.approx([0.85, 0.1, 0.5], abs=0.03)


def test_dawid_skene_em_never_lowers_the_penalised_likelihood(planted):
    for seed in range(5):
        random = np.random.default_rng(seed)
        confusion = random.dirichlet(np.ones(3), (6, 3)) + 1.5 * np.eye(3)
        confusion /= confusion.sum(axis=2, keepdims=True)
        votes, _ = planted.annotators(300, confusion, np.full(3, 1 / 3), coverage=0.6, seed=seed)
        votes = votes[(votes >= 0).any(axis=1)]
        ballots = planted.ballots_of(votes, 3)
        assert not dawid_skene.restricted(ballots, balance(ballots, no_gold(ballots))).any()
        trace = dawid_skene.fit(ballots, no_gold(ballots)).trace
        assert len(trace) > 2
        assert np.diff(trace).min() > -1e-6


def test_one_class_functions_have_the_precision_form_and_annotators_do_not(planted):
    votes, _ = planted.functions(5000, [0, 0, 1, 1], [0.9, 0.8, 0.9, 0.7], EVEN, coverage=0.3)
    other, _ = planted.annotators(5000, planted.coins([0.8], 2), EVEN)
    ballots = planted.ballots_of(np.hstack([votes, other]), 2)
    share = balance(ballots, no_gold(ballots))
    assert dawid_skene.restricted(ballots, share).tolist() == [True, True, True, True, False]


def test_precision_form_learns_that_one_function_outweighs_two(planted):
    classes, precisions = [0, 1, 1, 1], [0.98, 0.6, 0.6, 0.6]
    votes, truth = planted.functions(20_000, classes, precisions, EVEN, coverage=0.25)
    covered = (votes >= 0).any(axis=1)
    ballots, truth = planted.ballots_of(votes[covered], 2), truth[covered]
    gold = np.where(np.arange(len(truth)) < 500, truth, UNKNOWN)
    evidence = gold_anchored.fit(ballots, gold).evidence
    assert evidence[0, 0] > 2 * evidence[1, 1] > 0
    assert (posteriors(gold_anchored, ballots, gold).argmax(axis=1) == truth).mean() >= (
        posteriors(majority, ballots).argmax(axis=1) == truth
    ).mean()


def test_gold_anchored_draws_an_unseen_source_to_the_pool(planted):
    votes, truth = planted.annotators(300, planted.coins([0.9, 0.9, 0.9], 2), EVEN)
    votes[:100, 2] = -1
    gold = np.where(np.arange(300) < 100, truth, UNKNOWN)
    found = gold_anchored.fit(planted.ballots_of(votes, 2), gold).accuracy
    assert found[2] == pytest.approx(found[:2].mean(), abs=0.02)


def select_ballots(sizes, answers):
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    items, sources = np.nonzero(answers >= 0)
    return Ballots(offsets, items, sources.astype(np.int32), answers[items, sources].astype(np.int32),
                   answers.shape[1], None)


@pytest.mark.parametrize("name", ["majority", "one_coin", "gold_anchored"])
def test_candidates_may_vary_in_number(name):
    random = np.random.default_rng(3)
    sizes = random.integers(1, 6, 3000)
    truth = random.integers(0, sizes)
    right = random.random((3000, 4)) < [0.95, 0.7, 0.7, 0.6]
    answers = np.where(right, truth[:, None], random.integers(0, np.tile(sizes[:, None], 4)))
    ballots = select_ballots(sizes, answers)
    gold = np.where(np.arange(3000) < 200, truth, UNKNOWN)
    model = LABEL_MODELS[name]
    logs = model.predict(model.fit(ballots, gold), ballots)
    assert ballots.item_sums(np.exp(logs)) == pytest.approx(np.ones(3000))
    assert (ballots.answers(logs) == truth).mean() > 0.9
    assert model.accuracies(model.fit(ballots, gold)).argmax() == 0
    assert np.exp(logs[ballots.offsets[:-1][sizes == 1]]) == pytest.approx(1.0)


def test_dawid_skene_is_not_asked_about_candidates_nor_about_too_many_confusions():
    assert "dawid_skene" not in candidates(select_ballots(np.array([2]), np.array([[0]])), np.array([UNKNOWN]))
    wide = rectangular(np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.int32), 1200, (1, 1461))
    assert set(candidates(wide, np.array([UNKNOWN]))) == {"majority", "one_coin", "glad"}


def test_gold_anchored_needs_several_judged_votes_a_source(planted):
    votes, truth = planted.annotators(100, planted.coins([0.8] * 10, 2), EVEN)
    ballots = planted.ballots_of(votes, 2)
    few = np.where(np.arange(100) < 4, truth, UNKNOWN)
    assert "gold_anchored" not in candidates(ballots, few)
    assert "gold_anchored" in candidates(ballots, np.where(np.arange(100) < 5, truth, UNKNOWN))


def test_sources_that_are_alike_have_a_strong_prior():
    random = np.random.default_rng(0)
    trials = np.full(200, 50.0)
    alike = random.binomial(50, 0.8, 200).astype(float)
    unlike = random.binomial(50, random.beta(4, 1, 200)).astype(float)
    assert strength(alike, trials) > 100
    assert strength(unlike, trials) == pytest.approx(5, abs=2)


def test_copies_count_as_one_voice(planted):
    votes = np.array([[0, 0, 0, 1, 1]])
    single = planted.ballots_of(votes, 2)
    joined = Ballots(single.offsets, single.items, single.sources, single.labels, 5, 2,
                     clusters=np.array([0, 0, 0, 3, 4], np.int32))
    assert joined.weights == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert joined.voices.tolist() == [3.0]
    assert posteriors(majority, single).argmax() == 0
    assert posteriors(majority, joined).argmax() == 1


@st.composite
def dense_votes(draw):
    k = draw(st.integers(1, 4))
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    flat = draw(st.lists(st.integers(-1, k - 1), min_size=n * m, max_size=n * m))
    votes = np.array(flat).reshape(n, m)
    votes[:, 0] = np.maximum(votes[:, 0], 0)
    gold = np.array(draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n)))
    return votes, k, gold


@settings(max_examples=60, deadline=None)
@given(dense_votes(), st.randoms(use_true_random=False))
@pytest.mark.parametrize("name", sorted(LABEL_MODELS))
def test_posteriors_are_distributions_and_do_not_depend_on_order(name, planted, case, shuffler):
    votes, k, gold = case
    model = LABEL_MODELS[name]
    found = posteriors(model, planted.ballots_of(votes, k), gold)
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(votes)))
    rows, columns = list(range(len(votes))), list(range(votes.shape[1]))
    shuffler.shuffle(rows)
    shuffler.shuffle(columns)
    moved = posteriors(model, planted.ballots_of(votes[np.ix_(rows, columns)], k), gold[rows])
    assert moved == pytest.approx(found[rows], abs=1e-6)


@pytest.mark.parametrize("name", sorted(LABEL_MODELS))
def test_pieces_are_predicted_as_the_whole(name, planted):
    votes, truth = planted.annotators(200, planted.coins([0.8, 0.7, 0.6], 3), np.full(3, 1 / 3), coverage=0.7)
    votes[:, 0] = np.maximum(votes[:, 0], 0)
    ballots = planted.ballots_of(votes, 3)
    model = LABEL_MODELS[name]
    parameters = model.fit(ballots, np.where(np.arange(200) < 50, truth, UNKNOWN))
    whole = model.predict(parameters, ballots)
    pieces = [model.predict(parameters, ballots.span(start, start + 70)) for start in (0, 70)]
    assert np.concatenate([*pieces, model.predict(parameters, ballots.span(140, 200))]) == pytest.approx(whole)
    odd = np.arange(200) % 2 == 1
    assert model.predict(parameters, ballots.pick(odd)) == pytest.approx(whole.reshape(200, -1)[odd].ravel())


def shards_of(planted, votes, k, pieces):
    return [planted.ballots_of(part, k) for part in np.array_split(votes, pieces)]


def test_counts_of_shards_add_up_to_those_of_the_whole(planted):
    votes, _ = planted.annotators(1000, planted.coins([0.9, 0.8, 0.7, 0.6], 3), np.full(3, 1 / 3))
    whole, found = planted.ballots_of(votes, 3), one_coin.Parameters(np.full((1, 3), 1 / 3), np.full(4, 0.7))
    together, *others = [one_coin.count(shard, found) for shard in shards_of(planted, votes, 3, 3)]
    for each in others:
        together = together + each
    expected = one_coin.count(whole, found)
    assert together.right == pytest.approx(expected.right)
    assert together.trials == pytest.approx(expected.trials)


def test_a_new_shard_goes_on_from_what_was_learned(planted, monkeypatch):
    votes, _ = planted.annotators(4000, planted.coins([0.9, 0.8, 0.7, 0.6, 0.6], 2), EVEN)
    first, second = shards_of(planted, votes, 2, 2)
    whole = one_coin.fit(planted.ballots_of(votes, 2), np.full(4000, UNKNOWN))
    before = one_coin.fit(first, no_gold(first))
    monkeypatch.setattr(one_coin, "ROUNDS", 3)
    resumed = one_coin.resume([first, second], before)
    assert resumed.accuracy == pytest.approx(whole.accuracy, abs=0.01)
    started_over = one_coin.fit(planted.ballots_of(votes, 2), np.full(4000, UNKNOWN))
    assert np.abs(resumed.accuracy - whole.accuracy).max() < np.abs(started_over.accuracy - whole.accuracy).max()
