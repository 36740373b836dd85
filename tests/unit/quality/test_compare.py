from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ovt.quality.compare import Measured, compare_versions
from ovt.quality.policy.thresholds import Policy, Thresholds
from ovt.quality.predictions import with_seeds
from ovt.quality.slicediff import Side


def side(name: str, eval_set: str = "e") -> Side:
    return Side(name, None, "", f"model {name}", eval_set)


def measured(part, name: str = "B", slices=None) -> Measured:
    return Measured(side(name), {part.task: part}, frozenset(part.slices.rows if slices is None else slices))


def answers(n: int, wrong) -> list[list[str]]:
    wrong = set(wrong)
    return [["x" if row in wrong else "a"] for row in range(n)]


@pytest.fixture
def compared(graded):
    """Compare two lists of wrong records of `n` whose gold is all `a`."""

    def compare(n: int, wrong_a, wrong_b, slices=None, policy=None):
        gold = answers(n, [])
        a = graded("multiclass", gold, answers(n, wrong_a), slices=slices)
        b = graded("multiclass", gold, answers(n, wrong_b), slices=slices)
        diff = compare_versions(measured(a, "A"), measured(b, "B"), policy or Policy())
        return {row.slice: row for row in diff.rows}

    return compare


def test_a_clear_drop_is_regressed_and_its_mirror_improved(compared) -> None:
    row = compared(200, range(10), range(40))[None]
    assert (row.verdict, row.n, row.broken, row.fixed) == ("regressed", 200, 30, 0)
    assert (row.old, row.new, row.delta) == pytest.approx((0.95, 0.8, -0.15))
    assert row.low < -0.15 < row.high < 0
    assert row.p == pytest.approx(2 ** -29)
    mirror = compared(200, range(40), range(10))[None]
    assert (mirror.verdict, mirror.broken, mirror.fixed) == ("improved", 0, 30)
    assert (mirror.low, mirror.high) == pytest.approx((-row.high, -row.low))


def test_a_small_drop_on_few_records_is_unclear(compared) -> None:
    row = compared(200, range(10), range(2, 16))[None]
    assert row.verdict == "unclear"
    assert row.delta == pytest.approx(-0.02)


def test_a_certain_drop_below_the_floor_is_unclear(compared) -> None:
    policy = Policy(floor=0.2)
    row = compared(200, [], range(30), policy=policy)[None]
    assert (row.verdict, "floor" in row.why) == ("unclear", True)


def test_few_records_are_thin(compared) -> None:
    rows = compared(100, [], range(29), slices={"small": range(29), "enough": range(30)})
    assert rows["small"].verdict == "thin"
    assert (rows["small"].new, rows["small"].p) == (0.0, None)
    assert rows["enough"].verdict == "regressed"


def test_thresholds_of_a_slice(compared) -> None:
    wrong = range(12)
    slices = {"s": range(29)}
    policy = Policy(slices=(("s", Thresholds(floor=0.005, min_support=20)),))
    assert compared(100, [], wrong, slices=slices)["s"].verdict == "thin"
    assert compared(100, [], wrong, slices=slices, policy=policy)["s"].verdict == "regressed"
    tolerant = Policy(slices=(("s", Thresholds(floor=0.5, min_support=20)),))
    assert compared(100, [], wrong, slices=slices, policy=tolerant)["s"].verdict == "unclear"


def test_an_absolute_minimum_fails_even_what_did_not_change(compared) -> None:
    policy = Policy(slices=(("s", Thresholds(0.005, 30, minimum=0.8)),))
    row = compared(100, range(10), range(10), slices={"s": range(40)}, policy=policy)["s"]
    assert (row.verdict, row.delta) == ("regressed", 0)
    assert "0.750 is below the minimum 0.8" in row.why
    few = compared(100, range(10), range(10), slices={"s": range(20)}, policy=policy)["s"]
    assert few.verdict == "thin"


def test_many_slices_are_corrected_together_and_critical_ones_apart(compared) -> None:
    """p = 0.02 on one slice of forty is noise; on the one slice that the policy watches it is not."""
    slices = {f"s{number:02d}": range(number * 50, number * 50 + 50) for number in range(40)}
    rng = np.random.default_rng(0)
    wrong_a = [start * 50 + 40 + one for start in range(1, 40) for one in rng.choice(8, 4, replace=False)]
    wrong_b = [start * 50 + 40 + one for start in range(1, 40) for one in rng.choice(8, 4, replace=False)]
    hit = list(range(7))  # seven broken, none fixed: p = 2 * 2^-7 = 0.016
    assert compared(2000, wrong_a, [*hit, *wrong_b], slices=slices)["s00"].verdict == "unclear"
    watched = Policy(slices=(("s00", Thresholds(0.005, 30, critical=True)),))
    row = compared(2000, wrong_a, [*hit, *wrong_b], slices=slices, policy=watched)["s00"]
    assert (row.verdict, row.critical) == ("regressed", True)
    assert row.p == pytest.approx(2 ** -6)


def test_slices_whose_flips_can_prove_nothing_do_not_dilute(compared) -> None:
    slices = {f"s{number:02d}": range(number * 50, number * 50 + 50) for number in range(40)}
    quiet = [number * 50 for number in range(1, 40)]  # one broken record in each other slice
    row = compared(2000, [], [*range(12), *quiet], slices=slices)["s00"]
    assert row.p == pytest.approx(2 ** -11 * 1)  # smaller than the overall row's share of two


def test_another_exam_is_not_comparable(graded) -> None:
    gold, found = answers(60, []), answers(60, [3])
    a = graded("multiclass", gold, found, slices={"s": range(30), "t": range(30, 60)})
    relabelled = graded("multiclass", [["x"], *gold[1:]], found, slices={"s": range(30), "t": range(30, 60)})
    rows = {row.slice: row for row in compare_versions(measured(a, "A"), measured(relabelled), Policy()).rows}
    assert {name: row.verdict for name, row in rows.items()} == {
        None: "not_comparable", "s": "not_comparable", "t": "unclear",
    }
    assert rows["s"].why == "1 record changed gold"
    assert (rows["s"].delta, rows["s"].p, rows["s"].old) == (None, None, pytest.approx(29 / 30))


def test_what_changed_is_told_in_words(graded) -> None:
    gold, found = answers(60, []), answers(60, [])
    base = graded("multiclass", gold, found, slices={"s": range(40)})
    other = graded("multiclass", gold, found, slices={"s": range(2, 41)})
    rows = {row.slice: row for row in compare_versions(measured(base, "A"), measured(other), Policy()).rows}
    assert rows["s"].why == "1 record entered the slice; 2 records left the slice"
    assert rows[None].verdict == "unclear"
    ids = [f"r{row:05d}" for row in range(58)] + ["new"]
    grown = graded("multiclass", answers(59, []), answers(59, []), ids=sorted(ids), slices={"s": range(1, 41)})
    rows = {row.slice: row for row in compare_versions(measured(base, "A"), measured(grown), Policy()).rows}
    assert rows[None].why == "1 record new in the test set; 2 records left the test set"
    assert rows["s"].verdict == "unclear"


def test_gold_that_was_taken_away_or_came(graded) -> None:
    gold = answers(60, [])
    base = graded("multiclass", gold, gold, slices={"s": range(40)})
    fewer = graded("multiclass", [[None], *gold[1:]], gold, slices={"s": range(40)})
    for a, b in ((base, fewer), (fewer, base)):
        rows = {row.slice: row for row in compare_versions(measured(a, "A"), measured(b), Policy()).rows}
        assert rows["s"].why == "1 record changed gold"


def test_a_slice_that_one_side_lacks(graded) -> None:
    gold = answers(60, [])
    a, b = (graded("multiclass", gold, gold, slices=slices) for slices in ({}, {"s": range(40)}))
    rows = {row.slice: row for row in compare_versions(measured(a, "A"), measured(b, "B"), Policy()).rows}
    assert (rows["s"].verdict, rows["s"].why) == ("not_comparable", "A has no slice `s`")
    assert (rows["s"].n, rows["s"].old, rows["s"].new) == (40, None, 1.0)
    minimum = Policy(slices=(("s", Thresholds(0.005, 30, minimum=1.1)),))
    rows = {row.slice: row for row in compare_versions(measured(a, "A"), measured(b, "B"), minimum).rows}
    assert rows["s"].verdict == "regressed"


def test_a_slice_without_a_test_record_is_thin(graded) -> None:
    part = graded("multiclass", answers(60, []), answers(60, []))
    sides = [measured(part, name, slices=["empty"]) for name in "AB"]
    rows = {row.slice: row for row in compare_versions(*sides, Policy()).rows}
    assert (rows["empty"].verdict, rows["empty"].n, rows["empty"].new) == ("thin", 0, None)


def test_a_task_that_one_side_lacks(graded) -> None:
    part = graded("multiclass", answers(60, []), answers(60, []))
    empty = Measured(side("A"), {}, frozenset())
    (row,) = compare_versions(empty, measured(part), Policy()).rows
    assert (row.task, row.verdict, row.why) == ("T", "not_comparable", "A has no gold for `T` on test")
    spans = replace(part, form="BIO")
    (row,) = compare_versions(measured(spans, "A"), measured(part), Policy()).rows
    assert row.why == "the type of `T` changed"


def test_tokens_of_a_record_count_as_one_witness(graded) -> None:
    """Ten broken tokens in two records are two flips, not ten."""
    gold = [["a"] * 5 for _ in range(40)]
    broken = [["x"] * 5 if row < 2 else ["a"] * 5 for row in range(40)]
    (row,) = compare_versions(
        measured(graded("multiclass", gold, gold), "A"), measured(graded("multiclass", gold, broken)), Policy(),
    ).rows
    assert (row.verdict, row.broken, row.delta) == ("unclear", 2, pytest.approx(-0.05))
    assert row.why == "too few flips to tell"


@pytest.mark.parametrize("form", ["BIO", "bitvector"])
def test_f1_tasks_by_swapping_records(graded, names, form: str) -> None:
    right, wrong = (["B-x", "O"], ["O", "O"]) if form == "BIO" else ([names("x")], [names()])
    gold = [right] * 100
    part_a = graded(form, gold, gold)
    part_b = graded(form, gold, [wrong] * 12 + [right] * 88)
    (row,) = compare_versions(measured(part_a, "A"), measured(part_b), Policy()).rows
    assert (row.verdict, row.metric) == ("regressed", "span_f1" if form == "BIO" else "f1_micro")
    assert (row.broken, row.fixed) == (12, 0)
    assert row.new == pytest.approx(2 * 88 / (88 + 100))
    assert row.low <= row.delta <= row.high < 0


def test_order_is_regressions_first_then_by_evidence(compared) -> None:
    slices = {"bad": range(60), "good": range(60, 120), "same": range(120, 180), "few": range(180, 185)}
    rows = list(compared(200, range(60, 100), range(20), slices=slices).values())
    assert [row.slice for row in rows if row.slice] == ["bad", "good", "same", "few"]
    assert rows[0].verdict == "regressed"


def test_notes(graded) -> None:
    part = graded("multiclass", answers(60, []), answers(60, []))
    a, b = measured(part, "A"), measured(part, "B")
    policy = Policy(slices=(("typo", Thresholds(0.005, 30)),))
    assert compare_versions(a, b, policy).notes == ("the policy names slice `typo`, which neither version has",)
    other = replace(b, side=replace(b.side, eval_set="f", model="model A"))
    assert compare_versions(a, other, Policy()).notes == (
        "the test set changed between the versions", "both versions have the same model",
    )


def test_same_input_same_answer(graded) -> None:
    rng = np.random.default_rng(0)
    gold = [[str(label) for label in rng.integers(0, 3, 4)] for _ in range(300)]
    sides = []
    for name in "AB":
        found = [[label if rng.random() < 0.8 else "0" for label in record] for record in gold]
        sides.append(measured(graded("multiclass", gold, found, slices={"s": range(0, 300, 3)}), name))
    assert compare_versions(*sides, Policy()) == compare_versions(*sides, Policy())


@pytest.fixture
def compared_seeds(graded):
    """Compare lists of wrong records, one list for each seed of each version, of `n` whose gold is all `a`."""

    def compare(n: int, seeds_a, seeds_b, slices=None, policy=None):
        gold = answers(n, [])
        a, b = (with_seeds([graded("multiclass", gold, answers(n, wrong), slices=slices) for wrong in seeds])
                for seeds in (seeds_a, seeds_b))
        diff = compare_versions(measured(a, "A"), measured(b, "B"), policy or Policy())
        return {row.slice: row for row in diff.rows}, diff.notes

    return compare


def test_a_drop_within_the_spread_between_seeds_is_unclear(compared_seeds) -> None:
    """Every network of B is worse than its counterpart by 30 records in 1,000; but so are A's among themselves."""
    up_and_down = ([range(50), range(110), range(170)], [range(90), range(140), range(190)])
    rows, notes = compared_seeds(1000, *up_and_down)
    row = rows[None]
    assert (row.verdict, row.seeds) == ("unclear", (3, 3))
    assert (row.old, row.new) == (pytest.approx(0.89), pytest.approx(0.86))
    assert (row.old_spread, row.new_spread) == (pytest.approx(0.06), pytest.approx(0.05))
    assert row.low < 0 < row.high
    assert any("averages over 3 and 3 seeds" in note for note in notes)
    steady = ([range(108, 218), range(109, 219), range(110, 220)], [range(139, 279), range(140, 280), range(141, 281)])
    assert compared_seeds(1000, *steady)[0][None].verdict == "regressed"


def test_seeds_see_a_drop_that_one_network_could_not(compared_seeds, compared) -> None:
    rng = np.random.default_rng(3)
    lost = set(range(14))

    def tossing():
        return set(np.flatnonzero(rng.random(400) < 0.1).tolist())

    seeds_a, seeds_b = [tossing() - lost for _ in range(5)], [tossing() | lost for _ in range(5)]
    row = compared_seeds(400, seeds_a, seeds_b)[0][None]
    alone = compared(400, seeds_a[0], seeds_b[0])[None]
    assert row.verdict == "regressed"
    assert row.detectable < alone.detectable


def test_one_side_with_one_seed_borrows_the_spread_of_the_other(compared_seeds) -> None:
    wild, tame = [range(50), range(110), range(170)], [range(140)]
    row = compared_seeds(1000, wild, tame)[0][None]
    assert (row.verdict, row.seeds, row.new_spread) == ("unclear", (3, 1), None)


def test_broken_records_and_the_minimum_are_the_served_networks(compared_seeds) -> None:
    rows, _ = compared_seeds(100, [[0], range(20)], [range(30), [0]],
                             policy=Policy(everything=Thresholds(0.005, 30, minimum=0.8)))
    row = rows[None]
    assert (row.broken, row.fixed) == (29, 0)
    assert (row.shipped, row.new) == (pytest.approx(0.7), pytest.approx(0.845))
    assert row.verdict == "regressed"
    assert "0.700 is below the minimum 0.8" in row.why


def test_negative_flips(compared, compared_seeds) -> None:
    row = compared(200, range(10), range(5, 25))[None]
    assert row.negative_flip_rate == pytest.approx(15 / 200)
    assert row.negative_flip_low < 15 / 200 < row.negative_flip_high
    assert (row.noise_flip_rate, row.shipped) == (None, pytest.approx(row.new))
    same = compared_seeds(200, [range(10), range(10, 20)], [range(10), range(10, 20)])[0][None]
    assert same.negative_flip_rate == pytest.approx(10 / 200 / 2)
    assert same.noise_flip_rate == pytest.approx(10 / 200)


def test_every_row_says_what_it_could_have_seen(compared) -> None:
    slices = {"many": range(1000), "few": range(1000, 1200), "thin": range(1200, 1212)}
    rng = np.random.default_rng(0)
    wrong = [np.flatnonzero(rng.random(2000) < 0.1).tolist() for _ in "ab"]
    rows = compared(2000, *wrong, slices=slices)
    assert rows["many"].detectable < rows["few"].detectable
    assert rows["thin"].detectable is None
    assert 0.03 < rows["many"].detectable < 0.09
    assert rows["few"].detectable > 0.08  # 5 points on 200 records cannot be seen
    alone = Policy(slices=(("few", Thresholds(0.005, 30, critical=True)),))
    assert compared(2000, *wrong, slices=slices, policy=alone)["few"].detectable < rows["few"].detectable
    hopeless = compared(40, range(38), [*range(1, 39)])[None]
    assert hopeless.detectable is None  # two records are right: no drop of them proves anything
