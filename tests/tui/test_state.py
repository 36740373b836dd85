"""The state: which rows pass, in what order, and what each key makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.slicediff import SIGNS, SliceRow
from ovt_tui import state as states
from ovt_tui.state import State

START = State(a="A", b="B")

numbers = st.one_of(st.none(), st.floats(-1, 1, allow_subnormal=False))
slice_rows = st.builds(
    SliceRow, task=st.sampled_from(["Intent", "POS"]), slice=st.one_of(st.none(), st.sampled_from(["a", "b c", "rare"])),
    metric=st.sampled_from(["accuracy", "span_f1"]), n=st.integers(0, 5000), old=numbers, new=numbers, delta=numbers,
    low=numbers, high=numbers, p=numbers, verdict=st.sampled_from(list(SIGNS)), broken=st.integers(0, 9),
    fixed=st.integers(0, 9),
)
any_state = st.builds(
    State, a=st.just("A"), b=st.just("B"), task=st.sampled_from([None, "Intent"]),
    metric=st.sampled_from([None, "accuracy"]), sort=st.sampled_from(states.SORTS), reverse=st.booleans(),
    filter=st.sampled_from(["", "rare", "intent", "b intent"]), only_regressions=st.booleans(),
    hide_unclear=st.booleans(), min_support=st.sampled_from(states.SUPPORTS),
)


@given(st.lists(slice_rows, max_size=12), any_state)
def test_visible_rows_are_exactly_those_that_pass_each_condition(rows, state):
    def passes(row):
        text = f"{row.task} {'(all)' if row.slice is None else row.slice}".lower()
        return (
            (state.task is None or row.task == state.task)
            and (state.metric is None or row.metric == state.metric)
            and (not state.only_regressions or row.verdict == "regressed")
            and (not state.hide_unclear or row.verdict != "unclear")
            and row.n >= state.min_support
            and all(word in text for word in state.filter.split())
        )

    assert sorted(map(repr, states.visible(rows, state))) == sorted(repr(row) for row in rows if passes(row))


@given(st.lists(slice_rows, max_size=12), st.sampled_from(["n", "old", "new", "change", "flips"]), st.booleans())
def test_an_order_holds_in_both_directions_and_unknown_numbers_stay_last(rows, sort, reverse):
    value = {
        "n": lambda row: -row.n, "old": lambda row: row.old and -row.old, "new": lambda row: row.new and -row.new,
        "change": lambda row: row.delta, "flips": lambda row: -row.broken - row.fixed,
    }[sort]
    found = [value(row) for row in states.visible(rows, replace(START, sort=sort, reverse=reverse))]
    known = [number for number in found if number is not None]
    assert found[:len(known)] == known
    assert known == sorted(known, reverse=reverse)


@given(st.lists(slice_rows, max_size=12))
def test_the_order_by_verdict_is_the_order_of_the_comparison(rows):
    assert states.visible(rows, START) == rows
    assert states.visible(rows, replace(START, reverse=True)) == rows[::-1]


@given(st.lists(slice_rows, min_size=1, max_size=12), st.integers(0, 11), st.sampled_from([1, -1]))
def test_the_next_regression_is_the_nearest_in_that_direction(rows, cursor, step):
    cursor %= len(rows)
    found = states.next_regression(rows, cursor, step)
    at = [index for index, row in enumerate(rows) if row.verdict == "regressed"]
    if not at:
        assert found is None
    else:
        distance = {index: (step * (index - cursor) - 1) % len(rows) for index in at}
        assert found == min(at, key=distance.__getitem__)


def test_support_goes_up_and_down_its_steps_and_stops_at_the_ends():
    seen = [START]
    for _ in range(10):
        seen.append(states.step_support(seen[-1], 1))
    assert [state.min_support for state in seen] == [*states.SUPPORTS, *[10000] * 3]
    assert states.step_support(START, -1).min_support == 0
    assert states.step_support(replace(START, min_support=50), 1).min_support == 100
    assert states.step_support(replace(START, min_support=50), -1).min_support == 10


def test_a_task_without_the_chosen_metric_lets_it_go():
    rows = [SliceRow("A", None, "accuracy", 1, *[None] * 6, "thin", 0, 0),
            SliceRow("B", None, "span_f1", 1, *[None] * 6, "thin", 0, 0)]
    chosen = replace(START, task="A", metric="accuracy")
    assert states.next_task(chosen, rows) == replace(START, task="B", metric=None)
    assert states.next_task(replace(START, task="B"), rows).task is None
    assert states.known_scope(replace(START, task="Gone", metric="span_f1"), rows).metric == "span_f1"
    assert states.known_scope(replace(START, task="A", metric="span_f1"), rows).metric is None


@pytest.mark.parametrize(
    ("change", "filtered"),
    [({}, False), ({"filter": " "}, False), ({"filter": "a"}, True), ({"only_regressions": True}, True),
     ({"hide_unclear": True}, True), ({"min_support": 10}, True), ({"task": "A", "sort": "n"}, False)],
)
def test_filtered(change, filtered):
    assert replace(START, **change).filtered() is filtered
