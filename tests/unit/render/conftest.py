"""One comparison with every verdict in it, and the quality report of a small version."""

from __future__ import annotations

import pytest

from ovt.quality.slicediff import Flip, Side, SliceDiff, SliceRow

A = Side("HEAD~1", "1f" * 20, "Add | pipes <b>and</b> @tags", "model-a", "exam")
B = Side("workspace", None, "", "model-b", "exam")


@pytest.fixture
def diff() -> SliceDiff:
    rows = (
        SliceRow("Intent", "nutrition", "accuracy", 200, 0.95, 0.8, -0.15, -0.21, -0.09, 1.23456789e-9, "regressed", 30, 0,
                 critical=True, why="p < 0.001 after correction"),
        SliceRow("IntentArg", "rare", "accuracy", 41, 0.9, 0.7, None, None, None, None, "not_comparable", 0, 2,
                 why="1 record changed gold"),
        SliceRow("Intent", "disambiguation", "accuracy", 150, 0.6, 0.75, 0.15, 0.08, 0.22, 0.0004, "improved", 1, 23,
                 why="p < 0.001 after correction"),
        SliceRow("Intent", None, "accuracy", 2000, 0.97, 0.9695, -0.0005, -0.004, 0.003, 0.8, "unclear", 11, 10,
                 why="within chance (p 0.800)"),
        SliceRow("POS", "empty", "accuracy", 0, None, None, None, None, None, None, "thin", 0, 0,
                 why="no test record with gold"),
    )
    return SliceDiff(A, B, rows, ("each version was trained once",))


@pytest.fixture
def flips() -> list[Flip]:
    return [
        Flip("Intent", "q-17", 0, "broken", "height", "height", "age", 0.912345, 0.5, ("nutrition", "rare")),
        Flip("Bits", "q-18", 3, "fixed", '["title"]', "[]", '["title"]', 0.4, 0.99, ()),
    ]
