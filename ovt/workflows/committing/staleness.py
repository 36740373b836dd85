"""Which stages must run and why, and running, or restoring, one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ovt.stages.pipeline import StageSpec, locked_stages, stage_specs

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project

Action = Literal["ran", "restored", "unchanged"]


@dataclass(frozen=True)
class StageResult:
    """What happened to one stage."""

    name: str
    action: Action
    reason: str
    """Why it ran, in the user's words; empty if it did not."""
    seconds: float


def stale_reason(project: Project, spec: StageSpec, locked: dict[str, Any] | None) -> str | None:
    """Why a stage must run, in words; None if `dvc.lock` says that it is up to date."""
    if locked is None:
        return "never run"
    return (
        _stale_input(project, spec, locked)
        or ("this ovt computes it in another way" if locked.get("cmd") != spec.command else None)
        or ("settings changed" if _locked_settings(locked) != _settings(project, spec) else None)
        or _stale_output(project, spec, locked)
    )


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
