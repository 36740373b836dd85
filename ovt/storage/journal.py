"""Files that DVC rewrites in place, kept so that a killed process leaves the old ones.

DVC truncates `dvc.lock` and `.dvc` files before it writes them. Whoever lets it
do so keeps a copy first and drops it afterwards; a copy that is still there
belongs to a process that was killed, and goes back before anything else is done.
The files that DVC was just linking into data and outputs then lie there under
temporary names, which it would take for somebody's work: they go too.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.storage.files import write_bytes
from ovt.storage.lock import project_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project

FOLDER = "journal"
SUFFIX = ".copy"
"""Behind the name of a copy: DVC takes any file named `*.dvc` for its own, wherever it lies."""
PRIVATE = frozenset({".git", ".dvc", ".ovt"})
TEMPORARY = re.compile(r"\.[0-9A-Za-z_-]{22}\.tmp")
"""What DVC names a file that it has not finished."""
KEPT, ABSENT = b"kept\n", b"absent\n"
"""First line of a copy: the file's content follows, or there was no file."""


@contextmanager
def kept(project: Project, *names: str) -> Iterator[None]:
    """Keep files of the project's root while DVC writes them; an exception or a kill in between undoes that.

    `dvc.lock` is always among them.
    """
    names = tuple(dict.fromkeys(("dvc.lock", *names)))
    with project_lock(project, f"writing {', '.join(names)}"):
        recover(project)
        for name in names:
            path = project.root / name
            content = KEPT + path.read_bytes() if path.is_file() else ABSENT
            write_bytes(_copy(project, name), content)
        try:
            yield
        except BaseException:
            recover(project)
            raise
        for name in names:
            _copy(project, name).unlink()


def left_behind(project: Project) -> tuple[str, ...]:
    """Names of the files that are being written now, or were when a process was killed."""
    folder = project.private / FOLDER
    return tuple(sorted(copy.name.removesuffix(SUFFIX) for copy in folder.glob(f"*{SUFFIX}")))


def recover(project: Project) -> tuple[str, ...]:
    """Put back what a killed process left half written; the names. The caller holds the project's lock."""
    folder = project.private / FOLDER
    copies = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    for copy in copies:
        content = copy.read_bytes()
        path = project.root / copy.name.removesuffix(SUFFIX)
        if content.startswith(KEPT):
            write_bytes(path, content[len(KEPT):])
        else:
            path.unlink(missing_ok=True)
        copy.unlink()
    for unfinished in folder.glob(".*.tmp"):  # a copy that was not whole yet, of a file that nobody had touched
        unfinished.unlink(missing_ok=True)
    if copies:
        _sweep(project.root)
    return tuple(copy.name.removesuffix(SUFFIX) for copy in copies)


def _sweep(root: Path) -> None:
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in PRIVATE]
        for name in names:
            if TEMPORARY.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)


def _copy(project: Project, name: str) -> Path:
    return project.private / FOLDER / f"{name}{SUFFIX}"
