"""Files that DVC rewrites in place, kept so that a killed process leaves the old ones.

DVC truncates `dvc.lock` and `.dvc` files before it writes them. Whoever lets it
do so keeps a copy first and drops it afterwards; a copy that is still there
belongs to a process that was killed, and goes back before anything else is done.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ovt.storage.files import write_bytes
from ovt.storage.lock import project_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.project import Project

FOLDER = "journal"
SUFFIX = ".copy"
"""Behind the name of a copy: DVC takes any file named `*.dvc` for its own, wherever it lies."""
KEPT, ABSENT = b"kept\n", b"absent\n"
"""First line of a copy: the file's content follows, or there was no file."""


@contextmanager
def kept(project: Project, *names: str) -> Iterator[None]:
    """Keep files of the project's root while DVC writes them; an exception or a kill in between undoes that."""
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
    return tuple(copy.name.removesuffix(SUFFIX) for copy in copies)


def _copy(project: Project, name: str) -> Path:
    return project.private / FOLDER / f"{name}{SUFFIX}"
