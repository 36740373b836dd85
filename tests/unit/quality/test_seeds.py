"""Versions of several networks: their file, their spread, and the negative flips between and within them."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.predictions import read_predictions, same_items, with_seeds, write_predictions
from ovt.quality.report import quality_report
from ovt.quality.seeds import SeedScores, broken_shares, spread, tossed_shares


def several(graded, form, gold, *answers, **options):
    """One version of as many networks as there are answers."""
    return with_seeds([graded(form, gold, found, **options) for found in answers])


def test_networks_are_laid_side_by_side(graded) -> None:
    gold = [["a"], ["b"], [None]]
    part = several(graded, "multiclass", gold, [["a"], ["a"], ["b"]], [["c"], ["b"], ["a"]])
    assert part.labels == ("a", "b", "c")
    assert [part.labels[code] for code in part.predicted] == ["a", "a", "b"]
    assert [[part.labels[code] for code in other] for other in part.others] == [["c", "b", "a"]]
    assert part.correct.tolist() == [True, False, False]
    first, second = part.by_seed()
    assert (first.correct.tolist(), second.correct.tolist()) == ([True, False, False], [False, True, False])
    assert second.seeds == 1


def test_one_network_is_itself(graded) -> None:
    part = graded("multiclass", [["a"]], [["a"]])
    assert with_seeds([part]) is part
    assert part.by_seed()[0].correct.tolist() == [True]


def test_seeds_of_other_records_are_refused(graded) -> None:
    one, other = graded("multiclass", [["a"]], [["a"]]), graded("multiclass", [["a"], ["b"]], [["a"], ["b"]])
    assert not same_items(one, other)
    with pytest.raises(ValueError, match="different records"):
        with_seeds([one, other])


@pytest.mark.parametrize("form", ["multiclass", "BIO", "bitvector", "select"])
def test_the_file_keeps_every_network(tmp_path, graded, names, form) -> None:
    a, b, c = {"multiclass": ("a", "b", "c"), "BIO": ("B-x", "I-x", "O"), "select": ("0", "1", "2"),
               "bitvector": (names("x"), names(), names("x", "y"))}[form]
    part = several(graded, form, [[a, b], [None]], [[a, a], [b]], [[b, None], [c]], [[a, b], [a]])
    other = several(graded, "multiclass", [["z"]], [["z"]], [["y"]], [["z"]], task="Other")
    write_predictions(tmp_path / "p.parquet", [part, other])
    found = read_predictions(tmp_path / "p.parquet", {"T": form, "Other": "multiclass"})

    def said(part, codes):
        return [None if code < 0 else part.labels[code] for code in codes]

    assert found["T"].seeds == 3
    assert said(found["T"], found["T"].predicted) == said(part, part.predicted)
    for mine, theirs in zip(found["T"].others, part.others, strict=True):
        assert said(found["T"], mine) == said(part, theirs)


def test_one_network_leaves_the_file_as_it_was(tmp_path, graded) -> None:
    from pyarrow import parquet

    write_predictions(tmp_path / "p.parquet", [graded("multiclass", [["a"]], [["a"]])])
    assert parquet.read_schema(tmp_path / "p.parquet").names[-1] == "gold_probability"
    assert len(parquet.read_schema(tmp_path / "p.parquet").names) == 9


def test_more_than_nine_networks_keep_their_order(tmp_path, graded) -> None:
    answers = [[["a" if seed < 10 else "b"]] for seed in range(12)]
    write_predictions(tmp_path / "p.parquet", [several(graded, "multiclass", [["a"]], *answers)])
    found = read_predictions(tmp_path / "p.parquet", {"T": "multiclass"})["T"]
    assert [bool(part.correct[0]) for part in found.by_seed()] == [True] * 10 + [False] * 2


def test_the_report_tells_the_spread_of_the_primary_metric(graded) -> None:
    gold = [["a"]] * 4
    answers = [[["a"], ["a"], ["b"], ["b"]], [["a"], ["a"], ["a"], ["b"]], [["a"]] * 4]
    options = {"slices": {"s": [2, 3], "empty": []}, "tags": {"t": [0]}}
    part = several(graded, "multiclass", gold, *answers, **options)
    report = quality_report([part], "m", ["s", "empty"])
    test = report["tasks"]["T"]["splits"]["test"]
    assert test["overall"]["accuracy"]["value"] == 0.5  # of the network that is served
    assert test["overall"]["seeds"] == {"metric": "accuracy", "values": [0.5, 0.75, 1.0], "spread": 0.25}
    assert test["slices"]["s"]["seeds"]["values"] == [0.0, 0.5, 1.0]
    assert test["tags"]["t"]["seeds"]["spread"] == 0
    assert "seeds" not in test["slices"]["empty"]
    alone = graded("multiclass", gold, answers[0], **options)
    plain = quality_report([alone], "m", ["s", "empty"])["tasks"]["T"]["splits"]["test"]
    assert "seeds" not in plain["overall"]
    assert plain["overall"]["accuracy"] == test["overall"]["accuracy"]


right = st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=4)


def scores(exact) -> SeedScores:
    table = np.asarray(exact, bool)
    return SeedScores(table.astype(np.int64), np.ones(table.shape, np.int64), table)


@given(right, right)
def test_negative_flips_are_the_mean_over_all_pairs_of_networks(old, new) -> None:
    told = [np.mean([was and not is_ for was, is_ in zip(one, other, strict=True)]) for one, other in product(old, new)]
    assert float(broken_shares(scores(old), scores(new)).mean()) == pytest.approx(np.mean(told))


@given(right, right)
def test_what_seeds_alone_break_is_the_mean_over_pairs_within_a_version(old, new) -> None:
    found = tossed_shares(scores(old), scores(new))
    told = [np.mean([np.mean(np.asarray(one) & ~np.asarray(other)) for one, other in permutations(side, 2)])
            for side in (old, new) if len(side) > 1]
    if not told:
        assert found is None
    else:
        assert found is not None
        assert float(found.mean()) == pytest.approx(np.mean(told))


def test_spread() -> None:
    assert spread(np.asarray([0.9])) is None
    assert spread(np.asarray([0.8, 0.9, 1.0])) == pytest.approx(0.1)


def test_values_where_nothing_can_be_divided(graded) -> None:
    part = several(graded, "BIO", [["O"]] * 2, [["O"]] * 2, [["O"], ["B-x"]])
    found = SeedScores.of(part).take(np.asarray([0]))
    assert found.values().tolist() == [0, 0]
    assert replace(part, others=()).seeds == 1
