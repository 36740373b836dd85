"""The evaluate stage: what the model says about dev and test, beside the gold, and how good it is on each slice.

A model of several seeds is asked seed by seed; the report is about the first,
the one that is served, with the spread over all of them beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import view
from ovt.data.votes import Votes
from ovt.quality.grade import Population, Question, grade
from ovt.quality.membership import RowsByName
from ovt.quality.predictions import with_seeds, write_predictions
from ovt.quality.report import SPLIT_NAMES, flat_metrics, model_digest, quality_report, report_text
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name, write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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
    exam = ExamRoom.open(project.build)
    parts = [part for split in SPLIT_NAMES for part in exam.answers(project.model, split, progress)]
    write_predictions(out / "build/predictions.parquet", parts)
    progress.update("evaluate", "measuring quality")
    report = quality_report(parts, model_digest(project.model), exam.membership.names)
    if variants := _variants(exam, project.model, parts, progress):
        report["variants"] = variants
    write_text(out / "reports/quality.json", report_text(report))
    write_json(out / "reports/metrics.json", flat_metrics(report))
    for task in sorted(set(exam.store.schema.tasks) - set(report["tasks"])):
        progress.note(f"`{task}` has no gold in dev or test: its quality is not known")


def _variants(
    exam: ExamRoom, model: Path, parts: Sequence[GradedPredictions], progress: Progress,
) -> dict[str, Any]:
    """What the further variants of a model say; empty if it has none."""
    from ovt.quality.variants import variants_report
    from ovt.training.model_files import stale_variants, variant_name, variants_of

    others = {
        name: [part for split in SPLIT_NAMES for part in exam.answers(folder, split, progress)]
        for name, folder in variants_of(model).items()
    }
    if not others:
        return {}
    report = variants_report(parts, others, variant_name(model) or "model")
    for name in stale_variants(model):
        report["others"][name]["stale"] = True
    return report


def form_of(schema: Schema, task: str) -> Form:
    """How a task is scored."""
    found = schema.tasks[task]
    return "BIO" if found.spans else found.type


def read_tags(path: Path) -> RowsByName:
    """The rows of each tag, as the compile stage numbered them."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:  # `read_table` imports pyarrow's datasets, and those pandas
        lists = file.read(columns=["tags"]).column(0).combine_chunks()
    codes = lists.flatten().dictionary_encode()
    offsets = view(lists.offsets)
    return RowsByName.from_lists(codes.dictionary.to_pylist(), view(codes.indices), offsets - offsets[0])


@dataclass(frozen=True)
class ExamRoom:
    """Where models are examined: records, gold, slices and tags of one version. The model may be another's."""

    store: Store
    membership: Membership
    tags: RowsByName
    gold: Path
    """Folder with `dev/` and `test/`."""

    @classmethod
    def open(cls, build: Path) -> ExamRoom:
        """Of the `build/` folder of a version, as its compile stage wrote it."""
        from ovt.data.store import Store
        from ovt.slicing.membership import Membership

        store = Store.open(build / "store")
        return cls(store, Membership.load(build / "slices", store.n), read_tags(build / "tags.parquet"), build / "gold")

    def answers(
        self, model: Path, split: str, progress: Progress, weights: Sequence[Path] | None = None,
    ) -> list[GradedPredictions]:
        """What a model says about the records of a split beside their gold, by task; all its seeds together.

        Args:
            model: a model folder.
            split: dev or test.
            progress: told how far it is.
            weights: the networks to ask, the served one first; None: those of the folder.

        Raises:
            MissingError: there is no model, or it reads payloads that these records do not have.
        """
        from ovt.training.model_files import weights_of
        from ovt.training.threads import use_threads

        use_threads(1)  # a prediction is a function of the model and the record alone, however the model was trained
        rows = _rows_by_id(self.store, split)
        if not len(rows):
            return []
        networks = weights_of(model) if weights is None else list(weights)
        by_task: dict[str, list[GradedPredictions]] = {}
        for number, network in enumerate(networks):
            which = f", seed {number + 1} of {len(networks)}" if len(networks) > 1 else ""
            progress.update("evaluate", f"predicting {split}{which}")
            for part in self._one_seed(model, network, split, rows, progress):
                by_task.setdefault(part.task, []).append(part)
        return [with_seeds(parts) for _, parts in sorted(by_task.items())]

    def _one_seed(
        self, model: Path, network: Path, split: str, rows: NDArray[np.int64], progress: Progress,
    ) -> Iterator[GradedPredictions]:
        from ovt.training.predict import predict

        slices = RowsByName.from_columns(self.membership.names, self.membership.matrix[rows])
        population = Population(split, _ids(self.store, rows), slices, self.tags.take(rows).without_empty())
        place = np.full(self.store.n, -1, np.int64)
        place[rows] = np.arange(len(rows))
        answers = predict(model, self.store, rows, progress, weights=network)
        for task in sorted(answers):
            found = answers[task]
            owners = place[self.store.rows_of_items(task, found.items)]
            question = Question(task, form_of(self.store.schema, task), self.store.classes.get(task, []))
            yield grade(question, found, self._gold(split, task), owners, population)

    def _gold(self, split: str, task: str) -> Votes | None:
        path = self.gold / split / f"{safe_name(task)}.arrow"
        return Votes.load(path, self.store.n_items(task)) if path.is_file() else None


def _rows_by_id(store: Store, split: str) -> NDArray[np.int64]:
    rows = np.flatnonzero(store.splits == SPLITS.index(split))
    return rows[np.argsort(_ids(store, rows), kind="stable")]


def _ids(store: Store, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    import pyarrow as pa

    ids: NDArray[np.object_] = store.ids.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    return ids
