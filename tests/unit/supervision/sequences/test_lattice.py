"""Forward-backward against the sum over every labelling, and what HMM and CRF learn with it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ovt.supervision.sequences import crf, hmm
from ovt.supervision.sequences.crf import Layout, Sentences, Tags
from ovt.supervision.sequences.lattice import Lattice
from ovt.supervision.sequences.spans import span_f1, valid_bio

TAGS = Tags(("B-x", "B-y", "I-x", "I-y", "O"))


def by_enumeration(lengths, scores, transitions, starts):
    """log Z, marginals and expected pairs, one labelling after another."""
    k = scores.shape[1]
    log_z, tokens, pairs, first = 0.0, np.zeros_like(scores), np.zeros((k, k)), 0
    for length in lengths:
        total, found, follows = 0.0, np.zeros((length, k)), np.zeros((k, k))
        for labels in itertools.product(range(k), repeat=length):
            steps = list(itertools.pairwise(labels))
            weight = np.exp(starts[labels[0]] + sum(scores[first + t, label] for t, label in enumerate(labels))
                            + sum(transitions[pair] for pair in steps))
            total += weight
            found[np.arange(length), labels] += weight
            for pair in steps:
                follows[pair] += weight
        log_z += np.log(total)
        tokens[first:first + length], pairs, first = found / total, pairs + follows / total, first + length
    return log_z, tokens, pairs


@pytest.mark.parametrize("seed", range(5))
def test_marginals_are_those_of_the_sum_over_all_labellings(seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 5, 6)
    scores, transitions, starts = (random.normal(size=shape) for shape in ((lengths.sum(), 3), (3, 3), (3,)))
    transitions[0, 2], starts[1] = -np.inf, -np.inf
    found = Lattice.of(lengths).marginals(scores, transitions, starts)
    log_z, tokens, pairs = by_enumeration(lengths, scores, transitions, starts)
    assert found.log_z == pytest.approx(log_z)
    assert found.tokens == pytest.approx(tokens)
    assert found.pairs == pytest.approx(pairs)
    assert found.starts.sum() == pytest.approx(len(lengths))


def test_a_long_sequence_neither_vanishes_nor_overflows():
    scores = np.random.default_rng(0).normal(scale=30, size=(5000, 5))
    found = Lattice.of(np.array([5000])).marginals(scores, TAGS.forbidden, TAGS.starts)
    assert np.isfinite(found.log_z)
    assert found.tokens.sum(axis=1) == pytest.approx(np.ones(5000))
    assert found.pairs[~np.isfinite(TAGS.forbidden)].sum() == 0


def markov(n, seed):
    """Sentences whose spans of `x` are three tokens long, and noisy log probabilities of each token."""
    random = np.random.default_rng(seed)
    lengths = random.integers(6, 20, n)
    truth = np.full(lengths.sum(), 4)
    for first, length in zip(np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths, strict=True):
        at = first + random.integers(0, length - 4)
        truth[at:at + 3] = [0, 2, 2]
    base = np.full((len(truth), 5), 0.1)
    noisy = np.where(random.random(len(truth)) < 0.75, truth, random.integers(0, 5, len(truth)))
    base[np.arange(len(truth)), noisy] = 0.6
    return lengths, truth, np.log(base)


def test_an_hmm_learns_how_labels_follow_each_other_without_gold():
    lengths, truth, base = markov(400, 0)
    lattice, known = Lattice.of(lengths), np.ones(len(truth), bool)
    chain = hmm.fit(lattice, base, known, TAGS.forbidden, TAGS.starts)
    assert np.exp(chain.transitions).sum(axis=1) == pytest.approx(np.ones(5))
    assert np.exp(chain.transitions[0, 2]) > 0.7  # I-x after B-x
    assert np.exp(chain.transitions[4, 2]) == 0.0  # BIO forbids I-x after O
    alone = lattice.marginals(base, TAGS.forbidden, TAGS.starts).tokens
    together = lattice.marginals(hmm.emissions(base, known, chain), chain.transitions, chain.starts).tokens
    right = [(found.argmax(axis=1) == truth).mean() for found in (alone, together)]
    assert right[1] > right[0] + 0.01


def sentences(seed=0, n=40):
    lengths, truth, base = markov(n, seed)
    random = np.random.default_rng(seed)
    voted = np.flatnonzero(truth != 4)
    tokens = np.sort(np.concatenate([voted, voted]))
    sources = np.tile(np.array([0, 1], np.int32), len(voted))
    labels = np.where(random.random(len(tokens)) < 0.8, truth[tokens], 1).astype(np.int32)
    silent = np.ones(len(truth), bool)
    silent[voted] = False
    sequence = np.repeat(np.arange(n), lengths)
    return Sentences(Lattice.of(lengths), base, silent, tokens, sources, labels, sequence), truth


def test_a_crf_without_weights_is_what_bio_allows_of_the_tokens():
    told, _ = sentences()
    layout = Layout(2, TAGS)
    offsets = np.append(np.flatnonzero(np.diff(told.sequence, prepend=-1)), len(told.sequence))
    expected = valid_bio(np.exp(told.base), offsets, TAGS.names)
    assert layout.marginals(np.zeros(layout.size), told) == pytest.approx(expected)


def test_the_gradient_of_the_crf_is_that_of_its_likelihood():
    told, truth = sentences(n=8)
    layout = Layout(2, TAGS)
    followed = np.zeros((5, 5))
    inner = told.sequence[1:] == told.sequence[:-1]
    np.add.at(followed, (truth[:-1][inner], truth[1:][inner]), 1.0)
    judged = crf._Gold(layout, told, layout.inputs(told), truth, followed)
    weights = np.random.default_rng(1).normal(scale=0.3, size=layout.size)
    _, slope = judged.slope(weights)
    for at in [0, 5, 13, layout.votes + 1, layout.votes + 7, layout.size - 4, layout.size - 1]:
        step = np.zeros(layout.size)
        step[at] = 1e-5
        measured = (judged.slope(weights + step)[0] - judged.slope(weights - step)[0]) / 2e-5
        assert slope[at] == pytest.approx(measured, abs=1e-3)


def test_a_crf_learns_from_gold_what_votes_on_neighbours_mean():
    (told, truth), (fresh, answers) = sentences(0, 120), sentences(1, 120)
    layout = Layout(2, TAGS)
    found = crf.fit(layout, told, truth)
    right = [(layout.marginals(weights, fresh).argmax(axis=1) == answers).mean()
             for weights in (np.zeros(layout.size), found.weights)]
    assert right[1] > right[0] + 0.05
    again = crf.fit(layout, told, truth, warm=found)
    assert again.strength == found.strength


@pytest.mark.parametrize(("gold", "answers", "f1"), [
    ([0, 2, 4, 1], [0, 2, 4, 1], 1.0),
    ([0, 2, 4, 1], [0, 4, 4, 1], 0.5),
    ([0, 2, 4, 4], [1, 3, 4, 4], 0.0),
    ([4, 2, 2, 4], [4, 0, 2, 4], 1.0),
    ([0, 0, 4, 4], [0, 2, 4, 4], 0.0),
    ([4, 4, 4, 4], [4, 4, 4, 4], 0.0),
])
def test_span_f1(gold, answers, f1):
    assert span_f1(np.array(gold), np.array(answers), np.array([0, 4]), TAGS.names) == pytest.approx(f1)


def test_span_f1_is_that_of_the_metrics():
    from ovt.quality.spans import SpanLabels, span_counts

    random = np.random.default_rng(0)
    for _ in range(50):
        lengths = random.integers(1, 9, 12)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        gold, answers = (random.integers(0, 5, lengths.sum()) for _ in range(2))
        hits, marked, true = span_counts(gold, answers, offsets, SpanLabels.of(TAGS.names)).sum(axis=0)
        assert span_f1(gold, answers, offsets, TAGS.names) == pytest.approx(2 * hits / max(marked + true, 1))
