"""`ovt push`, `ovt pull`, `ovt remote add`: what the versions need, and no more.

Two things travel: objects of DVC's cache (data, models, results) to the DVC
remote, and runs (`refs/ovt/runs/*`) to the Git remote. A run is made once and
never changes: where two machines made one for the same inputs, the first that
was pushed wins and the other takes it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.git import git_of
from ovt.storage.remotes.secrets import redacted
from ovt.versions.needs import needed_objects
from ovt.versions.runs import RUNS, run_keys
from ovt.workflows.sharing.checkout import bring_objects, changed_bulk, restore
from ovt.workflows.sharing.revisions import expand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.storage.git import Git
    from ovt.versions.history import Version

SKIP = {"OVT_SKIP": "1"}
STORAGE = "storage"


@dataclass(frozen=True)
class ShareResult:
    """What was pushed or pulled."""

    versions: tuple[Version, ...]
    objects: int
    """Objects copied; those that were there already are not counted."""
    runs: int
    """Runs that the other side did not have."""
    restored: tuple[str, ...] = ()
    """Of a pull: files of a run that were written into the working tree."""


def push(
    project: Project, progress: Progress, revisions: Sequence[str] = ("HEAD",), *, remote: str | None = None,
    git_remote: str | None = None,
) -> ShareResult:
    """Send data, models and runs of versions; the commits themselves are `git push`'s.

    What is on the remote is not sent again, so one that broke off goes on where it was.

    Args:
        project: whose versions.
        progress: hears how far it is, and what is waited for.
        revisions: revisions and ranges (`A..B`).
        remote: DVC's remote; None: the project's.
        git_remote: where runs go; None: the branch's.

    Raises:
        UsageError: no such revision.
        MissingError: no remote is set, or an object of a version is neither here nor there.
    """
    from ovt.storage import dvc

    versions = expand(project, revisions)
    needed = frozenset().union(*(needed_objects(project, version) for version in versions))
    moved = dvc.push_objects(project, sorted(needed), progress, remote).moved if needed else 0
    runs = _push_runs(project, [version.key for version in versions if version.report == "run"], git_remote, progress)
    return ShareResult(versions, moved, runs)


def pull(
    project: Project, progress: Progress, revisions: Sequence[str] = ("HEAD",), *, git_remote: str | None = None,
) -> ShareResult:
    """Fetch data, models and runs of versions; those of HEAD are put into the working tree.

    Args:
        project: where to.
        progress: hears how far it is, and what is waited for.
        revisions: revisions and ranges (`A..B`).
        git_remote: where runs come from; None: the branch's.

    Raises:
        UsageError: no such revision.
        MissingError: no remote is set, or it lacks an object.
    """
    runs = fetch_runs(project, git_remote)
    versions = expand(project, revisions)
    moved = sum(bring_objects(project, version, progress) for version in versions)
    head = git_of(project.root).resolve("HEAD")
    here = next((version for version in versions if version.commit == head), None)
    restored: tuple[str, ...] = ()
    if here is not None:
        changed = changed_bulk(project)
        if changed:
            progress.note(f"{', '.join(changed)}: changes that are in no version yet; left as they are")
        else:
            restored = restore(project, here, progress).restored
    return ShareResult(versions, moved, runs, restored)


def remote_add(project: Project, url: str, *, name: str = STORAGE, options: dict[str, str] | None = None) -> str:
    """Name where data and models are pushed to (a folder, `s3://…`, …) and make it the default; the remote's name.

    Raises:
        ProjectError: the URL holds a secret, or the name is taken.
    """
    from ovt.storage import dvc

    dvc.remote_add(project, name, url, options)
    return name


def fetch_runs(project: Project, git_remote: str | None = None) -> int:
    """Fetch all runs that the Git remote has; how many were new. Without a Git remote: none."""
    git = git_of(project.root)
    source = git_remote or main_remote(git)
    if source is None:
        return 0
    before = run_keys(git)
    done = git.attempt("fetch", "--quiet", "--no-tags", source, f"{RUNS}*:{RUNS}*", environment=SKIP)
    after = run_keys(git)
    # A run that both sides made shows as a rejected update: each keeps its own, and that is fine.
    if done.returncode and after == before and b"rejected" not in done.stderr:
        raise MissingError(f"the Git remote `{source}` cannot be reached", why=redacted(_last(done.stderr)),
                           fix="check the network and `git remote -v`", command=f"git fetch {source}")
    return len(after - before)


def main_remote(git: Git) -> str | None:
    """The Git remote of the current branch, else `origin`, else the only one."""
    names = git.text("remote").split()
    branch = git.attempt("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode().strip()
    tracked = git.config(f"branch.{branch}.remote") if branch else None
    for name in (tracked, "origin", names[0] if len(names) == 1 else None):
        if name in names:
            return name
    return None


def _push_runs(project: Project, keys: Sequence[str], git_remote: str | None, progress: Progress) -> int:
    git = git_of(project.root)
    target = git_remote or main_remote(git)
    if target is None or not keys:
        return 0
    specs = [f"{RUNS}{key}:{RUNS}{key}" for key in sorted(set(keys))]
    done = git.attempt("push", "--porcelain", target, *specs, environment=SKIP)
    lines = [line.split("\t") for line in done.stdout.decode(errors="replace").splitlines() if "\t" in line]
    taken = [fields[1].partition(":")[0] for fields in lines if fields[0] == "!"]
    for ref in taken:
        progress.note(f"run {ref.removeprefix(RUNS)[:12]} was pushed by someone else first: theirs is used")
        git.run("fetch", "--quiet", "--no-tags", target, f"+{ref}:{ref}", environment=SKIP)
    if done.returncode and not lines:
        raise MissingError(f"the Git remote `{target}` cannot be reached", why=redacted(_last(done.stderr)),
                           fix="check the network and `git remote -v`", command="git push")
    return sum(fields[0] == "*" for fields in lines)


def _last(stderr: bytes) -> str:
    return (stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
