"""A version as a project in a scratch folder: what its stages read, linked from where it lies.

Training and evaluation are functions of the stages' outputs, the settings and
the tuned values, so that a model can be trained or examined for any version
whose outputs are here, without a checkout and without touching the working
tree. The folder is gone at the end.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError
from ovt.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.versions.history import Version
    from ovt.versions.source import Source


@contextmanager
def stand_in(
    project: Project, version: Version, outputs: Sequence[str], train: dict[str, Any] | None = None,
) -> Iterator[Project]:
    """A version with some of its outputs.

    Args:
        project: through which it is read.
        version: one that has a report.
        outputs: files and folders that the stages wrote, such as `build/store`.
        train: what the settings' section `train` says instead.

    Raises:
        MissingError: an output is not on this machine.
    """
    from ovt.settings import SETTINGS_FILE
    from ovt.stages.pipeline import TUNING_LOCK
    from ovt.storage.files import scratch_folder
    from ovt.versions.artifacts import version_file
    from ovt.versions.source import source_of

    source = source_of(project, version.commit)
    with scratch_folder(project.private / "scratch", "version") as folder:
        settings = tracked_settings(source)
        settings["train"] |= train or {}
        (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        # A search that a run had to do is kept with the run.
        lock = version_file(project, version, TUNING_LOCK) or source.read(TUNING_LOCK)
        if lock is not None:
            (folder / TUNING_LOCK).write_bytes(lock)
        link_outputs(project, version, outputs, folder)
        yield Project(folder, project.cache)


def link_outputs(project: Project, version: Version, outputs: Sequence[str], folder: Path) -> None:
    """Put a version's outputs into a folder, under their names.

    Raises:
        MissingError: one is not on this machine.
    """
    for output in outputs:
        for name, path in _files(project, version, output).items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())


def tracked_settings(source: Source) -> dict[str, Any]:
    """The tracked sections of a version's settings, every default spelled out.

    Raises:
        MissingError: the version holds no project.
    """
    from ovt.versions.key import inputs_of

    inputs = inputs_of(source)
    if inputs is None:
        raise MissingError("there is no ovt project in this version", why="it has no schema")
    return dict(inputs.settings)


def bring_outputs(project: Project, version: Version, outputs: Sequence[str], progress: Progress) -> int:
    """Fetch what DVC's cache lacks of some outputs; how many objects were fetched.

    Raises:
        MissingError: no remote is set, it cannot be reached, or it does not have them.
    """
    from ovt.storage.objects import complete, default_remote
    from ovt.versions.artifacts import output_hashes

    if version.report == "workspace" and all((project.root / output).exists() for output in outputs):
        return 0
    hashes = output_hashes(project, version)
    absent = sorted({hashes[name] for name in outputs if name in hashes and not complete(project, hashes[name])})
    if not absent:
        return 0
    if default_remote(project) is None:
        raise MissingError(
            f"`{outputs[0]}` of `{version.spec}` is not on this machine", at=version.spec,
            why="DVC's cache does not have it, and no remote is set", fix="name the remote that has it",
            command="ovt remote add URL",
        )
    from ovt.storage import dvc

    progress.note(f"fetching {', '.join(outputs)} of `{version.spec}`")
    return dvc.pull_objects(project, absent, progress).moved


def _files(project: Project, version: Version, output: str) -> dict[str, Path]:
    """The files of an output, by path below the project."""
    from ovt.versions.artifacts import output_files, output_path

    here = project.root / output
    if version.report == "workspace" and here.exists():
        found = sorted(here.rglob("*")) if here.is_dir() else [here]
        return {path.relative_to(project.root).as_posix(): path for path in found if path.is_file()}
    if "." in output.rpartition("/")[2]:
        return {output: output_path(project, version, output)}
    return {f"{output}/{name}": path for name, path in output_files(project, version, output).items()}
