"""Running one stage so that a crash, or a file edited meanwhile, records nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ovt.errors import ProjectError, UsageError, nearest
from ovt.project import STAGES, Project
from ovt.stages.pipeline import StageSpec, stage_specs
from ovt.storage.files import scratch_folder, swap_in

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress

READS_ROWS = frozenset({"compile", "label"})
"""Stages that read rows which people wrote, and so may meet bad ones."""
LEAVES = ("build/", "model")
"""Paths that other stages write; everything else is an input that a person may edit at any time."""


def run_stage(name: str, project: Project, progress: Progress, *, strict: bool = False) -> StageSpec:
    """Run one stage and put its outputs in place.

    The stage writes below a scratch folder on the same file system; only when
    it is done and its inputs are what they were when it began do the outputs
    replace the old ones.

    Raises:
        UsageError: no such stage.
        ProjectError: the inputs changed while it ran; nothing was replaced.
    """
    if name not in STAGES:
        raise UsageError(f"no stage `{name}`", why=nearest(name, STAGES), command="ovt run --help")
    spec = stage_specs(project)[name]
    module = import_module(f"ovt.stages.{name}")
    before = _leaf_prints(project, spec)
    with scratch_folder(project.private / "scratch", name) as out:
        if name in READS_ROWS:
            module.run(project, out, progress, strict=strict)
        else:
            module.run(project, out, progress)
        moved = sorted(path for path, value in _leaf_prints(project, spec).items() if before.get(path) != value)
        if moved:
            raise ProjectError(
                f"inputs changed while `{name}` ran", at=", ".join(moved),
                why="its result would belong to neither state, so nothing was recorded",
                fix="run it again", command="ovt run",
            )
        _swap(project.root, out, spec)
    return spec


def _swap(root: Path, out: Path, spec: StageSpec) -> None:
    for relative in spec.products:
        fresh = out / relative
        if not fresh.exists():
            fresh.mkdir(parents=True)
        swap_in(fresh, root / relative)


def _leaf_prints(project: Project, spec: StageSpec) -> dict[str, str]:
    from ovt.storage.fingerprint import fingerprint

    leaves = [path for path in spec.inputs if not path.startswith(LEAVES)]
    return {path: fingerprint(project, project.root / path) or "missing" for path in leaves}
