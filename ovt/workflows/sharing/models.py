"""The model folder of any version whose files are on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.project import Project
    from ovt.versions.history import Version

MODEL = "model"
REPLICATES = "replicates/"
"""Below the model: networks of other seeds, which no one serves."""


def model_files(project: Project, version: Version) -> dict[str, Path]:
    """The files of the model that is served, by path below its folder.

    Raises:
        MissingError: the version has no model, or it is not on this machine.
    """
    from ovt.versions.artifacts import output_files

    here = project.model
    if version.report == "workspace" and here.is_dir():
        found = {path.relative_to(here).as_posix(): path for path in sorted(here.rglob("*")) if path.is_file()}
    else:
        found = output_files(project, version, MODEL)
    return {name: path for name, path in found.items() if not name.startswith(REPLICATES)}


@contextmanager
def opened_model(project: Project, version: Version) -> Iterator[Path]:
    """A folder with the model's files under their names.

    Raises:
        MissingError: as for `model_files`.
    """
    from ovt.storage.files import scratch_folder

    files = model_files(project, version)
    with scratch_folder(project.private / "scratch", MODEL) as folder:
        for name, path in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(path)
        yield folder
