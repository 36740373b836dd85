from __future__ import annotations

import json

import numpy as np
import pytest

from ovt.data.votes import VOTED, Votes
from ovt.supervision.combine import combine_task
from ovt.supervision.label_models.candidates import LABEL_MODELS
from ovt.supervision.reporting import report as module
from ovt.supervision.reporting.report import sources_report, task_report


def rows_of(rows, names, n_items):
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Votes.build(table[:, 0], table[:, 1].astype(np.int32), table[:, 2].astype(np.int32), names, n_items)


def row(report, name):
    return next(each for each in report["sources"] if each["source"] == name)


def snorkel_example():
    """Ten train items and two of dev. a: 0 on six, b: both classes, c: 1 on one that nobody else covers."""
    rows = [(i, 0, 0) for i in range(6)]
    rows += [(3, 1, 0), (4, 1, 1), (5, 1, 1), (6, 1, 0)]
    rows += [(7, 2, 1), (10, 0, 0), (11, 0, 0), (10, 1, 1)]
    return rows_of(rows, ["a", "b", "c"], 12), np.arange(12) < 10


def test_coverage_overlaps_conflicts_and_polarity_have_snorkels_meaning():
    votes, train = snorkel_example()
    gold = rows_of([(10, 0, 0), (11, 0, 1)], ["gold"], 12)
    facts = {"kind": "multiclass", "n_classes": 2, "gold": gold, "train_items": train}
    report = task_report(votes, combine_task(votes, **facts), classes=["no", "yes"], **facts)
    assert {key: row(report, "a")[key] for key in ("coverage", "overlaps", "conflicts", "polarity", "votes")} == {
        "coverage": 0.6, "overlaps": 0.3, "conflicts": 0.2, "polarity": ["no"], "votes": 6,
    }
    assert row(report, "b")["coverage"] == 0.4
    assert row(report, "b")["conflicts"] == 0.2
    assert row(report, "c")["overlaps"] == 0.0
    assert row(report, "b")["polarity"] == ["no", "yes"]
    assert row(report, "a")["dev"] == {"accuracy": 0.5, "n": 2}
    assert row(report, "b")["dev"] == {"accuracy": 0.0, "n": 1}
    assert row(report, "c")["dev"] is None
    assert report["items"] == {"train": 10, "covered": 8, "train_gold": 0, "conflicting": 2, "dev_gold": 2}


def test_gold_has_no_row_but_is_counted():
    votes, train = snorkel_example()
    with_gold = Votes.concat([votes, rows_of([(8, 0, 1)], ["gold"], 12)], 12)
    facts = {"kind": "multiclass", "n_classes": 2, "train_items": train}
    report = task_report(with_gold, combine_task(with_gold, **facts), **facts)
    assert [each["source"] for each in report["sources"]] == ["a", "b", "c"]
    assert report["items"]["train_gold"] == 1
    assert report["items"]["covered"] == 9


def test_every_candidate_and_majority_vote_are_told(planted):
    votes, truth = planted.annotators(600, planted.coins([0.9, 0.7, 0.6], 2), np.array([0.5, 0.5]))
    long = planted.votes_of(votes)
    facts = {"kind": "multiclass", "n_classes": 2, "gold": planted.gold_votes(np.arange(150), truth, 600)}
    combined = combine_task(long, **facts)
    report = task_report(long, combined, **facts)
    assert set(report["candidates"]) == set(LABEL_MODELS)
    assert set(report["candidates"]["majority"]) == {"log_loss", "accuracy", "f1", "ece"}
    assert report["majority"] == report["candidates"]["majority"]
    assert report["label_model"] == combined.chosen
    assert report["reason"]
    assert report["advice"] == []
    assert row(report, "s00")["accuracy"] == pytest.approx(0.9, abs=0.03)
    assert row(report, "s00")["dev"]["n"] == 150


def test_without_gold_it_advises_what_to_label():
    votes, train = snorkel_example()
    facts = {"kind": "multiclass", "n_classes": 2, "train_items": train}
    report = task_report(votes, combine_task(votes, **facts), **facts)
    assert report["majority"] is None
    assert "0 dev items have gold" in report["advice"][0]
    assert "2 train items that sources disagree on" in report["advice"][0]


def test_copies_name_one_another(planted):
    votes, _ = planted.annotators(3000, planted.coins([0.8, 0.7, 0.7, 0.6, 0.6], 3), np.full(3, 1 / 3))
    votes = np.column_stack([votes, votes[:, 0]])
    long = planted.votes_of(votes)
    report = task_report(long, combine_task(long, kind="multiclass", n_classes=3), kind="multiclass", n_classes=3)
    assert row(report, "s00")["copies"] == ["s05"]
    assert row(report, "s05")["copies"] == ["s00"]
    assert row(report, "s01")["copies"] == []


def test_opinions_of_a_bitvector_conflict_if_their_sets_differ():
    rows = [(0, 0, VOTED), (0, 0, 0), (0, 0, 1), (0, 1, VOTED), (0, 1, 0), (0, 1, 1)]
    rows += [(1, 0, VOTED), (1, 0, 0), (1, 1, VOTED), (2, 0, VOTED)]
    votes = rows_of(rows, ["a", "b"], 4)
    gold = rows_of([(2, 0, VOTED), (2, 0, 1)], ["gold"], 4)
    facts = {"kind": "bitvector", "n_classes": 2, "gold": gold}
    report = task_report(votes, combine_task(votes, **facts), classes=["x", "y"], **facts)
    assert row(report, "a")["coverage"] == 0.75
    assert row(report, "a")["overlaps"] == 0.5
    assert row(report, "a")["conflicts"] == 0.25
    assert row(report, "a")["dev"] == {"accuracy": 0.5, "n": 2}
    assert row(report, "b")["polarity"] == ["x", "y"]


def test_select_is_reported_without_polarity():
    votes = rows_of([(0, 0, 1), (0, 1, 0), (1, 0, 0)], ["a", "b"], 2)
    facts = {"kind": "select", "n_classes": 0, "candidates": np.array([0, 2, 4])}
    report = task_report(votes, combine_task(votes, **facts), **facts)
    assert row(report, "a")["conflicts"] == 0.5
    assert row(report, "a")["polarity"] == []


def test_a_large_crowd_is_told_in_aggregate(planted, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 3)
    votes, _ = planted.annotators(200, planted.coins([0.8] * 6, 2), np.array([0.5, 0.5]), coverage=0.5)
    long = planted.votes_of(votes)
    report = task_report(long, combine_task(long, kind="multiclass", n_classes=2), kind="multiclass", n_classes=2)
    counts = (votes >= 0).sum(axis=0)
    assert [each["votes"] for each in report["sources"]] == counts[np.sort(np.argsort(-counts, kind="stable")[:3])].tolist()
    assert report["others"]["sources"] == 3
    assert report["others"]["votes"] == np.sort(counts)[:3].sum()


def test_no_votes_at_all_and_the_file_is_json():
    empty = Votes.empty(4)
    report = task_report(empty, combine_task(empty, kind="multiclass", n_classes=2), kind="multiclass", n_classes=2)
    whole = sources_report({"b": report, "a": report})
    assert list(whole["tasks"]) == ["a", "b"]
    assert whole["format"] == "ovt.sources/1"
    assert json.loads(json.dumps(whole)) == whole
    assert report["sources"] == []
