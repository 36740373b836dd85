"""Models of other versions, laid out from DVC's cache by the hash of their folder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ovt.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.project import Project


def lay_out(project: Project, model: str, folder: Path) -> bool:
    """Links to a model's files, under their names; False if DVC's cache lacks any of them."""
    from ovt.storage.objects import listing, object_path

    for home in _homes(project):
        files = listing(home, model)
        paths = {name: object_path(home, digest) for name, digest in (files or {}).items()}
        if files is None or not all(path.is_file() for path in paths.values()):
            continue
        for name, path in paths.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(path.resolve())
        return True
    return False


@contextmanager
def parent_folder(project: Project, model: str | None) -> Iterator[Path | None]:
    """The folder of the model that training starts from; None if it starts from scratch.

    Raises:
        MissingError: the model is not on this machine.
    """
    from ovt.storage.files import scratch_folder

    if model is None:
        yield None
        return
    with scratch_folder(project.private / "scratch", "parent") as folder:
        if not lay_out(project, model, folder):
            raise MissingError(f"the model {model[:8]}, which training starts from, is not on this machine",
                               at="tuning.lock.yaml", why="DVC's cache does not have it", fix="fetch it",
                               command="ovt pull")
        yield folder


def _homes(project: Project) -> Iterator[Project]:
    """Where a cache may be: the project's own, and that of the project whose working files it shares."""
    from ovt.project import Project

    yield project
    if project.shared_cache is not None and project.shared_cache.parent.name == ".ovt":
        yield Project(project.shared_cache.parent.parent)
