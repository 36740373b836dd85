"""Arrow as numpy without pandas: the same values as pyarrow's own conversion, slices and nulls included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.columns import bits, filled, view

TYPES = (pa.int8(), pa.int32(), pa.int64(), pa.float32(), pa.float64())


@pytest.mark.parametrize("kind", TYPES, ids=str)
@given(values=st.lists(st.integers(-100, 100), max_size=20), start=st.integers(0, 20))
def test_numbers(kind: pa.DataType, values: list[int], start: int) -> None:
    array = pa.array(values, kind).slice(min(start, len(values)))
    assert view(array).tolist() == array.to_pylist()
    assert view(array).dtype == kind.to_pandas_dtype()


@given(values=st.lists(st.none() | st.integers(-100, 100), max_size=20), start=st.integers(0, 20))
def test_nulls_are_filled(values: list[int | None], start: int) -> None:
    array = pa.array(values, pa.int32()).slice(min(start, len(values)))
    assert filled(array, -7).tolist() == [-7 if value is None else value for value in array.to_pylist()]


@given(values=st.lists(st.booleans(), min_size=1, max_size=40), start=st.integers(0, 39))
def test_booleans(values: list[bool], start: int) -> None:
    array = pa.array(values).slice(min(start, len(values) - 1))
    assert bits(array.buffers()[1], array.offset, len(array)).tolist() == array.to_pylist()


def test_a_view_copies_nothing() -> None:
    source = np.arange(1000, dtype=np.int64)
    assert np.shares_memory(view(pa.Array.from_buffers(pa.int64(), 1000, [None, pa.py_buffer(source)])), source)
