"""Causes of flips on made-up votes: each way a source can stand behind a flip, and what is nobody's."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from ovt.data.votes import VOTED, Votes
from ovt.quality.attribution.causes import (
    Evidence,
    FlipCause,
    Taught,
    by_source,
    causes_of,
    grouped,
    held_over_seeds,
    taught,
)
from ovt.quality.attribution.flip_votes import Trusted, lay_flips
from ovt.quality.attribution.vote_changes import vote_changes
from ovt.quality.slicediff import Flip

CLASSES = ["a", "b", "c"]
NOBODY = FlipCause("unknown", None)


def flip(id_: str, old: str, new: str, kind: str = "broken", slices: tuple[str, ...] = ()) -> Flip:
    return Flip("T", id_, 0, kind, old if kind == "broken" else new, old, new, 0.9, 0.9, slices)


def votes_from(triples: list[tuple[int, str, int]], n: int = 20) -> Votes:
    names = sorted({name for _, name, _ in triples})
    columns = np.asarray([(item, names.index(name), label) for item, name, label in triples] or np.empty((0, 3)), np.int64)
    return Votes.build(columns[:, 0], columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32), names, n)


def evidence(before, after, *, trust=None, trust_before=None, lessons=None, shift=lambda _: None) -> Evidence:
    trust = trust or {}
    return Evidence(Trusted(votes_from(before), trust_before or trust), Trusted(votes_from(after), trust),
                    lessons or {None: Taught(0, {})}, shift)


def cause(found: Evidence, one: Flip, item: int = 0, form="multiclass", held=None) -> FlipCause:
    flipped = lay_flips([one], np.asarray([item]), CLASSES, form)
    (told,) = causes_of([one], flipped, found, None if held is None else np.asarray([held]))
    return told


def test_a_source_that_now_speaks_for_the_new_answer() -> None:
    assert cause(evidence([(0, "x", 0)], [(0, "x", 0), (0, "y", 1)]), flip("r", "a", "b")) == FlipCause("vote", "y")


def test_a_source_that_no_longer_speaks_for_the_old_answer() -> None:
    assert cause(evidence([(0, "x", 0), (0, "y", 1)], [(0, "y", 1)]), flip("r", "a", "b")) == FlipCause("vote", "x")


def test_a_change_the_other_way_is_not_the_cause() -> None:
    assert cause(evidence([(0, "x", 1)], [(0, "x", 0)]), flip("r", "a", "b")) == NOBODY


def test_a_change_to_a_third_class_after_the_old_one_is() -> None:
    assert cause(evidence([(0, "x", 0)], [(0, "x", 2)]), flip("r", "a", "b")) == FlipCause("vote", "x")


def test_of_two_changes_the_more_trusted_source_stands_behind_it() -> None:
    found = evidence([], [(0, "x", 1), (0, "y", 1)], trust={"x": 0.6, "y": 0.9})
    assert cause(found, flip("r", "a", "b")) == FlipCause("vote", "y")
    assert cause(replace(found, after=Trusted(found.after.votes, {"x": 0.9, "y": 0.6})), flip("r", "a", "b")).source == "x"


def test_a_vote_outweighs_a_changed_weight() -> None:
    found = evidence([(0, "x", 1)], [(0, "x", 1), (0, "y", 1)], trust_before={"x": 0.6}, trust={"x": 0.95, "y": 0.7})
    assert cause(found, flip("r", "a", "b")) == FlipCause("vote", "y")


@pytest.mark.parametrize(("label", "before", "after", "expected"), [
    (1, 0.60, 0.90, FlipCause("weight", "x")),  # speaks for the new answer and is trusted more
    (0, 0.90, 0.60, FlipCause("weight", "x")),  # speaks for the old answer and is trusted less
    (1, 0.90, 0.60, NOBODY),
    (1, 0.90, 0.91, NOBODY),  # hardly
])
def test_weights(label: int, before: float, after: float, expected: FlipCause) -> None:
    found = evidence([(0, "x", label)], [(0, "x", label)], trust_before={"x": before}, trust={"x": after})
    assert cause(found, flip("r", "a", "b")) == expected


def test_a_source_that_is_known_to_one_version_alone_has_no_changed_weight() -> None:
    found = evidence([(0, "x", 1)], [(0, "x", 1)], trust={"x": 0.95}, trust_before={"y": 0.5})
    assert cause(found, flip("r", "a", "b")) == NOBODY


def lesson(pushes: dict[str, list[float]], items: int = 100) -> Taught:
    return Taught(items, {name: np.asarray([*values, 0.0]) for name, values in pushes.items()})


def test_learned_from_changed_votes_in_the_smallest_slice_of_the_record() -> None:
    lessons = {None: lesson({"x": [0, 50, 0]}, 1000), "small": lesson({"y": [-3, 6, 0]}), "big": lesson({"z": [0, 30, 0]}, 500)}
    assert cause(evidence([], [], lessons=lessons), flip("r", "a", "b", slices=("big", "small"))) == FlipCause("learned", "y")
    assert cause(evidence([], [], lessons=lessons), flip("r", "a", "b")) == FlipCause("learned", "x")
    assert cause(evidence([], [], lessons=lessons), flip("r", "b", "a")) == NOBODY


def test_nothing_is_learned_from_a_handful_of_votes_or_against_the_targets() -> None:
    few = {None: lesson({"x": [0, 9, 0]}, 1000)}
    assert cause(evidence([], [], lessons=few), flip("r", "a", "b")) == NOBODY
    many = {None: lesson({"x": [0, 90, 0]}, 1000)}
    for shift, expected in (((-5.0, 5.0, 0.0), FlipCause("learned", "x")), ((5.0, -5.0, 0.0), NOBODY)):
        told = cause(evidence([], [], lessons=many, shift=lambda _, moved=shift: np.asarray(moved)), flip("r", "a", "b"))
        assert told == expected


def test_a_flip_that_most_seeds_do_not_make_is_noise_whatever_the_votes_say() -> None:
    found = evidence([], [(0, "y", 1)])
    assert cause(found, flip("r", "a", "b"), held=False) == FlipCause("training noise", None)
    assert cause(found, flip("r", "a", "b"), held=True) == FlipCause("vote", "y")


def test_bitvectors_go_by_names_and_an_empty_opinion_speaks_against_them() -> None:
    lost = flip("r", '["a","b"]', '["a"]')
    assert cause(evidence([(0, "x", VOTED), (0, "x", 1)], [(0, "x", VOTED)]), lost, form="bitvector").source == "x"
    assert cause(evidence([], [(0, "x", VOTED)]), lost, form="bitvector") == FlipCause("vote", "x")
    assert cause(evidence([], [(0, "x", VOTED), (0, "x", 1)]), lost, form="bitvector") == NOBODY
    assert cause(evidence([], [(0, "x", VOTED), (0, "x", 2)]), flip("r", "[]", '["c"]'), form="bitvector").source == "x"


def test_select_goes_by_position() -> None:
    one = flip("r", "0", "7")
    flipped = lay_flips([one], np.asarray([0]), None, "select")
    assert causes_of([one], flipped, evidence([], [(0, "x", 7)]), None) == [FlipCause("vote", "x")]
    assert causes_of([one], flipped, evidence([], [(0, "x", 9)]), None) == [NOBODY]


def test_an_item_that_the_store_lacks_has_no_votes() -> None:
    assert cause(evidence([], [(0, "x", 1)]), flip("r", "a", "b"), item=-1) == NOBODY


def seeds(graded, right: list[list[bool]]):
    """A version of one record per column, a seed per row."""
    gold = [["a"]] * len(right[0])
    parts = [graded("multiclass", gold, [["a" if found else "b"] for found in row]) for row in right]
    labels = ("a", "b")
    codes = [np.asarray([labels.index("a" if found else "b") for found in row], np.int32) for row in right]
    return replace(parts[0], labels=labels, gold=np.zeros(len(gold), np.int32), predicted=codes[0], others=tuple(codes[1:]))


def test_a_flip_holds_where_most_seeds_of_both_versions_say_so(graded) -> None:
    a = seeds(graded, [[True, True], [True, False], [True, False]])
    b = seeds(graded, [[False, False], [False, False], [True, False]])
    flips = [flip("r00000", "a", "b"), flip("r00001", "a", "b"), flip("elsewhere", "a", "b")]
    assert held_over_seeds(flips, a, b).tolist() == [True, False, True]
    back = [flip("r00000", "b", "a", "fixed"), flip("r00001", "b", "a", "fixed")]
    assert held_over_seeds(back, b, a).tolist() == [True, False]
    assert held_over_seeds(flips, seeds(graded, [[True, True]]), b) is None


def test_groups_name_sources_first_and_count_both_ways() -> None:
    flips = [flip("p", "a", "b"), flip("q", "a", "b"), flip("r", "b", "a", "fixed"), flip("s", "a", "c")]
    told = [FlipCause("vote", "x"), NOBODY, FlipCause("learned", "x"), FlipCause("weight", "y")]
    groups = grouped(flips, told, {"x": "new", "y": "edited"})
    assert [(group.cause, group.source, group.kind, group.count, group.broken, group.fixed) for group in groups] == [
        ("vote", "x", "new", 1, 1, 0), ("learned", "x", "new", 1, 0, 1), ("weight", "y", "reweighted", 1, 1, 0),
        ("unknown", None, None, 1, 1, 0)]
    merged = by_source(groups)
    assert [(group.source, group.count, group.examples) for group in merged] == [
        ("x", 2, ("p", "r")), ("y", 1, ("s",)), (None, 1, ("q",))]


def test_what_changed_votes_teach() -> None:
    changes = vote_changes(votes_from([(0, "x", 0), (5, "x", 0)], 6), votes_from([(0, "x", 1), (1, "y", 1), (2, "y", VOTED)], 6))
    found = taught(changes, np.asarray([True] * 5 + [False]), 3)
    assert found.items == 5
    assert {name: row.tolist() for name, row in found.pushes.items()} == {"x": [-1, 1, 0, 0], "y": [0, 1, 0, 1]}


def test_a_hundred_thousand_flips_take_seconds() -> None:
    random = np.random.default_rng(0)
    n = 100_000
    flips = [flip(f"r{row}", "a", "b", slices=("s",)) for row in range(n)]
    dense = random.integers(0, 3, (n, 10))
    items, sources = np.nonzero(random.random((n, 10)) < 0.5)
    before = Votes(items, sources.astype(np.int32), dense[items, sources].astype(np.int32), tuple("abcdefghij"), n)
    after = replace(before, labels=np.where(random.random(len(items)) < 0.05, 1, before.labels).astype(np.int32))
    found = Evidence(Trusted(before, {}), Trusted(after, {}), {None: Taught(0, {})}, lambda _: None)
    begun = time.process_time()
    told = causes_of(flips, lay_flips(flips, np.arange(n), CLASSES, "multiclass"), found, None)
    groups = grouped(flips, told, {})
    assert time.process_time() - begun < 5
    assert sum(group.count for group in groups) == n
