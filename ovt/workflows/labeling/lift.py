"""What the records that one function made are good for: the model with and without them, on the same dev records.

Both models are made from the working tree as it is, below `.ovt/`; votes and
made records come from the project's cache. Nothing outside `.ovt/` is written.
Where the project's own results are up to date, they are the model *with* the
records and only the other one is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError, nearest
from ovt.project import STAGES, Project
from ovt.storage.files import scratch_folder

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.quality.slicediff import SliceRow


@dataclass(frozen=True)
class Lift:
    """A comparison of the model with a function's records (`new`) and without them (`old`)."""

    source: str
    kind: str
    records: int
    """Train records that it made and that were kept."""
    rows: tuple[SliceRow, ...]
    """Per task: all dev records with gold, then slices with a verdict; `delta` is the lift, its interval is paired."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm(Project):
    """The project's inputs, with results of its own."""

    place: Path = Path()

    @property
    def build(self) -> Path:
        """Of this arm."""
        return self.place / "build"

    @property
    def model(self) -> Path:
        """Of this arm."""
        return self.place / "model"

    @property
    def reports(self) -> Path:
        """Of this arm."""
        return self.place / "reports"

    @property
    def private(self) -> Path:
        """Of this arm."""
        return self.place / ".ovt"


def measure_lift(project: Project, name: str, progress: Progress) -> Lift:
    """Train with and without what a transformation function or generator makes, and compare on dev.

    Raises:
        UsageError: there is no such function.
        MissingError: no dev record has gold.
        ProjectError: the project cannot be compiled, labelled or trained.
    """
    from ovt.functions.augmentation.augmenters import discover_augmenters

    known = {augmenter.name: augmenter for augmenter in discover_augmenters(project)}
    if name not in known:
        raise UsageError(f"no transformation function or generator `{name}`", why=nearest(name, known),
                         fix="lift is measured for sources that make records", command="ovt source list")
    with scratch_folder(project.private / "lift", "lift") as folder:
        fresh = _is_fresh(project)
        with_it = project if fresh else _trained(project, folder / "with", frozenset(), progress)
        without = _trained(project, folder / "without", frozenset({name}), progress)
        rows, notes = _compared(project, without, with_it, name, progress)
        return Lift(name, known[name].function.kind, _records(with_it, name), rows, notes)


def _is_fresh(project: Project) -> bool:
    """Whether the results in the working tree are those of its inputs."""
    from ovt.stages.pipeline import locked_stages, stage_specs
    from ovt.workflows.committing.staleness import stale_reason

    locked, specs = locked_stages(project), stage_specs(project)
    return all(stale_reason(project, specs[stage], locked.get(stage)) is None for stage in STAGES)


def _trained(project: Project, place: Path, without: frozenset[str], progress: Progress) -> Arm:
    from ovt.stages import compile as compile_stage
    from ovt.stages import label, train

    place.mkdir()
    arm = Arm(project.root, project.cache, place)
    word = f"without {min(without)}" if without else "with all records"
    progress.note(f"training {word}")
    listener = _Steps(progress)
    compile_stage.run(arm, place, listener, without=without)
    label.run(arm, place, listener)
    train.run(arm, place, listener)
    return arm


class _Steps:
    """Passes on how far a stage is; what the stages note was said when the project itself was run."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on."""
        self._progress.update(stage, message, done, total)

    def note(self, text: str) -> None:
        """Leave it out."""


def _compared(
    project: Project, without: Project, with_it: Project, name: str, progress: Progress,
) -> tuple[tuple[SliceRow, ...], tuple[str, ...]]:
    from ovt.quality.compare import Measured, compare_versions
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.report import model_digest
    from ovt.quality.slicediff import Side
    from ovt.settings import Check
    from ovt.stages.evaluate import ExamRoom

    sides = []
    for arm, word in ((without, f"without {name}"), (with_it, f"with {name}")):
        exam = ExamRoom.open(arm.build)
        answers = {part.task: part for part in exam.answers(arm.model, "dev", progress) if part.graded.any()}
        side = Side(word, None, "", model_digest(arm.model), "dev")
        sides.append(Measured(side, answers, frozenset(exam.membership.names)))
    if not sides[0].tasks and not sides[1].tasks:
        raise MissingError("no dev record has gold", at=str(project.folder("data")), why="lift is measured on dev",
                           fix="label some dev records", command="ovt annotate export --strategy random")
    # What the team asks of a version (minima, critical slices) is no question here: only the difference is.
    asked = Check(confidence=project.settings.check.confidence, min_support=project.settings.check.min_support)
    diff = compare_versions(sides[0], sides[1], Policy.of(asked))
    overall = [row for row in diff.rows if row.slice is None]
    telling = [row for row in diff.rows if row.slice is not None and row.verdict in {"regressed", "improved"}]
    rows = (*sorted(overall, key=lambda row: row.task), *telling)
    notes = [] if project.settings.train.replicates > 1 else [
        "each model was trained once: a lift within what another seed would do is none (`train.replicates`)"]
    return rows, (*diff.notes, *notes)


def _records(project: Project, name: str) -> int:
    from ovt.data.lineage import read_summaries

    return sum(summary.kept for summary in read_summaries(project.build / "store") if summary.name == name)
