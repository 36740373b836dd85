"""Variances against what resampling and the textbook say, and the test against simulated seeds."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.attribution.training_noise import Ledger, Noise, chances, intervals
from ovt.quality.detectable import detectable_drops
from ovt.quality.intervals import poisson_weights
from ovt.quality.seeds import SeedScores


def scores(right, denominators=None) -> SeedScores:
    table = np.asarray(right, np.int64)
    below = np.ones(table.shape, np.int64) if denominators is None else np.asarray(denominators, np.int64)
    return SeedScores(table, below, table == below)


def noise_of(old: SeedScores, new: SeedScores, rows=None) -> Noise:
    chosen = np.arange(old.numerators.shape[1]) if rows is None else rows
    return Ledger.of(old, new).sums(chosen).noise()


@given(st.integers(2, 60), st.integers(0, 2 ** 32 - 1))
def test_variance_of_paired_accuracies_is_the_textbooks(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    old, new = rng.integers(0, 2, (2, 1, n))
    noise = noise_of(scores(old), scores(new))
    assert noise.records == pytest.approx(np.var(new - old, ddof=1) / n, abs=1e-12)
    assert (noise.between, noise.tossed, noise.networks, noise.old_spread) == (0, 0, 0, None)


def test_variance_of_a_ratio_is_the_bootstraps() -> None:
    rng = np.random.default_rng(3)
    gold = rng.integers(1, 5, 800)
    sides = [scores([2 * rng.binomial(gold, rate)], [gold + gold]) for rate in (0.8, 0.7)]
    noise = noise_of(*sides)
    weights = poisson_weights(2000, 800).astype(float)

    def metric(side):
        return (weights @ side.numerators[0]) / (weights @ side.denominators[0])

    assert noise.records == pytest.approx(np.var(metric(sides[1]) - metric(sides[0])), rel=0.08)


def test_seeds_that_lie_apart_count_with_their_pooled_variance() -> None:
    n = 1000

    def with_right(count):
        return (np.arange(n) < count).astype(np.int64)

    old, new = scores([with_right(c) for c in (800, 820, 840)]), scores([with_right(c) for c in (790, 800, 810)])
    noise = noise_of(old, new)
    assert (noise.old_spread, noise.new_spread) == (pytest.approx(0.02), pytest.approx(0.01))
    assert noise.between == pytest.approx((0.02 ** 2 + 0.01 ** 2) / 2 * (2 / 3))
    assert noise.networks == 4


def test_what_networks_toss_record_by_record_is_known_apart() -> None:
    """Both networks have 5 of 10 right, but never the same ones: their metric agrees by luck, their tosses are seen."""
    old = scores([[1] * 5 + [0] * 5, [0] * 5 + [1] * 5])
    noise = noise_of(old, scores([[1] * 10]))
    assert (noise.old_spread, noise.between) == (0, 0)
    assert noise.tossed == pytest.approx(10 * 0.5 / 100 * 1.5)


def test_seeds_that_only_toss_add_nothing_on_the_whole() -> None:
    rng = np.random.default_rng(5)
    noises = [noise_of(*(scores(rng.random((3, 400)) < 0.8) for _ in "ab")) for _ in range(300)]
    ratios = [noise.between / noise.tossed for noise in noises]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)
    assert np.mean([noise.records for noise in noises]) == pytest.approx(np.mean([noise.tossed for noise in noises]), rel=0.02)


def test_some_records_of_a_ledger_are_as_if_they_were_all() -> None:
    rng = np.random.default_rng(1)
    old, new = (SeedScores(a, a + b, a == 0) for a, b in rng.integers(0, 4, (2, 2, 3, 50)))
    rows = np.arange(10, 40)
    part = Ledger.of(old, new).sums(rows)
    whole = Ledger.of(old.take(rows), new.take(rows)).sums(np.arange(30))
    assert part.noise().records == pytest.approx(whole.noise().records)
    assert part.noise().between == pytest.approx(whole.noise().between)
    assert part.noise().tossed == pytest.approx(whole.noise().tossed)
    assert part.old_values.tolist() == pytest.approx(old.take(rows).values().tolist())
    assert part.new_values.tolist() == pytest.approx(new.take(rows).values().tolist())
    assert (part.negative_flips, part.noise_flips) == (
        pytest.approx(whole.negative_flips), pytest.approx(whole.noise_flips))


def test_a_difference_that_never_varies_is_beyond_chance() -> None:
    still = Noise(0.0, 0.0, 0.0, 1 / 50, 0, None, None)
    assert chances([0.0, 0.1], [still, still]).tolist() == [1.0, 0.0]
    assert intervals([0.1], [still], 0.95) == [(pytest.approx(0.1), pytest.approx(0.1))]


@pytest.mark.parametrize(("records", "tossed", "common"), [(1.0, 0.5, 0.0), (0.7, 0.7, 0.3), (0.7, 0.7, 5.0), (3.0, 0.5, 3.0)])
def test_p_is_honest_with_three_seeds(records: float, tossed: float, common: float) -> None:
    """Known variances, estimated as they are from three networks each: p is never below a level more often than that."""
    rng = np.random.default_rng(0)
    pairs = 20_000
    between = (tossed + common) * rng.chisquare(4, pairs) / 4
    deltas = rng.normal(0, np.sqrt(records + common), pairs)
    p = chances(deltas.tolist(), [Noise(records, float(s), tossed, 1 / 2000, 4, 0.0, 0.0) for s in between])
    assert (p < 0.05).mean() < 0.054
    assert (p < 0.005).mean() < 0.0065


def test_intervals_hold_what_the_test_does_not_refuse() -> None:
    noise = Noise(4e-4, 1e-4, 5e-5, 1 / 200, 4, 0.01, 0.01)
    (low, high), = intervals([-0.05], [noise], 0.95)
    assert low < -0.05 < high
    at_end = chances([low, high], [noise, noise])
    inside = chances([-0.05 - low, high + 0.05], [noise, noise])
    assert inside.tolist() == pytest.approx([0.05, 0.05], rel=1e-4)
    assert at_end[0] < at_end[1]


def test_the_detectable_drop_is_found_four_times_in_five() -> None:
    """McNemar on 500 records with 4 % churn each way: at the drop that is told, power is near 80 %."""
    n, churn, alpha = 500, 0.04, 0.001
    (drop,) = detectable_drops([Noise(2 * churn / n, 0.0, 0.0, 1 / n, 0, None, None)], [alpha], [0.005])
    rng = np.random.default_rng(4)
    broken, fixed = rng.binomial(n, churn + drop, 4000), rng.binomial(n, churn, 4000)
    z = (broken - fixed) / np.sqrt(broken + fixed)
    power = (z > NormalDist().inv_cdf(1 - alpha / 2)).mean()
    assert 0.76 <= power <= 0.92
    smaller = (rng.binomial(n, churn + 0.6 * drop, 4000) - rng.binomial(n, churn, 4000)) / np.sqrt(n * (2 * churn + 0.6 * drop))
    assert (smaller > NormalDist().inv_cdf(1 - alpha / 2)).mean() < 0.5


def test_what_can_be_detected_has_its_limits() -> None:
    quiet = Noise(0.0, 0.0, 0.0, 1 / 200, 0, None, None)
    (floor,) = detectable_drops([quiet], [0.05], [0.3])
    assert floor == 0.3
    (coarse,) = detectable_drops([Noise(0.0, 0.0, 0.0, 1 / 30, 0, None, None)], [1e-6], [0.005])
    assert coarse >= np.log2(2e6) / 30  # fewer broken records cannot have such a p
    many = detectable_drops([quiet, quiet], [0.05, 0.05 / 300], [0.005, 0.005])
    assert many[0] < many[1]
    (five_of_two_hundred,) = detectable_drops([Noise(0.04 / 200, 0.0, 0.0, 1 / 200, 0, None, None)], [0.05], [0.0])
    assert five_of_two_hundred > 0.05  # 5 points on 200 records cannot be seen, even alone


def test_more_seeds_see_more() -> None:
    drops = detectable_drops(
        [Noise(2e-4, 2e-4, 1e-4, 1 / 500, networks, 0.02, 0.02) for networks in (1, 4, 8)], [0.001] * 3, [0.005] * 3)
    assert drops == sorted(drops, reverse=True)
    assert drops[-1] < 0.6 * drops[0]
