"""`build/predictions.parquet`: what a version predicts on dev and test beside the gold, without any text.

One row per task and record, sorted by task, split and id, with lists over the
record's items. Each (task, split) is a row group of its own, so that a reader
of `test` touches nothing else. Where a version is several networks (one per
seed), all columns speak of the first, the one that is served, and the columns
`predicted_1`, `predicted_2`, … say what the others predict; with one network
there are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import filled, view
from ovt.quality.membership import RowsByName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from ovt.quality.metrics import Form

COLUMNS = ("task", "id", "split", "slices", "tags", "gold", "predicted", "confidence", "gold_probability")
OTHER_SEED = re.compile(r"predicted_([0-9]+)")


@dataclass(frozen=True)
class GradedPredictions:
    """The predictions of one task on one split, beside their gold."""

    task: str
    form: Form
    split: str
    ids: NDArray[np.object_]
    """(n,) record ids, sorted."""
    offsets: NDArray[np.int64]
    """(n + 1,) the items of each record: one, or its tokens or members."""
    labels: tuple[str, ...]
    """What the codes stand for; a bitvector item is compact JSON of its sorted names, a select answer a position."""
    gold: NDArray[np.int32]
    """(items,) index into `labels`; -1: no gold."""
    predicted: NDArray[np.int32]
    """(items,) index into `labels`; -1: nothing could be predicted."""
    confidence: NDArray[np.float32]
    """(items,) probability of what was predicted."""
    gold_probability: NDArray[np.float32]
    """(items,) probability of the gold; NaN where there is none."""
    slices: RowsByName
    tags: RowsByName
    others: tuple[NDArray[np.int32], ...] = ()
    """(items,) `predicted` of each further seed; none where the version is one network."""

    @property
    def seeds(self) -> int:
        """How many networks answered."""
        return 1 + len(self.others)

    def by_seed(self) -> list[GradedPredictions]:
        """The answers of each network by itself; confidences are known of the first alone."""
        unknown = np.full(len(self.predicted), np.nan, np.float32)
        first = replace(self, others=())
        return [first, *(replace(first, predicted=found, confidence=unknown, gold_probability=unknown)
                         for found in self.others)]

    @cached_property
    def item_rows(self) -> NDArray[np.int64]:
        """(items,) the record that each item belongs to."""
        return np.repeat(np.arange(len(self.ids), dtype=np.int64), np.diff(self.offsets))

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """(items,) whether the prediction is the gold; False where there is no gold."""
        right: NDArray[np.bool_] = (self.gold >= 0) & (self.gold == self.predicted)
        return right

    @cached_property
    def graded(self) -> NDArray[np.bool_]:
        """(n,) records with gold on at least one item."""
        known = np.zeros(len(self.ids), bool)
        known[self.item_rows[self.gold >= 0]] = True
        return known

    def position(self, item: int) -> int:
        """Where an item stands in its record."""
        return int(item - self.offsets[self.item_rows[item]])


def with_seeds(parts: Sequence[GradedPredictions]) -> GradedPredictions:
    """One version of several networks: the first part, with what the others predict on the same records.

    Raises:
        ValueError: the parts are not about the same records and items.
    """
    first, *rest = parts
    if any(not same_items(first, part) for part in rest):
        raise ValueError(f"`{first.task}`: seeds that answered different records")
    if not rest:
        return first
    labels = tuple(sorted({label for part in parts for label in part.labels}))
    others = [_recode(codes, part.labels, labels) for part in parts for codes in (part.predicted, *part.others)]
    return replace(first, labels=labels, gold=_recode(first.gold, first.labels, labels), predicted=others[0],
                   others=tuple(others[1:]))


def same_items(a: GradedPredictions, b: GradedPredictions) -> bool:
    """Whether both are about the same records with as many items each."""
    return np.array_equal(a.ids, b.ids) and np.array_equal(a.offsets, b.offsets)


def write_predictions(path: Path, parts: Iterable[GradedPredictions]) -> None:
    """Write the file; the parts come in any order, each with as many seeds as the others."""
    import pyarrow as pa
    from pyarrow import parquet

    text, number = pa.string(), pa.list_(pa.float32())
    ordered = sorted(parts, key=lambda part: (part.task, part.split))
    others = len(ordered[0].others) if ordered else 0
    names = (*COLUMNS, *(f"predicted_{seed}" for seed in range(1, others + 1)))
    kinds = (text, text, text, *(pa.list_(text),) * 4, number, number, *(pa.list_(text),) * others)
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in ordered:
            if len(part.ids):
                writer.write_table(_to_table(part, schema), row_group_size=len(part.ids))


def read_predictions(path: Path, forms: Mapping[str, Form], split: str = "test") -> dict[str, GradedPredictions]:
    """Read one split of the file, by task.

    Args:
        path: the file.
        forms: how each task is scored, from the version's quality report; other tasks are left out.
        split: dev or test.
    """
    return {part.task: part for part in _read_parts(path, forms, split)}


def _read_parts(path: Path, forms: Mapping[str, Form], split: str) -> Iterator[GradedPredictions]:
    """One task after the other; slices and tags belong to records, so tasks with the same records share them."""
    from pyarrow import parquet

    others = _other_seeds(path)
    lists = [f"{name}.list.element" for name in ("slices", "tags", "gold", "predicted", *others)]
    records: _Records | None = None
    with parquet.ParquetFile(path, read_dictionary=lists) as file:
        groups: dict[str, list[int]] = {}
        for index in range(file.num_row_groups):
            about = file.metadata.row_group(index)
            task, found = (about.column(column).statistics.min for column in (0, 2))
            if found == split and task in forms:
                groups.setdefault(task, []).append(index)
        for task, members in groups.items():
            ids = np.array(_column(file, members, "id").to_pylist(), dtype=object)
            if records is None or not np.array_equal(records.ids, ids):
                records = _Records(ids, *(_rows_by_name(_column(file, members, name)) for name in ("slices", "tags")))
            answers = {name: _column(file, members, name) for name in (*COLUMNS[5:], *others)}
            yield _graded(answers, records, task, forms[task], split)


def _other_seeds(path: Path) -> list[str]:
    """The columns of further seeds, in their order."""
    from pyarrow import parquet

    found = [match for name in parquet.read_schema(path).names if (match := OTHER_SEED.fullmatch(name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


@dataclass(frozen=True)
class _Records:
    ids: NDArray[np.object_]
    slices: RowsByName
    tags: RowsByName


def _column(file: Any, row_groups: list[int], name: str) -> Any:
    return file.read_row_groups(row_groups, columns=[name], use_threads=False).column(0).combine_chunks()


def _to_table(part: GradedPredictions, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    n = len(part.ids)
    offsets = pa.array(part.offsets.astype(np.int32))

    def answers(codes: NDArray[np.int32]) -> pa.Array:
        index = pa.array(codes, pa.int32(), mask=codes < 0)
        return pa.ListArray.from_arrays(offsets, pa.array(part.labels, pa.string()).take(index))

    def numbers(values: NDArray[np.float32]) -> pa.Array:
        return pa.ListArray.from_arrays(offsets, pa.array(values, pa.float32(), mask=np.isnan(values)))

    return pa.Table.from_arrays([
        pa.repeat(part.task, n), pa.array(part.ids, pa.string()), pa.repeat(part.split, n),
        _name_lists(part.slices), _name_lists(part.tags), answers(part.gold), answers(part.predicted),
        numbers(part.confidence), numbers(part.gold_probability), *(answers(codes) for codes in part.others),
    ], schema=schema)


def _name_lists(rows: RowsByName) -> pa.Array:
    import pyarrow as pa

    names, codes, offsets = rows.to_lists()
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(names, pa.string()).take(pa.array(codes)))


def _graded(columns: Mapping[str, Any], records: _Records, task: str, form: Form, split: str) -> GradedPredictions:
    coded = [_codes(found) for name, found in columns.items() if name in {"gold", "predicted"} or name[-1].isdigit()]
    labels = tuple(sorted({label for names, _ in coded for label in names}))
    gold, predicted, *others = (_recode(codes, names, labels) for names, codes in coded)
    return GradedPredictions(
        task=task, form=form, split=split, ids=records.ids, offsets=_offsets(columns["predicted"]), labels=labels,
        gold=gold, predicted=predicted, others=tuple(others), confidence=_floats(columns["confidence"]),
        gold_probability=_floats(columns["gold_probability"]), slices=records.slices, tags=records.tags,
    )


def _offsets(lists: Any) -> NDArray[np.int64]:
    raw = view(lists.offsets)
    offsets: NDArray[np.int64] = (raw - raw[0]).astype(np.int64)
    return offsets


def _codes(lists: Any) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct strings of a list column and the code of each element, -1 for null."""
    values = lists.flatten()
    if not hasattr(values, "dictionary"):
        values = values.dictionary_encode()
    return values.dictionary.to_pylist(), filled(values.indices, -1).astype(np.int32)


def _recode(codes: NDArray[np.int32], names: Sequence[str], labels: tuple[str, ...]) -> NDArray[np.int32]:
    place = {label: index for index, label in enumerate(labels)}
    table = np.asarray([*(place[name] for name in names), -1], np.int32)
    return table[codes]


def _floats(lists: Any) -> NDArray[np.float32]:
    return filled(lists.flatten(), float("nan")).astype(np.float32, copy=False)


def _rows_by_name(lists: Any) -> RowsByName:
    names, codes = _codes(lists)
    return RowsByName.from_lists(names, codes, _offsets(lists))
