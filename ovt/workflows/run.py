"""`ovt run`: bring the results up to date with the inputs, doing only what is needed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ovt.errors import MissingError, UsageError, nearest
from ovt.project import STAGES, Project
from ovt.stages.pipeline import TUNING_LOCK, StageSpec, has_content, keep_pipeline, locked_stages, stage_specs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.progress import Progress

Action = Literal["ran", "restored", "unchanged"]
BULK = ("data", "supervision", "tags")
"""Input folders that DVC tracks whole."""


@dataclass(frozen=True)
class StageResult:
    """What happened to one stage."""

    name: str
    action: Action
    reason: str
    """Why it ran, in the user's words; empty if it did not."""
    seconds: float


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
        MissingError: the project has no data yet.
    """
    from ovt.storage.lock import project_lock

    wanted = _wanted(stages)
    if not has_content(project.root / "data") and not (project.root / "data.dvc").is_file():
        raise MissingError("no records yet", at=f"{project.root.name}/data", why="`data/` is empty",
                           fix="put *.jsonl files with records there", command="ovt add data/")
    with project_lock(project, f"ovt run ({', '.join(wanted)})", progress.note):
        added = track_bulk(project)
        keep_pipeline(project)
        if "train" in wanted:
            _tune_if_needed(project, progress)
            keep_pipeline(project)
        results = tuple(bring_up_to_date(project, name, progress, force=force, strict=strict) for name in wanted)
    return RunResult(results, added)


def stale_reason(project: Project, spec: StageSpec, locked: dict[str, Any] | None) -> str | None:
    """Why a stage must run, in words; None if `dvc.lock` says that it is up to date."""
    if locked is None:
        return "never run"
    return (
        _stale_input(project, spec, locked)
        or ("settings changed" if _locked_settings(locked) != _settings(project, spec) else None)
        or _stale_output(project, spec, locked)
    )


def _stale_input(project: Project, spec: StageSpec, locked: dict[str, Any]) -> str | None:
    from ovt.storage.fingerprint import fingerprint

    for relative in sorted(spec.inputs):
        recorded = _recorded(locked, "deps", relative)
        if recorded is None:
            return f"new input {relative}"
        if fingerprint(project, project.root / relative) != recorded:
            return f"{relative} changed"
    gone = {entry["path"] for entry in locked.get("deps", [])} - set(spec.inputs)
    return f"{min(gone)} is gone" if gone else None


def _stale_output(project: Project, spec: StageSpec, locked: dict[str, Any]) -> str | None:
    from ovt.storage.fingerprint import fingerprint

    for relative in sorted(spec.products):
        path = project.root / relative
        if not path.exists():
            return f"{relative} is missing"
        if fingerprint(project, path) != _recorded(locked, "outs", relative):
            return f"{relative} is not what was recorded"
    return None


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
    return tuple(changed)


def bring_up_to_date(
    project: Project, name: str, progress: Progress, *, force: bool = False, strict: bool = False,
) -> StageResult:
    """Run one stage if it is stale, or restore it if DVC's run-cache knows its inputs."""
    spec = stage_specs(project)[name]
    reason = stale_reason(project, spec, locked_stages(project).get(name))
    if reason is None and not force:
        return StageResult(name, "unchanged", "", 0.0)
    from ovt.storage import dvc

    started = time.perf_counter()
    if not force and dvc.restore_from_run_cache(project, name):
        return StageResult(name, "restored", reason or "", time.perf_counter() - started)
    from ovt.stages.execution import run_stage

    progress.update(name, reason or "forced")
    run_stage(name, project, progress, strict=strict)
    progress.update(name, "recording")
    dvc.record_stage(project, name)
    return StageResult(name, "ran", reason or "forced", time.perf_counter() - started)


def _tune_if_needed(project: Project, progress: Progress) -> None:
    """Search, or fix the pins, where `tuning.yaml` asks for it and the lock does not answer it."""
    if not (project.root / "tuning.yaml").is_file():
        return
    from ovt.training.spec import answers

    if answers(project):
        return
    progress.note(f"{TUNING_LOCK} does not answer tuning.yaml and the schema: tuning first")
    from ovt.workflows.tune import tune

    tune(project, progress)


def _wanted(stages: Iterable[str] | None) -> tuple[str, ...]:
    chosen = tuple(stages or STAGES)
    for name in chosen:
        if name not in STAGES:
            raise UsageError(f"no stage `{name}`", why=nearest(name, STAGES), command="ovt run --help")
    return tuple(name for name in STAGES if name in chosen)


def _recorded(locked: dict[str, Any], part: str, relative: str) -> str | None:
    for entry in locked.get(part, []):
        if entry.get("path") == relative:
            return str(entry["md5"]) if "md5" in entry else None
    return None


def _locked_settings(locked: dict[str, Any]) -> dict[str, Any]:
    return dict((locked.get("params") or {}).get("ovt.yaml") or {})


def _settings(project: Project, spec: StageSpec) -> dict[str, Any]:
    from ovt.documents import read_document

    if not spec.settings:
        return {}
    values = read_document(project.root / "ovt.yaml").value
    return {name: values[name] for name in spec.settings}
