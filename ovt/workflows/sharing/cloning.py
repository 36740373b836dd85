"""`ovt clone URL`: a repository with runs, data and model of its newest version, in one command.

Nothing of the repository is executed: no hook, no labeling function, and no
DVC remote whose configuration could start a program.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ovt.errors import MissingError, OvtError, ProjectError, UsageError
from ovt.project import Project
from ovt.settings import SETTINGS_FILE
from ovt.storage.git import Git
from ovt.storage.objects import remote_options
from ovt.storage.remotes.secrets import redacted
from ovt.workflows.sharing.merging import configure
from ovt.workflows.sharing.share import fetch_runs, pull

if TYPE_CHECKING:
    from ovt.progress import Progress

EXECUTING = frozenset({"configpath", "credentialpath"})
"""Options of a DVC remote that name a file which may say `credential_process = PROGRAM`."""


@dataclass(frozen=True)
class ClonedProject:
    """One project of the repository."""

    project: Project
    objects: int
    """Fetched."""
    model: bool
    """Whether HEAD's model is in the working tree."""
    problem: OvtError | None
    """Why the data are not here."""


@dataclass(frozen=True)
class Cloned:
    """What `ovt clone` made."""

    folder: Path
    runs: int
    projects: tuple[ClonedProject, ...]


def clone(url: str, folder: Path | None, progress: Progress, *, branch: str | None = None, data: bool = True) -> Cloned:
    """Clone a repository and fetch what its newest version is made of.

    Args:
        url: as for `git clone`.
        folder: where to; None: named like the repository.
        progress: hears what happens.
        branch: which to check out; None: the remote's HEAD.
        data: fetch data and model too; without them versions can be listed, compared and checked by their reports.

    Raises:
        UsageError: the folder is not empty.
        MissingError: the repository cannot be cloned.
    """
    target = (folder or Path(_name_of(url))).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"`{target.name}` is there already", at=str(target), why="it is not empty",
                         fix="name another folder", command=f"ovt clone {redacted(url)} DIR")
    progress.update("clone", "repository")
    target.parent.mkdir(parents=True, exist_ok=True)
    branches = ["--branch", branch] if branch else []
    done = Git(target.parent).attempt("clone", "--quiet", *branches, "--", _absolute(url), str(target),
                                      environment={"OVT_SKIP": "1"})
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise MissingError("the repository cannot be cloned", at=redacted(url), why=redacted(words[-1]),
                           fix="check the address and your access")
    found = _projects(target)
    runs = fetch_runs(found[0]) if found else 0
    return Cloned(target, runs, tuple(_bring(project, progress, data=data) for project in found))


def _projects(top: Path) -> list[Project]:
    """The projects that the checked out commit has, by their settings."""
    out = Git(top).text("ls-files", "-z", "--", f":(glob)**/{SETTINGS_FILE}")
    return [Project((top / name).parent) for name in out.split("\0") if name]


def _bring(project: Project, progress: Progress, *, data: bool) -> ClonedProject:
    for line in configure(project, tracked=False):
        progress.note(line)
    if not data:
        return ClonedProject(project, 0, model=False, problem=None)
    try:
        _refuse_executing(project)
        result = pull(project, progress)
    except OvtError as error:
        return ClonedProject(project, 0, model=False, problem=error)
    return ClonedProject(project, result.objects, model=result.versions[0].report is not None, problem=None)


def _refuse_executing(project: Project) -> None:
    found = sorted(EXECUTING & {option for options in remote_options(project).values() for option in options})
    if found:
        raise ProjectError("data were not fetched", at=".dvc/config", why=f"`{found[0]}` there may start a program",
                           fix="look at it; if you trust it", command="ovt pull")


def _name_of(url: str) -> str:
    """As Git names it."""
    path = urlsplit(url).path if "://" in url else url.rpartition(":")[2]
    return path.rstrip("/").removesuffix("/.git").rpartition("/")[2].removesuffix(".git") or "repository"


def _absolute(url: str) -> str:
    """A folder is relative to where the command was typed, not to where Git is started."""
    path = Path(url)
    return str(path.resolve()) if "://" not in url and path.exists() else url
