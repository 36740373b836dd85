"""The label model's probabilities for whoever trains elsewhere: one row per item, streamed to Parquet or JSON lines."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError, nearest
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.project import Project
    from ovt.supervision.annotation.targetfile import TargetFile

BATCH = 32_768
"""Items written at once."""
PROBABILITY = "p:"
"""Before the class in the name of a column of probabilities."""


@dataclass(frozen=True)
class TaskRow:
    """One task, as `ovt task list` shows it."""

    task: str
    type: str
    payload: str
    unit: str
    """What one label is about: record, token, member."""
    classes: int | None
    """None for select, or before anything was compiled."""
    items: dict[str, int]
    """By split; empty before anything was compiled."""
    labelled: dict[str, int]
    """Items with a target, by split; empty before the label stage ran."""
    guideline: str | None


@dataclass(frozen=True)
class Written:
    """What came of `write_labels`."""

    rows: int
    format: str


@dataclass(frozen=True)
class _Batch:
    """Some items of a task, as columns."""

    ids: list[str]
    positions: list[int | None]
    splits: list[str]
    labels: list[Any]
    weights: Any
    probabilities: Any
    """(b, k); of select a list for each item."""


def list_tasks(project: Project) -> list[TaskRow]:
    """The tasks of the workspace, in the order of the schema."""
    from ovt.data.store import Store

    store = Store.open(project.build / "store") if (project.build / "store").is_dir() else None
    rows = []
    for name, task in project.schema.tasks.items():
        known = store is not None and name in store.schema.tasks
        classes = len(store.classes[name]) if store is not None and known and task.type != "select" else None
        items = _counts(store, name) if store is not None and known else {}
        labelled = _labelled(project, store, name) if store is not None and known else {}
        rows.append(TaskRow(name, task.type, task.payload, project.schema.granularity(name), classes, items, labelled,
                            task.guideline))
    return rows


def write_labels(
    project: Project, task: str, output: Path | None, *, split: str | None = None, spec: str = "workspace",
    out: IO[str] | None = None,
) -> Written:
    """Write a task's probabilistic labels.

    Args:
        project: where.
        task: which.
        output: `*.parquet`, or any other name for JSON lines; None: JSON lines to `out`.
        split: only `train`, `dev` or `test`; None: all.
        spec: the version.
        out: a stream for JSON lines where there is no file.

    Raises:
        UsageError: no such task, split or revision.
        MissingError: the version has no labels, or they are not on this machine.
    """
    from ovt.supervision.annotation.targetfile import TargetFile

    if split not in {None, *SPLITS}:
        raise UsageError(f"no split `{split}`", why=nearest(split or "", SPLITS))
    with _opened(project, spec, task) as (store, path):
        if task not in store.schema.tasks:
            raise UsageError(f"no task `{task}`", why=nearest(task, store.schema.tasks), command="ovt task list")
        targets = TargetFile.open(path())
        batches = _batches(store, task, targets, split)
        if output is not None and output.suffix == ".parquet":
            return Written(_to_parquet(output, store, task, batches), "parquet")
        if output is None:
            assert out is not None
            return Written(_to_json(out.write, store, task, batches), "jsonl")
        with _fresh(output) as fresh, fresh.open("w", encoding="utf-8") as file:
            return Written(_to_json(file.write, store, task, batches), "jsonl")


@contextmanager
def _opened(project: Project, spec: str, task: str) -> Iterator[tuple[Store, Callable[[], Path]]]:
    """The row store of a version, and where its targets are; the workspace needs no trained model for that."""
    from ovt.data.store import Store
    from ovt.storage.files import safe_name
    from ovt.versions.artifacts import output_path
    from ovt.versions.history import resolve
    from ovt.workflows.review.votes import opened_store

    name = f"build/labels/{safe_name(task)}.arrow"
    if spec == "workspace":
        path = project.root / name

        def here() -> Path:
            if path.is_file():
                return path
            raise MissingError(f"`{task}` has no labels yet", at=name, why="the label stage has not run", fix="run it",
                               command="ovt run label")

        yield Store.open(project.build / "store"), here
        return
    version = resolve(project, spec)
    with opened_store(project, version) as store:
        yield store, lambda: output_path(project, version, name)


def _counts(store: Store, task: str) -> dict[str, int]:
    import numpy as np

    offsets = store.item_offsets(task)
    width = np.ones(store.n, np.int64) if offsets is None else np.diff(offsets)
    found = np.bincount(store.splits, width, len(SPLITS)).astype(int).tolist()
    return dict(zip(SPLITS, found, strict=True))


def _labelled(project: Project, store: Store, task: str) -> dict[str, int]:
    import numpy as np

    from ovt.storage.files import safe_name
    from ovt.supervision.annotation.targetfile import TargetFile

    path = project.build / "labels" / f"{safe_name(task)}.arrow"
    if not path.is_file():
        return {}
    rows = store.rows_of_items(task, TargetFile.open(path).items)
    if len(rows) and rows[-1] >= store.n:
        return {}  # of another compilation
    found = np.bincount(store.splits[rows], minlength=len(SPLITS)).tolist()
    return dict(zip(SPLITS, found, strict=True))


def _batches(store: Store, task: str, targets: TargetFile, split: str | None) -> Iterator[_Batch]:
    import numpy as np

    offsets = store.item_offsets(task)
    bitvector = store.schema.tasks[task].type == "bitvector"
    select = store.schema.tasks[task].type == "select"
    classes = store.classes.get(task) or []
    for start in range(0, len(targets.items), BATCH):
        stop = min(start + BATCH, len(targets.items))
        items = targets.items[start:stop]
        rows = store.rows_of_items(task, items)
        keep = np.flatnonzero(store.splits[rows] == SPLITS.index(split)) if split else np.arange(len(rows))
        if not len(keep):
            continue
        first, last = int(rows[0]), int(rows[-1]) + 1
        ids = store.ids.slice(first, last - first).to_pylist()
        rows = rows[keep]
        table: Any = targets.values[targets.offsets[start]:targets.offsets[stop]]
        if select:
            cuts = (targets.offsets[start:stop + 1] - targets.offsets[start]).tolist()
            table = [table[cuts[at]:cuts[at + 1]].tolist() for at in keep.tolist()]
            labels = [max(range(len(chances)), key=chances.__getitem__) if chances else None for chances in table]
        else:
            table = table.reshape(stop - start, -1)[keep]
            labels = _names(table, classes, bitvector=bitvector)
        yield _Batch(
            [ids[row - first] for row in rows.tolist()],
            [None] * len(rows) if offsets is None else (items[keep] - offsets[rows]).tolist(),
            [SPLITS[code] for code in store.splits[rows].tolist()], labels, targets.weights[start:stop][keep], table,
        )


def _names(table: Any, classes: list[str], *, bitvector: bool) -> list[Any]:
    if bitvector:
        return [[classes[at] for at in (chances >= 0.5).nonzero()[0].tolist()] for chances in table]
    return [classes[at] for at in table.argmax(axis=1).tolist()]


def _to_json(write: Callable[[str], object], store: Store, task: str, batches: Iterator[_Batch]) -> int:
    classes = store.classes.get(task)
    count = 0
    for batch in batches:
        weights = batch.weights.tolist()
        for at, identity in enumerate(batch.ids):
            chances = [round(float(chance), 6) for chance in batch.probabilities[at]]
            row = {
                "id": identity, "position": batch.positions[at], "split": batch.splits[at], "label": batch.labels[at],
                "probabilities": chances if classes is None else dict(zip(classes, chances, strict=True)),
                "weight": weights[at],
            }
            write(json.dumps(row, ensure_ascii=False) + "\n")
        count += len(batch.ids)
    return count


def _to_parquet(output: Path, store: Store, task: str, batches: Iterator[_Batch]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    classes, kind = store.classes.get(task), store.schema.tasks[task].type
    label = pa.int32() if kind == "select" else pa.list_(pa.string()) if kind == "bitvector" else pa.string()
    chances = ([("probabilities", pa.list_(pa.float32()))] if classes is None
               else [(f"{PROBABILITY}{name}", pa.float32()) for name in classes])
    schema = pa.schema([("id", pa.string()), ("position", pa.int32()), ("split", pa.string()), ("label", label),
                        ("weight", pa.float32()), *chances])
    count = 0
    with _fresh(output) as path, pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            listed = [batch.probabilities] if classes is None else list(batch.probabilities.T)
            columns = [batch.ids, batch.positions, batch.splits, batch.labels, batch.weights, *listed]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            count += len(batch.ids)
    return count


@contextmanager
def _fresh(output: Path) -> Iterator[Path]:
    """A file beside the output that takes its place when it is whole."""
    if not output.parent.is_dir():
        raise MissingError(f"no folder `{output.parent}`", fix="make it first", command=f"mkdir -p {output.parent}")
    path = output.with_name(f".{output.name}.part")
    try:
        yield path
        path.replace(output)
    finally:
        path.unlink(missing_ok=True)
