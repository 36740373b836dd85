"""Every form of a label is read, every nonsense is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.functions.answers import OPINION, SPOKEN, AnswerError, Form, read_answer
from ovt.functions.decorators import ABSTAIN

CLASS = Form("multiclass", "record")
BITS = Form("bitvector", "record")
SELECT = Form("select", "record")
TOKENS = Form("multiclass", "token")
BIO = Form("multiclass", "token", spans=True)
TOKEN_BITS = Form("bitvector", "token")
MEMBERS = Form("multiclass", "member")
MEMBER_BITS = Form("bitvector", "member")


def read(form, value, length=3, ids=("x", "y", "z")):
    return read_answer(form, value, length, lambda: ids)


@pytest.mark.parametrize(("form", "value", "expected"), [
    (CLASS, "age", [(0, "age")]),
    (CLASS, 2, [(0, 2)]),
    (CLASS, np.int64(2), [(0, 2)]),
    (CLASS, np.str_("age"), [(0, "age")]),
    (BITS, ["a", "b"], [(0, OPINION), (0, "a"), (0, "b")]),
    (BITS, ["a", "a"], [(0, OPINION), (0, "a")]),
    (BITS, (), [(0, OPINION)]),
    (BITS, {"a"}, [(0, OPINION), (0, "a")]),
    (SELECT, 2, [(0, 2)]),
    (SELECT, "y", [(0, 1)]),
    (TOKENS, ["N", None, ABSTAIN], [(0, "N")]),
    (TOKENS, np.array([1, 0, 1]), [(0, 1), (1, 0), (2, 1)]),
    (TOKENS, [(1, 3, "N")], [(1, "N"), (2, "N")]),
    (TOKENS, {1: "N"}, [(1, "N")]),
    (TOKENS, [None, None, None], [(0, SPOKEN)]),
    (TOKENS, [], [(0, SPOKEN)]),
    (BIO, [(0, 2, "x"), (2, 3, "y")], [(0, "B-x"), (1, "I-x"), (2, "B-y")]),
    (BIO, [(0, 1, "O")], [(0, "O")]),
    (BIO, ["B-x", "I-x", "O"], [(0, "B-x"), (1, "I-x"), (2, "O")]),
    (TOKEN_BITS, [["t"], None, []], [(0, OPINION), (0, "t"), (2, OPINION)]),
    (TOKEN_BITS, [(0, 2, "t")], [(0, OPINION), (0, "t"), (1, OPINION), (1, "t")]),
    (MEMBERS, {"1": "person"}, [(1, "person")]),
    (MEMBERS, ["a", None, "b"], [(0, "a"), (2, "b")]),
    (MEMBER_BITS, {0: ["a"], 2: []}, [(0, OPINION), (0, "a"), (2, OPINION)]),
])
def test_labels(form, value, expected):
    assert read(form, value) == expected


@pytest.mark.parametrize("form", [CLASS, BITS, SELECT, TOKENS, BIO, TOKEN_BITS, MEMBERS, MEMBER_BITS])
def test_abstaining(form):
    assert read(form, None) == read(form, ABSTAIN) == []


@pytest.mark.parametrize(("form", "value", "said"), [
    (CLASS, True, "True is no class"),
    (CLASS, 1.5, "1.5 is no class"),
    (CLASS, -1, "-1 is no class"),
    (CLASS, ["age"], "['age'] is no class"),
    (BITS, "ab", "'ab' is no list of classes"),
    (BITS, {"a": 1}, "is no list of classes"),
    (BITS, 3, "3 is no list of classes"),
    (SELECT, 3, "position 3 is outside of the set of 3"),
    (SELECT, -1, "position -1 is outside"),
    (SELECT, "w", "no members have the id 'w'"),
    (SELECT, 1.0, "no position and no id"),
    (TOKENS, ["N"], "a list of 1 for 3 tokens"),
    (TOKENS, "NVN", "one label per token"),
    (TOKENS, {3: "N"}, "position 3 is outside"),
    (TOKENS, {1: "N", "1": "V"}, "has a position twice"),
    (BIO, [(0, 4, "x")], "span (0, 4) is outside"),
    (BIO, [(1, 1, "x")], "span (1, 1) is outside"),
    (BIO, [(0, 2, "x"), (1, 3, "y")], "two spans cover token 1"),
    (BIO, [(0, 2, "B-x")], "without `B-`"),
    (MEMBERS, ["a"], "a list of 1 for 3 members"),
])
def test_nonsense(form, value, said):
    with pytest.raises(AnswerError) as caught:
        read(form, value)
    assert said in str(caught.value)


def test_an_id_that_two_members_have_is_ambiguous():
    with pytest.raises(AnswerError, match="2 members"):
        read(SELECT, "x", ids=("x", "x", "y"))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
                    | st.tuples(inner, inner, inner)),
       st.sampled_from([CLASS, BITS, SELECT, TOKENS, BIO, TOKEN_BITS, MEMBERS, MEMBER_BITS]), st.integers(0, 4))
def test_any_value_is_read_or_refused(value, form, length):
    try:
        answer = read(form, value, length, [str(position) for position in range(length)])
    except AnswerError:
        return
    per_item = form.granularity != "record"
    for position, label in answer:
        assert 0 <= position < (length if per_item else 1)
        assert isinstance(label, str) or label >= 0 or label in {OPINION, SPOKEN}


@given(st.lists(st.sampled_from(["O", "x", "y"]), min_size=1, max_size=8))
def test_spans_and_lists_say_the_same(kinds):
    """A list of spans reads like the BIO list that it stands for."""
    spans, listed, start = [], [None] * len(kinds), 0
    while start < len(kinds):
        end = start + 1
        while end < len(kinds) and kinds[end] == kinds[start] != "O":
            end += 1
        spans.append((start, end, kinds[start]))
        for position in range(start, end):
            kind = kinds[start]
            listed[position] = "O" if kind == "O" else f"{'B' if position == start else 'I'}-{kind}"
        start = end
    assert read(BIO, spans, len(kinds)) == read(BIO, listed, len(kinds))
