"""The evaluate stage: what the model says about dev and test, beside the gold, and how good it is on each slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.data.columns import view
from ovt.data.votes import Votes
from ovt.quality.grade import Population, Question, grade
from ovt.quality.membership import RowsByName
from ovt.quality.predictions import write_predictions
from ovt.quality.report import SPLIT_NAMES, flat_metrics, model_digest, quality_report
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions
    from ovt.schema.spec import Schema
    from ovt.slicing.membership import Membership


def run(project: Project, out: Path, progress: Progress) -> None:
    """Write `build/predictions.parquet`, `reports/quality.json` and `reports/metrics.json` below `out`."""
    from ovt.data.store import Store
    from ovt.slicing.membership import Membership
    from ovt.training.threads import use_threads

    use_threads(1)  # a prediction is a function of the model and the record alone, however the model was trained
    store = Store.open(project.build / "store")
    membership = Membership.load(project.build / "slices", store.n)
    tags = read_tags(project.build / "tags.parquet")
    parts: list[GradedPredictions] = []
    for split in SPLIT_NAMES:
        progress.update("evaluate", f"predicting {split}")
        parts.extend(_graded(project, store, split, membership, tags, progress))
    write_predictions(out / "build/predictions.parquet", parts)
    progress.update("evaluate", "measuring quality")
    report = quality_report(parts, model_digest(project.model), membership.names)
    write_json(out / "reports/quality.json", report)
    write_json(out / "reports/metrics.json", flat_metrics(report))
    for task in sorted(set(store.schema.tasks) - set(report["tasks"])):
        progress.note(f"`{task}` has no gold in dev or test: its quality is not known")


def form_of(schema: Schema, task: str) -> Form:
    """How a task is scored."""
    found = schema.tasks[task]
    return "BIO" if found.spans else found.type


def read_tags(path: Path) -> RowsByName:
    """The rows of each tag, as the compile stage numbered them."""
    from pyarrow import parquet

    lists = parquet.read_table(path, columns=["tags"]).column(0).combine_chunks()
    codes = lists.flatten().dictionary_encode()
    offsets = view(lists.offsets)
    return RowsByName.from_lists(codes.dictionary.to_pylist(), view(codes.indices), offsets - offsets[0])


def _graded(
    project: Project, store: Store, split: str, membership: Membership, tags: RowsByName, progress: Progress,
) -> Iterator[GradedPredictions]:
    from ovt.training.predict import predict

    rows = _rows_by_id(store, split)
    if not len(rows):
        return
    slices = RowsByName.from_columns(membership.names, membership.matrix[rows])
    population = Population(split, _ids(store, rows), slices, tags.take(rows).without_empty())
    place = np.full(store.n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    answers = predict(project.model, store, rows, progress)
    for task in sorted(answers):
        found = answers[task]
        owners = place[store.rows_of_items(task, found.items)]
        gold = _gold(project, store, split, task)
        question = Question(task, form_of(store.schema, task), store.classes.get(task, []))
        yield grade(question, found, gold, owners, population)


def _rows_by_id(store: Store, split: str) -> NDArray[np.int64]:
    rows = np.flatnonzero(store.splits == SPLITS.index(split))
    return rows[np.argsort(_ids(store, rows), kind="stable")]


def _ids(store: Store, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    import pyarrow as pa

    ids: NDArray[np.object_] = store.ids.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    return ids


def _gold(project: Project, store: Store, split: str, task: str) -> Votes | None:
    path = project.build / "gold" / split / f"{safe_name(task)}.arrow"
    return Votes.load(path, store.n_items(task)) if path.is_file() else None
