from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.membership import RowsByName

ROWS = st.lists(st.sets(st.sampled_from(["a", "b", "ç", "d:1"])), max_size=12)


def by_lists(rows) -> RowsByName:
    known = ["d:1", "a", "ç", "b"]
    codes = [known.index(name) for row in rows for name in sorted(row)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return RowsByName.from_lists(known, np.asarray(codes, np.int64), offsets)


@given(ROWS)
def test_lists_and_columns_and_back(rows) -> None:
    found = by_lists(rows)
    assert found.names_by_row() == [tuple(sorted(row)) for row in rows]
    columns = np.asarray([[name in row for name in ("b", "a")] for row in rows], bool).reshape(len(rows), 2)
    again = RowsByName.from_columns(("b", "a"), columns)
    assert list(again.rows) == ["a", "b"]
    for name in ("a", "b"):
        np.testing.assert_array_equal(found.of(name), again.of(name))
        np.testing.assert_array_equal(found.mask(name), columns[:, ("b", "a").index(name)])


@given(ROWS, st.randoms())
def test_take_renumbers(rows, random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    order = order[: len(order) // 2]
    taken = by_lists(rows).take(np.asarray(order, np.int64))
    assert taken.names_by_row() == [tuple(sorted(rows[index])) for index in order]


def test_unknown_names_and_names_without_rows() -> None:
    found = by_lists([{"a"}])
    assert found.of("nobody").tolist() == []
    assert list(found.rows) == ["a", "b", "d:1", "ç"]
    assert list(found.without_empty().rows) == ["a"]
