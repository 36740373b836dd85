"""Splits that never move, tags by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ovt.data.records import Flaw
from ovt.data.tags import TagSets, TagTable, TagWriter, stable_split

if TYPE_CHECKING:
    from pathlib import Path


def test_the_stable_split_is_eighty_ten_ten() -> None:
    counts = np.bincount([stable_split(f"q-{number}") for number in range(20_000)])
    assert counts / 20_000 == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_the_stable_split_is_the_same_everywhere() -> None:
    assert [stable_split(f"q-{number}") for number in range(12)] == [2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]


def test_equal_tags_are_one_combination() -> None:
    tags = TagSets({"b": ["y", "dev"]})
    first, second, none = tags.of("a", ["dev", "y"]), tags.of("b", None), tags.of("c", [])
    assert (first.split, first.names) == (second.split, second.names) == (1, ("y",))
    assert (none.split, none.names) == (None, ())


def test_two_splits_are_refused() -> None:
    with pytest.raises(Flaw, match="`dev` and `test`"):
        TagSets().of("a", ["test", "x", "dev"])


@pytest.fixture
def table(tmp_path: Path) -> TagTable:
    """Four records in two shards."""
    import pyarrow as pa

    sets = TagSets()
    found = [sets.of(name, tags) for name, tags in (("a", ["z", "train"]), ("b", []), ("c", ["z", "b"]), ("d", []))]
    writer = TagWriter(tmp_path / "tags.parquet", sets)
    for part in (slice(0, 3), slice(3, 4)):
        numbers = np.array([one.number for one in found[part]])
        writer.add(pa.array(list("abcd")[part]), np.array([0, 1, 2, 0], np.int8)[part], numbers)
    writer.close()
    return TagTable.load(tmp_path / "tags.parquet")


def test_tags_come_back_by_row_with_the_split_first(table: TagTable) -> None:
    assert table.rows(0, 4) == [["train", "z"], ["dev"], ["test", "b", "z"], ["train"]]
    assert table.rows(2, 3) == [["test", "b", "z"]]


def test_a_tag_is_a_mask_over_rows(table: TagTable) -> None:
    assert table.all_names() == ["b", "z"]
    assert table.mask("z").tolist() == [True, False, True, False]
    assert table.mask("train").tolist() == [True, False, False, True]
    assert not table.mask("unknown").any()


def test_pandas_reads_the_file(table: TagTable, tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_parquet(tmp_path / "tags.parquet")
    assert list(frame.columns) == ["id", "split", "tags"]
    assert frame["split"].tolist() == ["train", "dev", "test", "train"]
    assert [list(tags) for tags in frame["tags"]] == [["z"], [], ["b", "z"], []]
