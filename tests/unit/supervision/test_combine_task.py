from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ovt.data.votes import VOTED, Votes
from ovt.quality.spans import SpanLabels, span_counts
from ovt.supervision.combine import combine_task

EVEN = np.array([0.5, 0.5])
BIO = ["B-x", "I-x", "O"]


def rows_of(rows, names, n_items):
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Votes.build(table[:, 0], table[:, 1].astype(np.int32), table[:, 2].astype(np.int32), names, n_items)


def test_uncovered_items_have_no_target(planted):
    votes, _ = planted.annotators(50, planted.coins([0.9, 0.8], 2), EVEN)
    votes[10:20] = -1
    found = combine_task(planted.votes_of(votes), kind="multiclass", n_classes=2)
    assert sorted(set(range(50)) - set(found.items.tolist())) == list(range(10, 20))
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.shape == (40, 2)
    assert found.weights.tolist() == [1.0] * 40
    assert set(found.accuracies) == {"s00", "s01"}


def test_gold_of_train_is_the_target_and_no_source(planted):
    votes, truth = planted.annotators(100, planted.coins([0.7, 0.7], 2), EVEN)
    votes[:5] = -1
    both = Votes.concat([planted.votes_of(votes), planted.gold_votes(np.arange(20), truth, 100)], 100)
    found = combine_task(both, kind="multiclass", n_classes=2)
    assert found.items.tolist() == list(range(100))
    assert (found.probabilities[:20] == np.eye(2)[truth[:20]]).all()
    assert (found.probabilities[20:] < 1).all()
    assert "gold" not in found.accuracies


def test_gold_alone_is_told(planted):
    truth = np.array([0, 1, 1, 0])
    found = combine_task(planted.gold_votes(np.arange(3), truth, 4), kind="multiclass", n_classes=2)
    assert found.chosen == "gold"
    assert found.items.tolist() == [0, 1, 2]
    assert found.probabilities.argmax(axis=1).tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", ["multiclass", "bitvector", "select"])
def test_no_votes_at_all(kind):
    found = combine_task(Votes.empty(5), kind=kind, n_classes=3, candidates=np.arange(0, 11, 2))
    assert found.chosen == "none"
    assert len(found.items) == len(found.weights) == 0
    assert found.probabilities.shape == ((0,) if kind == "select" else (0, 3))


def test_test_items_are_predicted_but_never_fitted_to(planted):
    votes, truth = planted.annotators(400, planted.coins([0.9, 0.7, 0.7], 2), EVEN)
    train = np.arange(400) < 200
    changed = votes.copy()
    changed[300:, 0] = 1 - changed[300:, 0]
    first, second = (
        combine_task(planted.votes_of(each), kind="multiclass", n_classes=2, train_items=train,
                     gold=planted.gold_votes(np.arange(200, 260), truth, 400))
        for each in (votes, changed)
    )
    assert first.accuracies == second.accuracies
    assert (first.probabilities[:300] == second.probabilities[:300]).all()
    assert (first.probabilities[300:] != second.probabilities[300:]).any()
    assert len(first.items) == 400


def bits(planted_truth, sensitivity, specificity, coverage, seed=0):
    random = np.random.default_rng(seed)
    rows = []
    for source, (hit, clear) in enumerate(zip(sensitivity, specificity, strict=True)):
        for item in np.flatnonzero(random.random(len(planted_truth)) < coverage):
            rows.append((item, source, VOTED))
            said = random.random(planted_truth.shape[1]) < np.where(planted_truth[item], hit, 1 - clear)
            rows += [(item, source, bit) for bit in np.flatnonzero(said)]
    return rows


def test_bitvector_weighs_sources_and_an_empty_opinion_is_a_vote():
    random = np.random.default_rng(5)
    truth = random.random((1500, 4)) < [0.5, 0.3, 0.2, 0.1]
    rows = bits(truth, [0.95, 0.6, 0.6], [0.98, 0.8, 0.8], 0.9)
    votes = rows_of(rows, ["a", "b", "c"], 1500)
    found = combine_task(votes, kind="bitvector", n_classes=4)
    answers = found.probabilities > 0.5
    tally, voters = np.zeros((1500, 4)), np.zeros(1500)
    for item, _, label in rows:
        if label == VOTED:
            voters[item] += 1
        else:
            tally[item, label] += 1
    majority = tally > voters[:, None] / 2
    right, floor = (answers == truth[found.items]).mean(), (majority == truth)[found.items].mean()
    assert right > floor + 0.02
    assert max(found.accuracies, key=found.accuracies.__getitem__) == "a"
    none_at_all = combine_task(rows_of([(0, s, VOTED) for s in range(3)], ["a", "b", "c"], 1), kind="bitvector",
                               n_classes=4)
    assert (none_at_all.probabilities < 0.5).all()


def test_bitvector_gold_sets_bits_to_zero_and_one():
    votes = rows_of([(0, 0, VOTED), (0, 0, 1), (1, 1, VOTED), (1, 1, 0), (2, 1, VOTED)], ["gold", "w"], 3)
    found = combine_task(votes, kind="bitvector", n_classes=2)
    assert found.probabilities[0].tolist() == [0.0, 1.0]
    assert 0 < found.probabilities[1, 0] < 1


def test_select_chooses_among_each_items_own_candidates():
    random = np.random.default_rng(1)
    sizes = random.integers(1, 6, 2000)
    candidates = np.concatenate([[0], np.cumsum(sizes)])
    truth = random.integers(0, sizes)
    right = random.random((2000, 3)) < [0.9, 0.6, 0.6]
    answers = np.where(right, truth[:, None], random.integers(0, np.tile(sizes[:, None], 3)))
    rows = [(i, s, answers[i, s]) for i in range(2000) for s in range(3) if i % 7]
    rows += [(i, 3, truth[i]) for i in range(0, 2000, 14)]
    votes = rows_of(rows, ["a", "b", "c", "gold"], 2000)
    dev = np.arange(1, 200)
    gold = rows_of([(i, 0, truth[i]) for i in dev], ["gold"], 2000)
    found = combine_task(votes, kind="select", n_classes=0, gold=gold, candidates=candidates,
                         train_items=np.arange(2000) >= 200)
    assert found.offsets is not None
    assert np.diff(found.offsets).tolist() == sizes[found.items].tolist()
    sums = np.add.reduceat(found.probabilities, found.offsets[:-1])
    assert sums == pytest.approx(np.ones(len(found.items)), abs=1e-5)
    best = [found.probabilities[a:b].argmax() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
    assert (np.array(best) == truth[found.items]).mean() > 0.88
    first = found.items.tolist().index(14)
    cells = found.probabilities[found.offsets[first]:found.offsets[first + 1]]
    assert cells.tolist() == np.eye(sizes[14])[truth[14]].tolist()


def test_silent_tokens_of_covered_sequences_are_o_and_others_have_no_target():
    votes = rows_of([(1, 0, 0), (2, 0, 1)], ["lf"], 8)
    found = combine_task(votes, kind="multiclass", n_classes=3, sequences=np.array([0, 4, 8]), classes=BIO, spans=True)
    assert found.items.tolist() == [0, 1, 2, 3]
    assert found.probabilities.argmax(axis=1).tolist() == [2, 0, 1, 2]
    assert found.weights.tolist() == [0.5, 1.0, 1.0, 0.5]


def test_where_sources_say_o_silence_is_no_vote():
    votes = rows_of([(0, 0, 2), (1, 0, 0)], ["person"], 4)
    found = combine_task(votes, kind="multiclass", n_classes=3, sequences=np.array([0, 4]), classes=BIO, spans=True)
    assert found.items.tolist() == [0, 1]


def test_gold_of_tokens_stays_gold_even_where_it_spells_no_valid_span():
    rows = [(0, 0, 2), (1, 0, 1), (2, 0, 1), (3, 0, 2), (5, 1, 0), (6, 1, 1)]
    found = combine_task(rows_of(rows, ["gold", "lf"], 8), kind="multiclass", n_classes=3, spans=True, classes=BIO,
                         sequences=np.array([0, 4, 8]))
    assert found.items.tolist() == list(range(8))
    assert (found.probabilities[:4] == np.eye(3)[[2, 1, 1, 2]]).all()
    assert found.probabilities[4:].argmax(axis=1).tolist() == [2, 0, 1, 2]
    assert found.weights.tolist() == [1, 1, 1, 1, 0.5, 1, 1, 0.5]


def test_dev_gold_says_how_often_silence_is_o():
    votes = rows_of([(i, 0, 0) for i in range(0, 600, 6)], ["lf"], 600)
    truth = np.full(600, 2)
    truth[::6], truth[3::6] = 0, 0
    gold = rows_of([(i, 0, truth[i]) for i in range(300)], ["gold"], 600)
    found = combine_task(votes, kind="multiclass", n_classes=3, gold=gold, sequences=np.arange(0, 601, 6),
                         classes=BIO, spans=True, train_items=np.arange(600) >= 300)
    assert (found.weights == 1).all()
    assert found.probabilities[303, 2] == pytest.approx(0.8, abs=0.05)


def test_targets_are_the_same_bytes_each_time(planted):
    votes, truth = planted.annotators(500, planted.coins([0.9, 0.7, 0.6], 3), np.full(3, 1 / 3), coverage=0.6)
    gold = planted.gold_votes(np.arange(60), truth, 500)
    first, second = (
        combine_task(planted.votes_of(votes), kind="multiclass", n_classes=3, gold=gold) for _ in range(2)
    )
    assert first.probabilities.tobytes() == second.probabilities.tobytes()
    assert first.candidates == second.candidates


# Public data: floors, not goals.


@pytest.fixture
def public():
    folder = os.environ.get("OVT_REAL_DATA")
    if not folder:
        pytest.skip("OVT_REAL_DATA is not set")
    return Path(folder)


def public_rows(folder: Path, name: str, payload: str, task: str):
    """Records of a set with a task on a sequence or a set: sizes, splits, (item list by source)."""
    with (folder / name / "data.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            split = next(tag for tag in record["tags"] if tag in {"train", "dev", "test"})
            yield len(record["payloads"][payload]), split, record["tasks"].get(task, {})


@pytest.mark.real_data
def test_webquestions_is_above_majority_vote(public):
    rows, sizes, splits, names = [], [], [], {}
    for item, (size, split, labels) in enumerate(public_rows(public, "webquestions", "entities", "TopicEntity")):
        sizes.append(size)
        splits.append(split)
        rows += [(item, names.setdefault(source, len(names)), label) for source, label in labels.items()]
    n, truth = len(sizes), np.full(len(sizes), -1)
    votes = rows_of(rows, list(names), n)
    ours = votes.sources == votes.names.index("gold")
    truth[votes.items[ours]] = votes.labels[ours]
    split, dev = np.array(splits), np.flatnonzero(np.array(splits) == "dev")
    candidates = np.concatenate([[0], np.cumsum(sizes)])
    gold = rows_of([(i, 0, truth[i]) for i in dev], ["gold"], n)
    found = combine_task(votes.without("gold"), kind="select", n_classes=0, gold=gold, candidates=candidates,
                         train_items=split == "train")
    assert found.offsets is not None
    best = np.array([found.probabilities[a:b].argmax() for a, b in zip(found.offsets, found.offsets[1:], strict=False)])
    test = (split == "test")[found.items]
    assert (best == truth[found.items])[test].mean() >= 0.907
    told = found.probabilities[found.offsets[:-1] + truth[found.items]]
    assert -np.log(np.maximum(told[test], 1e-6)).mean() <= 0.32


@pytest.mark.real_data
def test_bc5cdr_spans_are_not_below_majority_vote(public):
    rows, sizes, splits, names, classes = [], [], [], {}, {}
    start = 0
    for size, split, labels in public_rows(public, "bc5cdr", "tokens", "Entities"):
        for source, marks in labels.items():
            code = names.setdefault(source, len(names))
            rows += [(start + i, code, classes.setdefault(mark, len(classes))) for i, mark in enumerate(marks) if mark]
        sizes.append(size)
        splits.append(split)
        start += size
    votes = rows_of(rows, list(names), start)
    truth = np.full(start, -1)
    ours = votes.sources == votes.names.index("gold")
    truth[votes.items[ours]] = votes.labels[ours]
    sequences = np.concatenate([[0], np.cumsum(sizes)])
    split = np.repeat(np.array(splits), sizes)
    dev = np.flatnonzero(split == "dev")
    gold = rows_of(np.column_stack([dev, np.zeros_like(dev), truth[dev]]), ["gold"], start)
    found = combine_task(votes.without("gold"), kind="multiclass", n_classes=len(classes), gold=gold, spans=True,
                         train_items=split == "train", sequences=sequences, classes=list(classes))
    answers = np.full(start, classes["O"])
    answers[found.items] = found.probabilities.argmax(axis=1)
    hits, marked, true = span_counts(
        np.where(split == "test", truth, -1), answers, sequences, SpanLabels.of(list(classes))
    ).sum(axis=0)
    assert 2 * hits / (marked + true) >= 0.801
