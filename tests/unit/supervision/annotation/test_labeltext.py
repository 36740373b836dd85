"""Labels as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.functions.answers import AnswerError, Form
from ovt.supervision.annotation.labeltext import hint, parse, said_about_all

RECORD = Form("multiclass", "record")
BITS = Form("bitvector", "record")
SELECT = Form("select", "record")
BIO = Form("multiclass", "token", spans=True)
TOKENS = Form("multiclass", "token")
TOKEN_BITS = Form("bitvector", "token")


@pytest.mark.parametrize(("form", "text", "label"), [
    (RECORD, " height ", "height"), (RECORD, "", None), (RECORD, "  ", None),
    (BITS, "food; people;", ["food", "people"]), (BITS, "-", []), (BITS, '["a;b"]', ["a;b"]),
    (SELECT, "1", 1), (SELECT, "President_(title)", "President_(title)"),
    (BIO, "title: 1-2; food: 4", ["O", "B-title", "I-title", "O", "B-food"]), (BIO, "-", ["O"] * 5),
    (BIO, "a: b: 0", ["B-a: b", "O", "O", "O", "O"]), (BIO, "title:1–2", ["O", "B-title", "I-title", "O", "O"]),
    (TOKENS, "NOUN: 0-1", ["NOUN", "NOUN", None, None, None]),
    (TOKEN_BITS, "x: 0-1; y: 1", [["x"], ["x", "y"], [], [], []]),
    (TOKENS, '["A", null]', ["A", None]),
])
def test_what_a_cell_means(form, text, label):
    assert parse(form, text, 5) == label


@pytest.mark.parametrize(("form", "text", "why"), [
    (BIO, "title", "no `LABEL: FIRST-LAST`"), (BIO, "title: 3-2", "ends before it begins"),
    (BIO, "title: 4-5", "outside of 0-4"), (BIO, "a: 0-1; b: 1", "two labels on token 1"),
    (BIO, "B-title: 1", "without `B-` or `I-`"), (BITS, '["a', "begins like JSON"),
])
def test_what_it_cannot_mean(form, text, why):
    with pytest.raises(AnswerError, match=why.replace("(", "\\(")):
        parse(form, text, 5)


def test_one_item():
    assert parse(TOKENS, "NOUN", 1, one_item=True) == "NOUN"
    assert parse(TOKEN_BITS, "a; b", 1, one_item=True) == ["a", "b"]


def test_spans_of_a_tool_are_about_the_whole_sequence():
    assert said_about_all(BIO, [[1, 3, "title"]], 4) == ["O", "B-title", "I-title", "O"]
    assert said_about_all(BIO, [], 2) == ["O", "O"]
    assert said_about_all(BIO, ["O", "B-x"], 2) == ["O", "B-x"]
    assert said_about_all(RECORD, "a", 1) == "a"
    assert said_about_all(TOKEN_BITS, [[0, 1, ["a", "b"]]], 2) == [["a", "b"], []]


def test_a_hint_names_the_classes_where_they_are_few():
    assert hint(RECORD, ["a", "b"]) == "one of: a | b"
    assert "food" in hint(BIO, ["B-food", "I-food", "O"])
    assert "B-food" not in hint(BIO, ["B-food", "I-food", "O"])
    assert hint(RECORD, [str(n) for n in range(100)]) == "one of: the classes of the task"
    assert hint(SELECT, None) == "number or id of a candidate"


names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6).filter(lambda name: name != "O")


@given(st.lists(st.tuples(st.integers(1, 3), names), max_size=6), st.integers(0, 2))
def test_spans_survive_a_cell(parts, gap):
    """Spans laid one after the other, typed, and read back."""
    at, typed, expected = 0, [], []
    for width, name in parts:
        typed.append(f"{name}: {at}-{at + width - 1}")
        expected += [f"B-{name}", *[f"I-{name}"] * (width - 1), *["O"] * gap]
        at += width + gap
    assert parse(BIO, "; ".join(typed) or "-", at) == expected
