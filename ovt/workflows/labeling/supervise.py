"""Rows appended to `supervision/`: whole or not at all, and put under version control as `ovt add` does."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ovt.project import Project

FOLDER = "supervision"


def append_rows(project: Project, name: str, rows: Sequence[Mapping[str, Any]], *, track: bool = True) -> Path:
    """Append rows to a file of `supervision/`, which is made if it is missing.

    The file is written anew beside the old one and put in its place: a killed
    process leaves it as it was, and a file that DVC linked into its cache is
    never written through.

    Args:
        project: where.
        name: the file, relative to the project.
        rows: one JSON object each.
        track: put the folder into DVC, and its pointer into Git's index.

    Raises:
        MissingError: what DVC tracks there is not on this machine.
    """
    from ovt.storage.files import write_bytes
    from ovt.storage.lock import file_lock

    refuse_absent(project)
    path = project.root / name
    with file_lock(project.private / "supervision.lock", f"writing {name}"):
        old = path.read_bytes() if path.is_file() else b""
        if old and not old.endswith(b"\n"):
            old += b"\n"
        fresh = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_bytes(path, old + fresh.encode())
    if track:
        track_supervision(project)
    return path


def track_supervision(project: Project) -> None:
    """Put `supervision/` under version control; where there is no DVC or no Git yet, leave that to `ovt add`."""
    from ovt.workflows.committing.add import add

    if (project.root / ".dvc").is_dir():
        add(project, [project.folder(FOLDER)])


def refuse_absent(project: Project) -> None:
    """Stop where DVC tracks a folder that is not here: a new one would take its place.

    Raises:
        MissingError: it has to be pulled first.
    """
    if (project.root / f"{FOLDER}.dvc").is_file() and not project.folder(FOLDER).is_dir():
        raise MissingError(f"`{FOLDER}/` is not on this machine", at=f"{FOLDER}.dvc",
                           why="a new folder would replace what the others labelled", fix="fetch it first",
                           command="ovt pull")


def git_user(project: Project) -> str:
    """Who is working here: the e-mail address that Git knows, else the name.

    Raises:
        UsageError: Git knows neither.
    """
    from ovt.storage.git import git_of

    for variable in ("GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    for key in ("user.email", "user.name"):
        done = git_of(project.root).attempt("config", "--get", key)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.decode(errors="replace").strip()
    raise UsageError("Git does not know who you are", why="a correction is signed by who made it",
                     fix="tell it", command='git config user.email "you@example.org"')
