"""`ovt add`: the bulk goes to DVC, everything else to Git's index.

A path outside the project that holds records is copied to `data/` first.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import UsageError
from ovt.progress import Silent
from ovt.workflows.run import BULK
from ovt.workflows.sharing.catching_up import catch_up, remember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.project import Project

RECORD_ENDINGS = frozenset({".jsonl"})


@dataclass(frozen=True)
class Added:
    """What happened to each path, relative to the project."""

    copied: tuple[str, ...]
    """Files copied into the project."""
    tracked: tuple[str, ...]
    """Bulk folders put into DVC."""
    staged: tuple[str, ...]
    """Files in Git's index."""
    described: tuple[str, ...] = ()
    """Notes written beside new labels: which guideline their annotators had."""


def add(project: Project, paths: Sequence[Path], note: str | None = None) -> Added:
    """Put paths under version control.

    Args:
        project: where.
        paths: files and folders.
        note: how the labels of files in `supervision/` were collected, kept beside them.

    Raises:
        UsageError: a path does not exist, or is outside the project and holds no records.
    """
    from ovt.storage import dvc
    from ovt.storage.git import Git

    copied, bulk, plain = [], set(), []
    for path in paths:
        inside = _take_in(project, path)
        if inside != path.resolve():
            copied.append(project.shown(inside))
        top = inside.relative_to(project.root).parts[0] if inside != project.root else ""
        if top in BULK:
            bulk.add(top)
        else:
            plain.append(project.shown(inside))
    described = _describe(project, paths, note)
    if bulk:
        catch_up(project, Silent())
    for name in sorted(bulk):
        dvc.add(project, name)
    remember(project)
    staged = [*plain, *(f"{name}.dvc" for name in sorted(bulk))]
    with Git(project.root) as git:
        if (project.root / ".gitignore").is_file():
            git.run("add", "--", ".gitignore")
        git.run("add", "--", *staged)
    return Added(tuple(copied), tuple(sorted(bulk)), tuple(staged), described)


def _describe(project: Project, paths: Sequence[Path], note: str | None) -> tuple[str, ...]:
    """Keep with each new file of labels the guideline as it is now."""
    folder = project.folder("supervision")
    named = {path.resolve() for path in paths}
    if not any(path == folder or path.is_relative_to(folder) or folder.is_relative_to(path) for path in named):
        return ()
    from ovt.supervision.collection.batches import describe
    from ovt.supervision.collection.rows import supervision_files

    files = [path for path in supervision_files(folder) if any(path.is_relative_to(top) for top in named)]
    return tuple(project.shown(path) for path in describe(project, files, note))


def _take_in(project: Project, path: Path) -> Path:
    """The path inside the project: itself, or a copy in `data/`."""
    found = path.resolve()
    if not found.exists():
        raise UsageError(f"no file or folder `{path}`", fix="check the path")
    if found.is_relative_to(project.root):
        return found
    if found.suffix not in RECORD_ENDINGS:
        raise UsageError(f"`{path}` is outside the project", at=str(project.root),
                         why="only record files (*.jsonl) are copied in; `ovt init --data` converts other tables",
                         fix="copy it into the project first")
    target = project.folder("data") / found.name
    if target.exists() and target.read_bytes() != found.read_bytes():
        raise UsageError(f"data/{found.name} is there already and differs", fix="rename one of them")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(found, target)
    return target
