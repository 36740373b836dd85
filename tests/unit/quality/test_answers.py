"""The items of a cell are those that the report's confusion counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.quality.answers import NOT_ASKED, Wanted, in_cell, on_record
from ovt.quality.confusion import OTHER
from ovt.quality.flips import NOTHING
from ovt.quality.report import quality_report
from tests.unit.quality.conftest import make_graded


def confusions(part, slice_):
    about = quality_report([part], "m", ["s"])["tasks"].get("T")
    if about is None:  # no gold
        return {}
    test = about["splits"]["test"]
    return (test["overall"] if slice_ is None else test["slices"][slice_]).get("confusion", {})


def wanted_cells(*tables):
    names = {name for table in tables for gold, row in table.items() for name in (gold, *row)}
    cells = {(gold, said) for table in tables for gold, row in table.items() for said in row}
    return [Wanted(gold, said, frozenset(names - {OTHER})) for gold, said in sorted(cells)]


def assert_counts(a, b, slice_):
    before, after = confusions(a, slice_), confusions(b, slice_)
    cells = wanted_cells(before, after)
    for wanted in cells:
        found = in_cell(a, b, slice_, wanted)
        counts = tuple(sum(one.moved != gone for one in found) for gone in ("came", "left"))
        assert counts == tuple(table.get(wanted.gold, {}).get(wanted.predicted, 0) for table in (before, after)), wanted
    return cells


CLASS = st.sampled_from(["a", "b", "c"])
BITS = st.sets(st.sampled_from(["x", "y", "z"])).map(lambda names: json.dumps(sorted(names), separators=(",", ":")))


@st.composite
def two_versions(draw, labels, form):
    gold = draw(st.lists(st.lists(st.one_of(st.none(), labels), min_size=1, max_size=3), min_size=2, max_size=6))
    said = [[[draw(labels) for _ in record] for record in gold] for _ in range(2)]
    return [make_graded(form, gold, predicted, slices={"s": [0]}) for predicted in said]


@settings(deadline=None, max_examples=40)
@given(two_versions(CLASS, "multiclass"), st.sampled_from([None, "s"]))
def test_a_cell_of_classes_has_as_many_items_as_the_report_counts(versions, slice_):
    assert_counts(*versions, slice_)


@settings(deadline=None, max_examples=40)
@given(two_versions(BITS, "bitvector"), st.sampled_from([None, "s"]))
def test_a_cell_of_names_has_as_many_items_as_the_report_counts(versions, slice_):
    assert_counts(*versions, slice_)


def test_rare_classes_are_other_in_a_cell_as_in_the_report():
    gold = [[f"class{number:03}"] for number in range(120)] * 2
    part = make_graded("multiclass", gold, gold)
    cells = assert_counts(part, part, None)
    assert any(OTHER in {wanted.gold, wanted.predicted} for wanted in cells)


def test_what_came_stands_before_what_left_and_what_stays(graded):
    gold = [["a"], ["a"], ["a"], ["a"]]
    a = graded("multiclass", gold, [["b"], ["b"], ["a"], ["a"]])
    b = graded("multiclass", gold, [["b"], ["a"], ["b"], ["a"]])
    found = in_cell(a, b, None, Wanted("a", "b", frozenset("ab")))
    assert [(one.id, one.moved, one.kind) for one in found] == [
        ("r00002", "came", "broken"), ("r00001", "left", "fixed"), ("r00000", "stays", "wrong")]


def test_a_record_that_one_version_never_saw(graded):
    a = graded("multiclass", [["a", "b"]], [["a", "a"]], ids=["old"])
    b = graded("multiclass", [["a"], ["a"]], [["b"], [None]], ids=["new", "none"])
    [one] = in_cell(a, b, None, Wanted("a", "b", frozenset("ab")))
    assert (one.id, one.old, one.new, one.old_confidence) == ("new", NOT_ASKED, "b", 0.0)
    assert [(one.gold, one.old, one.new, one.kind) for one in on_record(a, b, "old")] == [
        ("a", "a", NOT_ASKED, "broken"), ("b", "a", NOT_ASKED, "wrong")]
    assert [one.new for one in on_record(None, b, "none")] == [NOTHING]
    assert on_record(a, b, "zzz") == on_record(None, None, "new") == []
    assert in_cell(None, None, None, Wanted("a", "b", frozenset("ab"))) == []


@pytest.mark.parametrize("position", [0, 1])
def test_every_item_of_a_record_in_its_order(graded, position):
    part = graded("multiclass", [["a"], ["b", "c"]], [["a"], ["b", "b"]])
    found = on_record(part, part, "r00001")
    assert (found[position].position, found[position].gold) == (position, "bc"[position])
    assert len(found) == 2
