"""Predictions made up for tests: fixtures that are functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ovt.quality.membership import RowsByName
from ovt.quality.predictions import GradedPredictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.quality.metrics import Form


def make_graded(
    form: Form, gold: Sequence[Sequence[str | None]], predicted: Sequence[Sequence[str | None]], *,
    ids: Sequence[str] | None = None, slices: Mapping[str, Sequence[int]] | None = None,
    tags: Mapping[str, Sequence[int]] | None = None, confidence: Sequence[float] | None = None,
    gold_probability: Sequence[float] | None = None, task: str = "T", split: str = "test",
) -> GradedPredictions:
    """Gold and predictions as lists of labels per record."""
    flat_gold = [label for record in gold for label in record]
    flat_found = [label for record in predicted for label in record]
    assert [len(record) for record in gold] == [len(record) for record in predicted]
    labels = tuple(sorted({label for label in (*flat_gold, *flat_found) if label is not None}))
    code = {None: -1, **{label: index for index, label in enumerate(labels)}}
    n, m = len(gold), len(flat_gold)
    names = ids if ids is not None else [f"r{row:05d}" for row in range(n)]
    return GradedPredictions(
        task=task, form=form, split=split, ids=np.asarray(names, object),
        offsets=np.concatenate([[0], np.cumsum([len(record) for record in gold])]).astype(np.int64), labels=labels,
        gold=np.asarray([code[label] for label in flat_gold], np.int32),
        predicted=np.asarray([code[label] for label in flat_found], np.int32),
        confidence=np.asarray(confidence if confidence is not None else [0.9] * m, np.float32),
        gold_probability=np.where(
            np.asarray([label is not None for label in flat_gold], bool),
            np.asarray(gold_probability if gold_probability is not None else [0.8] * m, np.float32), np.nan,
        ).astype(np.float32),
        slices=make_rows(n, slices or {}), tags=make_rows(n, tags or {}),
    )


def make_rows(n: int, rows: Mapping[str, Sequence[int]]) -> RowsByName:
    """Names and the rows that carry them."""
    return RowsByName(n, {name: np.asarray(rows[name], np.int64) for name in sorted(rows)})


def bit_label(*parts: str) -> str:
    """A bitvector label."""
    return json.dumps(sorted(parts), separators=(",", ":"))


@pytest.fixture
def graded():
    """`make_graded`."""
    return make_graded


@pytest.fixture
def names():
    """`bit_label`."""
    return bit_label
