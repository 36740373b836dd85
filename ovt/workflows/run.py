"""`ovt run`: bring the results up to date with the inputs, doing only what is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError, nearest
from ovt.project import STAGES, Project
from ovt.stages.execution import LEAVES
from ovt.stages.pipeline import TUNING_LOCK, has_content, keep_pipeline, stage_specs
from ovt.workflows.background.estimate import remember
from ovt.workflows.committing.staleness import StageResult, bring_up_to_date
from ovt.workflows.sharing import catching_up
from ovt.workflows.sharing.catching_up import catch_up
from ovt.workflows.sharing.resolving import settle
from ovt.workflows.tuning.parents import keep_parent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.progress import Progress

BULK = ("data", "supervision", "tags")
"""Input folders that DVC tracks whole."""


@dataclass(frozen=True)
class RunResult:
    """What `ovt run` did."""

    stages: tuple[StageResult, ...]
    added: tuple[str, ...] = field(default=())
    """Bulk folders whose new content was put into DVC."""

    @property
    def did_something(self) -> bool:
        """Whether any stage ran or was restored."""
        return any(stage.action != "unchanged" for stage in self.stages)


def run_all(
    project: Project, progress: Progress, *, stages: Iterable[str] | None = None, force: bool = False,
    strict: bool = False,
) -> RunResult:
    """Run the stages whose inputs changed; restore those that DVC's run-cache knows.

    Args:
        project: where to run.
        progress: hears what happens.
        stages: only these (their inputs must be there); None: all four.
        force: run even what is up to date.
        strict: no bad record is allowed.

    Raises:
        ProjectError: an input is wrong, or changed while a stage ran.
        MissingError: the project has no data yet, or a stage that was not asked for has written nothing here.
    """
    from ovt.storage.journal import recover
    from ovt.storage.lock import project_lock

    wanted = _wanted(stages)
    if not has_content(project.root / "data") and not (project.root / "data.dvc").is_file():
        raise MissingError("no records yet", at=f"{project.root.name}/data", why="`data/` is empty",
                           fix="put *.jsonl files with records there", command="ovt add data/")
    with project_lock(project, f"ovt run ({', '.join(wanted)})", progress.note):
        for name in recover(project):
            progress.note(f"{name}: half written by a command that was killed; the version before it is back")
        settle(project, progress)
        catch_up(project, progress)
        added = track_bulk(project)
        keep_pipeline(project)
        if "train" in wanted:
            keep_parent(project, progress)
            _tune_if_needed(project, progress)
            keep_pipeline(project)
        _need_inputs(project, wanted)
        results = tuple(bring_up_to_date(project, name, progress, force=force, strict=strict) for name in wanted)
        for result in results:
            if result.action == "ran":
                remember(project, result.name, result.seconds)
    return RunResult(results, added)


def track_bulk(project: Project) -> tuple[str, ...]:
    """Put changed bulk folders into DVC; the names of those that had changed.

    Raises:
        MissingError: a folder that DVC tracks is not on this machine.
    """
    from ovt.storage.fingerprint import fingerprint, tracked_hash

    changed = []
    for name in BULK:
        folder = project.root / name
        pointer = project.root / f"{name}.dvc"
        if has_content(folder):
            if not pointer.is_file() or tracked_hash(pointer) != fingerprint(project, folder):
                changed.append(name)
        elif pointer.is_file() and not folder.is_dir():
            raise MissingError(f"`{name}/` is not on this machine", at=f"{name}.dvc",
                               why="DVC tracks it, but its content was never fetched", fix="fetch it",
                               command="ovt pull")
    if changed:
        from ovt.storage import dvc

        for name in changed:
            dvc.add(project, name)
    catching_up.remember(project)
    return tuple(changed)


def _need_inputs(project: Project, wanted: tuple[str, ...]) -> None:
    """Every stage's inputs must be here, or be written by a stage before it."""
    written: set[str] = set()
    for name, spec in stage_specs(project).items():
        if name not in wanted:
            continue
        absent = [path for path in spec.inputs if path.startswith(LEAVES) and path not in written
                  and not (project.root / path).exists()]
        if absent:
            raise MissingError(f"`{name}` has nothing to work on", at=", ".join(absent),
                               why="an earlier stage writes it, and has not run here", fix="run all stages",
                               command="ovt run")
        written.update(spec.products)


def _tune_if_needed(project: Project, progress: Progress) -> None:
    """Search, or fix the pins, where `tuning.yaml` asks for it and the lock does not answer it."""
    if not (project.root / "tuning.yaml").is_file():
        return
    from ovt.training.tuning.spec import answers

    if answers(project):
        return
    progress.note(f"{TUNING_LOCK} does not answer tuning.yaml and the schema: tuning first")
    from ovt.workflows.tuning.tune import tune

    tune(project, progress)


def _wanted(stages: Iterable[str] | None) -> tuple[str, ...]:
    chosen = tuple(stages or STAGES)
    for name in chosen:
        if name not in STAGES:
            raise UsageError(f"no stage `{name}`", why=nearest(name, STAGES), command="ovt run --help")
    return tuple(name for name in STAGES if name in chosen)
