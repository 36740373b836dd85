"""Git's merge drivers of a project: set up, and called by Git for one file.

Git hands over three versions in temporary files and takes the result from the
second. It does so in `merge`, `rebase`, `cherry-pick`, `revert` and `stash
pop`, in any worktree, always from the top of the working tree.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import MissingError, OvtError
from ovt.project import Project
from ovt.storage.files import write_bytes, write_text
from ovt.storage.git import git_of
from ovt.versions.merging.drivers import PURPOSES, Versions, attributes, merge
from ovt.workflows.starting.scaffold import add_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "ovt-"
ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True)
class DriverResult:
    """What a driver says, and whether Git may take the file as merged."""

    lines: tuple[str, ...]
    clean: bool


def configure(project: Project, *, tracked: bool = True) -> tuple[str, ...]:
    """Set the merge drivers up in this repository; what was changed, in lines for the user. Can be run again.

    Args:
        project: whose files are merged by them.
        tracked: put missing lines into the project's `.gitattributes`; False: into the repository's own
            `info/attributes`, which is in no commit.

    Raises:
        MissingError: this is no Git repository.
    """
    git = git_of(project.root)
    told = []
    wanted = {
        f"merge.{PREFIX}{kind}.{key}": value for kind, purpose in PURPOSES.items()
        for key, value in (("name", f"ovt: {purpose}"), ("driver", _command(kind)))
    }
    present = _present(project)
    for key, value in wanted.items():
        if present.get(key) != value:
            git.run("config", "--local", key, value)
            told = ["merge drivers: dvc.lock, reports, data and labels merge by themselves"]
    if tracked and add_lines(project.root / ATTRIBUTES, attributes()):
        told.append(f"{ATTRIBUTES}: which driver merges what")
    elif not tracked and _add_untracked(project):
        told.append("info/attributes: which driver merges what, in this clone alone")
    return tuple(told)


def configured(project: Project) -> bool:
    """Whether the drivers are set up, for this interpreter and this project's files."""
    present = _present(project)
    if any(present.get(f"merge.{PREFIX}{kind}.driver") != _command(kind) for kind in PURPOSES):
        return False
    return not _missing_attributes(project)


def run_driver(kind: str, files: Sequence[Path], path: str) -> DriverResult:
    """Merge one file for Git: the second of `files` is overwritten with the result.

    Args:
        kind: see `ovt.versions.merging.drivers`.
        files: the versions before, here, there, as Git wrote them.
        path: of the merged file, relative to the working tree's top, where Git starts the driver.
    """
    project, inner = _project_of(Path.cwd(), path)
    base, ours, theirs = (file.read_bytes() for file in files)
    try:
        merged = merge(kind, project, Versions(inner, base, ours, theirs))
    except OvtError as error:
        return DriverResult((f"ovt: {path} is not merged, it is as it was here: {error}",), clean=False)
    write_bytes(files[1], merged.content)
    lines = [f"ovt: {note}" for note in merged.notes]
    if merged.conflicts:
        lines.append(f"ovt: {path}: {len(merged.conflicts)} cannot be decided by a program")
        lines += [f"  {conflict}" for conflict in merged.conflicts]
        lines.append("  all else is merged, and what is `here` stands for now · ovt resolve --theirs, or --ours")
    return DriverResult(tuple(lines), clean=not merged.conflicts)


def _command(kind: str) -> str:
    """What Git runs in a shell: the interpreter that set it up, else the `ovt` of the PATH, else a word and a conflict.

    A conflict leaves the file as it was here, without markers: JSON and YAML stay readable.
    """
    call = f"merge-driver {kind} %O %A %B %P"
    python = shlex.quote(sys.executable).replace("%", "%%")
    # Git quotes %P for the shell: it must stand by itself, never inside other quotes.
    gone = "echo ovt: %P is not merged: Python and ovt are gone, install ovt and type: ovt resolve >&2; exit 1"
    return (f"if [ -x {python} ]; then {python} -P -c 'from ovt.cli.main import run; run()' {call}; "
            f"elif command -v ovt >/dev/null; then ovt {call}; else {gone}; fi")


def _present(project: Project) -> dict[str, str]:
    done = git_of(project.root).attempt("config", "--local", "-z", "--get-regexp", rf"^merge\.{PREFIX}")
    pairs = (entry.partition("\n") for entry in os.fsdecode(done.stdout).split("\0") if entry)
    return {key: value for key, _, value in pairs}


def _missing_attributes(project: Project) -> bool:
    """Whether Git would merge the lock in its own way, asked as Git sees all its attribute files."""
    git = git_of(project.root)
    out = git.text("check-attr", "-z", "merge", "--", "dvc.lock", "reports/quality.json", "data.dvc").split("\0")
    return any(not value.startswith(PREFIX) for value in out[2::3])


def _add_untracked(project: Project) -> bool:
    git = git_of(project.root)
    if not _missing_attributes(project):
        return False
    path = git.layout.common_dir / "info" / "attributes"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = [f"/{git.layout.prefix}{line.removeprefix('/')}" for line in attributes()]
    write_text(path, before + "".join(f"{line}\n" for line in lines if line not in before.splitlines()))
    return True


def _project_of(top: Path, path: str) -> tuple[Project, str]:
    """The project that a file belongs to, and the file's path in it."""
    for folder in Path(path).parents:
        try:
            found = Project.find(top / folder)
        except MissingError:
            continue
        if found.root == (top / folder).resolve():
            return found, Path(path).relative_to(folder).as_posix()
    # In the middle of a merge the schema itself may be gone: the file's folder will do.
    folder = Path(path).parent
    return Project((top / folder).resolve()), Path(path).name
