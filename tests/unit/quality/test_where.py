from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.errors import UsageError
from ovt.quality.membership import RowsByName
from ovt.quality.where import mask, names_in, parse

N = 8
SLICES = RowsByName(N, {"a": np.asarray([0, 1, 2, 3]), "both": np.asarray([0]), "long words": np.asarray([5, 6])})
TAGS = RowsByName(N, {"b": np.asarray([0, 1, 4, 5]), "both": np.asarray([7]), "date:2019-09": np.asarray([0, 2, 4, 6])})


def rows(text: str) -> list[int]:
    return np.flatnonzero(mask(parse(text), SLICES, TAGS, ("empty",))).tolist()


@pytest.mark.parametrize(("text", "expected"), [
    ("a", [0, 1, 2, 3]), ("a & b", [0, 1]), ("a|b", [0, 1, 2, 3, 4, 5]), ("!a", [4, 5, 6, 7]),
    ("a & !b", [2, 3]), ("a | b & date:2019-09", [0, 1, 2, 3, 4]), ("(a | b) & date:2019-09", [0, 2, 4]),
    ("both", [0]), ("tag:both", [7]), ("slice:both", [0]), ("'long words' | both", [0, 5, 6]), ("!!a", [0, 1, 2, 3]),
    ("empty", []), ("!(a|b)", [6, 7]), ('"a"', [0, 1, 2, 3]),
])
def test_meaning(text: str, expected: list[int]) -> None:
    assert rows(text) == expected


@pytest.mark.parametrize(("text", "why"), [
    ("", "expected here"), ("a &", "expected here"), ("(a", "not closed"), ("a b", "not expected"), ("'a", "quote"),
    ("a)", "not expected"), ("& a", "expected here"), ("!", "expected here"),
])
def test_what_is_no_expression_is_shown_where(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert why in (caught.value.why or "")
    assert (caught.value.at or "").startswith("character ")


def test_an_unknown_name_has_a_neighbour() -> None:
    with pytest.raises(UsageError, match="no slice and no tag `date:2019-9`") as caught:
        rows("a & date:2019-9")
    assert caught.value.why == "did you mean `date:2019-09`?"


TREES = st.recursive(
    st.sampled_from(["a", "b", "both", "date:2019-09"]).map(lambda name: (name, name)),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"!({one[0]})", f"(not ({one[1]}))")),
        st.tuples(inner, st.sampled_from(["&", "|"]), inner).map(
            lambda three: (f"({three[0][0]}) {three[1]} ({three[2][0]})",
                           f"(({three[0][1]}) {'and' if three[1] == '&' else 'or'} ({three[2][1]}))")),
    ), max_leaves=8,
)


@given(TREES)
def test_any_expression_means_what_python_says(tree) -> None:
    text, python = tree
    names = {"a": SLICES.mask("a"), "b": TAGS.mask("b"), "both": SLICES.mask("both"),
             "date:2019-09": TAGS.mask("date:2019-09")}
    code = python.replace("date:2019-09", "date")
    expected = [bool(eval(code, {}, {name.partition(":")[0]: bool(found[row]) for name, found in names.items()}))
                for row in range(N)]
    assert mask(parse(text), SLICES, TAGS).tolist() == expected
    assert set(names_in(parse(text))) <= names.keys()
