"""Whether DVC has really put into its cache what it has just recorded.

DVC goes on when an object cannot be written (a full disk, a limit on the size
of files) and records its hash all the same: a version whose data is nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.objects import listing, object_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.project import Project

UNCACHED = "reports/"
"""Outputs below it are kept by Git."""


def refuse_incomplete(project: Project, recorded: Mapping[str, str]) -> None:
    """Stop if an object is not in the cache; the caller undoes what was recorded.

    Args:
        project: where.
        recorded: DVC's hash of each file or folder, by its path.

    Raises:
        MissingError: naming what is not there.
    """
    absent = [path for top, digest in recorded.items() for path, found in _objects(project, top, digest).items()
              if not object_path(project, found).is_file()]
    if absent:
        raise MissingError(
            f"{len(absent)} files could not be put into DVC's cache", at=", ".join(absent[:3]),
            why="the disk is full, or files of that size are not allowed there; nothing was recorded",
            fix="make room, then type it again", command="ovt gc",
        )


def lock_outputs(project: Project, stage: str) -> dict[str, str]:
    """The outputs of a stage that DVC caches, as `dvc.lock` records them now."""
    from ovt.documents import read_document

    stages = (read_document(project.root / "dvc.lock").value or {}).get("stages") or {}
    outs = (stages.get(stage) or {}).get("outs") or []
    return {out["path"]: out["md5"] for out in outs if "md5" in out and not out["path"].startswith(UNCACHED)}


def _objects(project: Project, path: str, digest: str) -> dict[str, str]:
    files = listing(project, digest) or {}
    return {path: digest, **{f"{path}/{name}": found for name, found in files.items()}}
