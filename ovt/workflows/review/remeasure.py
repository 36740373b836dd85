"""The base on the exam of today: where test records, gold or slices changed, its model is run again on the new ones.

The model brings its own vocabulary and classes; the newer version brings
records, gold, slices and tags. All of the newer test set is predicted, not
only what changed, so that one run gives every row. The predictions are kept in
`.ovt/cache/exams/` under the digests of all that they are a function of.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ovt.errors import OvtError
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.predictions import GradedPredictions
    from ovt.quality.slicediff import SliceDiff, SliceRow
    from ovt.stages.evaluate import ExamRoom
    from ovt.workflows.review.opened import Opened

FOLDER = "exams"
FORMAT = "exams/1"
MODEL = ("model",)
EXAM = ("build/store", "build/gold/test", "build/slices", "build/tags.parquet")
"""What an exam is made of."""


@dataclass(frozen=True)
class Remeasured:
    """The base's answers to the newer version's questions, on the tasks that both have."""

    parts: dict[str, GradedPredictions]
    notes: tuple[str, ...]
    """What the reader must know: classes that the base could not have answered."""


@dataclass(frozen=True)
class Fetching:
    """Who hears about the work, and whether anything may be fetched for it."""

    progress: Progress
    allowed: bool = True


def can_help(diff: SliceDiff, after: Opened) -> bool:
    """Whether some row that is left open may be answered by the base on the newer exam."""
    return any(row.task in after.forms and (row.slice is None or row.slice in after.slices)
               for row in diff.not_comparable())


def remeasure(project: Project, before: Opened, after: Opened, fetching: Fetching) -> Remeasured:
    """Run the base on the newer version's test set, or read what that gave last time.

    Raises:
        OvtError: model or records are not on this machine and cannot be fetched, or the model cannot read them.
    """
    kept = kept_exam(project, before, after)
    if not kept.is_file():
        if fetching.allowed:
            from ovt.workflows.review.stand_in import bring_outputs

            bring_outputs(project, before.version, MODEL, fetching.progress)
            bring_outputs(project, after.version, EXAM, fetching.progress)
        _examine(project, before, after, kept, fetching.progress)
    return _read(kept, after)


def known_answers(project: Project, before: Opened, after: Opened) -> dict[str, GradedPredictions]:
    """The base's answers on the newer exam if it has been run there before; nothing otherwise."""
    if not (project.cache / FOLDER).is_dir():
        return {}
    kept = kept_exam(project, before, after)
    return _read(kept, after).parts if kept.is_file() else {}


def kept_exam(project: Project, before: Opened, after: Opened) -> Path:
    """Where the base's answers to the newer exam are kept."""
    from ovt.stages.pipeline import FORMATS
    from ovt.versions.artifacts import output_hashes

    model, exam = output_hashes(project, before.version), output_hashes(project, after.version)
    about = {
        "format": FORMAT, "evaluate": FORMATS["evaluate"], "model": {name: model.get(name) for name in MODEL},
        "seeds": [before.version.key, sorted(before.seeds)], "exam": {name: exam.get(name) for name in EXAM},
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return project.cache / FOLDER / f"{digest}.parquet"


def told(diff: SliceDiff, first: SliceDiff, notes: Sequence[str]) -> SliceDiff:
    """The comparison with its rows marked that could not be made before, and why they could not.

    Args:
        diff: with the base run again.
        first: with the base's own predictions.
        notes: what else the reader must know of the run.
    """
    open_rows = {(row.task, row.slice): row for row in first.not_comparable()}
    rows = tuple(_marked(row, open_rows, diff.a.name) for row in diff.rows)
    again = sum(row.remeasured for row in rows)
    if not again:
        return diff
    note = (f"the model of `{diff.a.name}` was run again on the test set of `{diff.b.name}`: {_rows(again)} had other "
            f"records, gold or members; {_rows(len(rows) - again)} did not")
    return replace(diff, rows=rows, notes=(*diff.notes, note, *notes))


def not_told(first: SliceDiff, error: OvtError) -> SliceDiff:
    """The comparison as it was, with why the base could not be run again and what to type."""
    command = f"; try `{error.command}`" if error.command else ""
    why = f": {error.why}" if error.why else ""
    note = f"the model of `{first.a.name}` was not run again on the new test set: {error.what}{why}{command}"
    return replace(first, notes=(*first.notes, note))


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _marked(row: SliceRow, open_rows: Mapping[tuple[str, str | None], SliceRow], base: str) -> SliceRow:
    first = open_rows.get((row.task, row.slice))
    if first is None or row.verdict == "not_comparable":
        return row
    # A slice that one side lacks is told by that side's name, here of the base itself.
    reason = "it had no such slice" if first.why.startswith(f"{base} has no slice") else first.why
    return replace(row, remeasured=True, why=f"{row.why}; `{base}` measured again: {reason}")


def _examine(project: Project, before: Opened, after: Opened, kept: Path, progress: Progress) -> None:
    from ovt.quality.predictions import write_predictions
    from ovt.stages.evaluate import ExamRoom
    from ovt.storage.files import write_bytes
    from ovt.training.model_files import weights_of
    from ovt.workflows.review.extra_seeds import kept_weights
    from ovt.workflows.review.stand_in import link_outputs, stand_in

    with stand_in(project, after.version, EXAM) as there:
        link_outputs(project, before.version, MODEL, there.root)
        room = ExamRoom.open(there.build)
        weights = [*weights_of(there.model), *kept_weights(project, before.version)]
        parts = room.answers(there.model, "test", progress, weights)
        write_predictions(there.root / "answers.parquet", parts)
        write_bytes(kept.with_suffix(".json"), json.dumps(_unknown(there.model, room, parts)).encode())
        write_bytes(kept, (there.root / "answers.parquet").read_bytes())


def _unknown(model: Path, room: ExamRoom, parts: Sequence[GradedPredictions]) -> dict[str, list[str]]:
    """By task, the classes of the newer version that the model has never heard of."""
    from ovt.training.model_files import CONFIG

    own = json.loads((model / CONFIG).read_text(encoding="utf-8"))["classes"]
    return {part.task: gone for part in parts
            if (gone := sorted(set(room.store.classes.get(part.task, [])) - set(own.get(part.task, []))))}


def _read(kept: Path, after: Opened) -> Remeasured:
    from ovt.quality.predictions import read_predictions

    unknown = json.loads(kept.with_suffix(".json").read_bytes())
    notes = tuple(
        f"the base does not know {', '.join(f'`{name}`' for name in names)} of `{task}`: it gets such records wrong"
        for task, names in sorted(unknown.items())
    )
    parts = {task: part for task, part in read_predictions(kept, after.forms).items() if part.graded.any()}
    return Remeasured(parts, notes)
