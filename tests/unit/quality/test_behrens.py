from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from ovt.quality import behrens

freedoms = st.integers(1, 40)


def variances(known: float, estimated: float, freedom: int, within: float = 0.0) -> behrens.Variances:
    return behrens.Variances(np.asarray([known]), np.asarray([estimated]), np.asarray([within]), np.asarray([freedom]))


def p_of(delta: float, *parts: float) -> float:
    return float(behrens.two_sided(np.asarray([delta]), variances(*parts))[0])


@given(st.floats(0, 30))
def test_erfc_is_scipys(x: float) -> None:
    assert float(behrens.erfc(np.asarray(x))) == pytest.approx(special.erfc(x), rel=2e-7, abs=1e-300)


@given(st.floats(-50, 50), freedoms)
def test_without_a_known_part_it_is_students_t(t: float, freedom: int) -> None:
    assert p_of(t, 0.0, 1.0, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-5, abs=1e-9)


@given(st.floats(0, 8), st.floats(0, 3), st.integers(0, 40))
def test_without_an_estimated_part_it_is_the_normal(z: float, estimated: float, freedom: int) -> None:
    assert p_of(z * 0.3, 0.09, 0.0, freedom) == pytest.approx(2 * stats.norm.sf(z), rel=1e-5)
    assert p_of(z, 1.0, estimated, 0) == pytest.approx(2 * stats.norm.sf(z), rel=1e-5)


@settings(max_examples=20)
@given(st.floats(0.05, 8), st.floats(0.01, 10), freedoms)
def test_between_them_it_is_the_integral(delta: float, known: float, freedom: int) -> None:
    from scipy.integrate import quad

    def integrand(log_x: float) -> float:
        x = np.exp(log_x)
        return stats.chi2.pdf(x, freedom) * x * special.erfc(delta / np.sqrt(2 * (known + freedom / x)))

    wanted, _ = quad(integrand, -45, np.log(stats.chi2.isf(1e-15, freedom)), limit=400)
    assert p_of(delta, known, 1.0, freedom) == pytest.approx(wanted, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("delta", "known", "within", "freedom"), [(2.0, 1.0, 0.7, 4), (3.0, 0.5, 0.5, 2), (1.0, 1.0, 5.0, 4)])
def test_a_part_that_is_known_twice_is_counted_once(delta: float, known: float, within: float, freedom: int) -> None:
    x = np.random.default_rng(0).chisquare(freedom, 400_000)
    wanted = special.erfc(delta / np.sqrt(2 * (known + np.maximum(0, freedom / x - within)))).mean()
    assert p_of(delta, known, 1.0, freedom, within) == pytest.approx(wanted, rel=0.02)


@given(st.floats(1e-8, 0.5), st.floats(0, 10), st.floats(0, 10), st.integers(0, 20))
def test_quantiles_have_the_chance_that_was_asked_for(chance: float, known: float, estimated: float, freedom: int) -> None:
    found = float(behrens.quantiles(np.asarray([chance]), variances(known, estimated, freedom))[0])
    if known + estimated < 1e-200:
        return
    if found == 0:
        assert known == 0
        assert estimated == 0 or freedom == 0
    else:
        assert p_of(found, known, estimated, freedom) == pytest.approx(chance, rel=1e-3)


def test_no_variance_at_all() -> None:
    assert p_of(0.0, 0.0, 0.0, 4) == pytest.approx(1)
    assert p_of(0.1, 0.0, 0.0, 0) == 0


def test_no_rows() -> None:
    none = np.zeros(0)
    assert len(behrens.two_sided(none, behrens.Variances(none, none, none, np.zeros(0, np.int64)))) == 0
