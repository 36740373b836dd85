"""The second stage: from many sources' votes to one training target per item, and a report on the sources."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import numbers
from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.schema.spec import SPLITS
from ovt.stages.compile import STRICT_VARIABLE
from ovt.stages.earlier_models import with_earlier_models
from ovt.storage.files import safe_name, write_json
from ovt.supervision.collect import collect_votes
from ovt.supervision.collection.batches import changed_guidelines
from ovt.supervision.collection.corrected import corrections_of, with_corrections
from ovt.supervision.combine import Combined, combine_task
from ovt.supervision.posterior import save as save_learned
from ovt.supervision.reporting.augment_report import augment_report
from ovt.supervision.reporting.report import sources_report, task_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project

STAGE = "label"
SEED = 0
"""Of the label model's samples and folds; `train.seed` is for training."""


def run(project: Project, out: Path, progress: Progress, *, strict: bool = False) -> None:
    """Write `build/labels` and `reports/sources.json` below `out` (see docs/architecture.md).

    Raises:
        ProjectError: a labeling function failed, or `supervision/` is too bad.
    """
    store = Store.open(project.build / "store")
    asked_strict = strict or os.environ.get(STRICT_VARIABLE, "") not in {"", "0"}
    with with_earlier_models(project, progress):
        votes = collect_votes(project, store, progress, strict=asked_strict)
    corrections = corrections_of(project, store, progress, strict=asked_strict)
    reports: dict[str, Any] = {}
    for number, task in enumerate(store.schema.tasks):
        progress.update(STAGE, f"combining votes on {task}", number, len(store.schema.tasks))
        reports[task] = label_task(project, store, task, votes[task], out / "build/labels", corrections)
        progress.note(_told(task, reports[task]))
    for told in changed_guidelines(project):
        progress.note(told)
    write_json(out / "reports/sources.json", sources_report(reports) | _made_records(project, store, votes))


def _made_records(project: Project, store: Store, votes: Mapping[str, Votes]) -> dict[str, Any]:
    """The report's part on transformation functions and generators, where there are any."""
    if store.lineage is None:
        return {}
    from ovt.functions.discover import discover

    functions = {function.name for function in discover(project, "labeling")}
    return augment_report(project.build / "store", store, votes, functions, project.settings.gold.source)


def label_task(
    project: Project, store: Store, task: str, votes: Votes, folder: Path,
    corrections: Mapping[str, Votes] | None = None,
) -> dict[str, Any]:
    """Combine one task's votes and write its files below `folder`; its part of the report.

    Args:
        project: whose gold and settings count.
        store: the records.
        task: which.
        votes: of all sources, of all splits.
        folder: `build/labels`, or a place of its own.
        corrections: by task (see `corrections_of`); None: as the project's file has them.
    """
    found = store.schema.tasks[task]
    gold = Votes.load(project.build / "gold/dev" / f"{safe_name(task)}.arrow", store.n_items(task))
    classes = store.classes.get(task)
    facts: dict[str, Any] = {
        "kind": found.type, "n_classes": len(classes or ()), "gold": gold,
        "gold_name": project.settings.gold.source, "train_items": _train_items(store, task), "classes": classes,
        "candidates": store.candidates(task) if found.type == "select" else None,
    }
    sequences = store.item_offsets(task) if found.spans else None
    combined = combine_task(votes, **facts, sequences=sequences, spans=found.spans is not None, seed=SEED)
    corrected = (corrections_of(project, store) if corrections is None else corrections).get(task)
    votes.save(folder / f"{safe_name(task)}.votes.arrow")
    save_targets(with_corrections(combined, corrected, facts["candidates"]), folder / f"{safe_name(task)}.arrow")
    if combined.learned is not None:
        save_learned(combined.learned, folder / f"{safe_name(task)}.model.safetensors")
    return task_report(votes, combined, **facts)


def _train_items(store: Store, task: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    in_train = np.asarray(store.splits) == SPLITS.index("train")
    offsets = store.item_offsets(task)
    return in_train if offsets is None else np.repeat(in_train, np.diff(offsets))


def save_targets(combined: Combined, path: Path) -> None:
    """Write the training targets: `item`, `weight`, `probabilities`; items of weight 0 are left out."""
    import pyarrow as pa

    keep = combined.weights > 0
    values = np.ascontiguousarray(combined.probabilities, np.float32)
    if combined.offsets is None and not values.shape[1]:  # every source says "none of them", and there is no class
        keep, values = np.zeros(len(keep), bool), np.zeros((len(keep), 1), np.float32)
    if combined.offsets is None:
        listed = pa.FixedSizeListArray.from_arrays(numbers(values[keep].ravel()), values.shape[1])
    else:
        cells = np.repeat(keep, np.diff(combined.offsets))
        offsets = np.concatenate(([0], np.cumsum(np.diff(combined.offsets)[keep]))).astype(np.int32)
        listed = pa.ListArray.from_arrays(numbers(offsets), numbers(values[cells]))
    columns = [numbers(combined.items[keep].astype(np.int64, copy=False)),
               numbers(combined.weights[keep].astype(np.float32, copy=False)), listed]
    batch = pa.RecordBatch.from_arrays(columns, names=["item", "weight", "probabilities"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def _told(task: str, report: dict[str, Any]) -> str:
    model = report["label_model"]
    if model == "none":
        return f"{task}: no source votes, so there is nothing to train on"
    counts = report["items"]
    return (f"{task}: {len(report['sources'])} sources on {counts['covered']:,} of {counts['train']:,} train items, "
            f"combined by {model}")
