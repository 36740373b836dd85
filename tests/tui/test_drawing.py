"""Columns, intervals, sparklines: arithmetic on cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt_tui.columns import Column, fit, needed
from ovt_tui.trend import sparkline
from ovt_tui.widgets import interval

columns = st.lists(
    st.builds(Column, key=st.text(min_size=1, max_size=3), title=st.just("t"), width=st.integers(1, 20),
              grow=st.integers(0, 20), drop=st.integers(0, 4)),
    min_size=1, max_size=9, unique_by=lambda column: column.key,
)


@given(columns, st.integers(1, 250))
def test_fitted_columns_fill_the_room_as_far_as_they_may(found, room):
    fitted = fit(found, room)
    kept = {column.key for column in fitted}
    assert [column.key for column in found if column.key in kept] == [column.key for column in fitted]
    assert {column.key for column in found if not column.drop} <= kept
    least = sum(1 for column in found if not column.drop)
    assert needed(fitted) <= max(room, 2 * least - 1)
    dropped = [column for column in found if column.key not in kept]
    assert all(out.drop >= column.drop for out in dropped for column in fitted)
    if not dropped:
        for before, after in zip(found, fitted, strict=True):
            assert after.width <= before.width + before.grow
        if needed(found) <= room:
            widest = sum(column.grow for column in found)
            assert needed(fitted) == min(room, needed(found) + widest)


def test_the_highest_number_is_dropped_first():
    found = [Column("a", "a", 10), Column("b", "b", 10, drop=1), Column("c", "c", 10, drop=3), Column("d", "d", 10, drop=2)]
    assert [column.key for column in fit(found, 43)] == ["a", "b", "c", "d"]
    assert [column.key for column in fit(found, 42)] == ["a", "b", "d"]
    assert [column.key for column in fit(found, 31)] == ["a", "b"]
    assert [column.width for column in fit(found, 5)] == [5]


ends = st.tuples(st.floats(-2, 2, allow_subnormal=False), st.floats(-2, 2, allow_subnormal=False), st.floats(-2, 2, allow_subnormal=False)).map(sorted)


@given(ends, st.floats(0.001, 2, allow_subnormal=False), st.integers(3, 60))
def test_a_bar_has_its_point_on_its_side_of_zero(ends_, limit, width):
    low, point, high = ends_
    drawn = interval.bar(low, point, high, limit, width)
    assert len(drawn) == width
    middle, at = width // 2, drawn.index(interval.POINT)
    assert (at > middle) == (point > 0)
    assert (at < middle) == (point < 0)
    if low > 0 or high < 0:  # an interval that leaves zero out never touches the zero line
        assert drawn[middle] == interval.ZERO
    assert (interval.LEFT_BEYOND in drawn) <= (low < -limit)
    assert (interval.RIGHT_BEYOND in drawn) <= (high > limit)


@pytest.mark.parametrize(
    ("low", "point", "high", "drawn"),
    [
        (0.04, 0.06, 0.1, "     │ ├●─┤"),
        (-0.1, -0.06, 0.04, "├─●──┼─┤   "),
        (None, None, None, "     │     "),
        (None, 0.1, None, "     │    ●"),
        (-0.3, 0.0, 0.3, "◂────●────▸"),
    ],
)
def test_bars(low, point, high, drawn):
    assert interval.bar(low, point, high, 0.1, 11) == drawn


@pytest.mark.parametrize(
    ("found", "limit"),
    [([0.061, -0.03], 0.1), ([0.05], 0.05), ([0.19, None], 0.2), ([None], 0.1), ([], 0.1), ([0.0], 0.1), ([0.51], 1.0),
     ([3.2], 5.0), ([float("nan"), 0.02], 0.02)],
)
def test_the_scale_is_a_round_number(found, limit):
    assert interval.scale(found) == pytest.approx(limit)


def test_the_axis_names_its_ends_and_zero():
    assert interval.axis(0.2, 13) == "-0.2  0  +0.2"
    assert interval.axis(0.05, 21).index("0", 5) == 10
    assert interval.axis(0.0005, 13) == "change 95 %"
    assert interval.axis(0.05, 6) == "change"


@pytest.mark.parametrize(
    ("values", "drawn"),
    [((), ""), ((None,), ""), ((0.1, 0.5, 0.9), "▁▅█"), ((0.5, 0.5), "▅▅"), ((0.2, None, 0.4), "▁·█")],
)
def test_sparklines(values, drawn):
    assert sparkline(values) == drawn
