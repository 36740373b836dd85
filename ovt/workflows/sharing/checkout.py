"""`ovt checkout REV`: inputs, data, model and report of one version, together in the working tree.

Where the version's results are a run (trained in the background or elsewhere),
its `dvc.lock` and reports are written into the working tree, so that `ovt run`
has nothing to do; they show as changes in `git status` until they are
committed or another version is checked out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError, ProjectError
from ovt.project import Project
from ovt.stages.pipeline import pretrained
from ovt.storage.files import write_bytes
from ovt.storage.fingerprint import fingerprint, tracked_hash
from ovt.storage.git import git_of
from ovt.storage.lock import project_lock
from ovt.storage.objects import complete, default_remote
from ovt.versions.history import Version, resolve
from ovt.versions.key import BULK, LOCK_FILE
from ovt.versions.needs import needed_objects, output_objects, products_of
from ovt.versions.runs import ENVIRONMENT_FILE, LOG_FILE, run_files
from ovt.versions.source import source_of
from ovt.workflows.sharing.catching_up import lags, remember

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.storage.git import Git

RESULTS = (LOCK_FILE, "reports")
SKIP = {"OVT_SKIP": "1"}


@dataclass(frozen=True)
class CheckoutResult:
    """What is in the working tree now."""

    version: Version
    model: bool
    """Whether the version's model and report are there too."""
    restored: tuple[str, ...]
    """Files of a run that were written and that Git shows as changes."""


def checkout(project: Project, revision: str, progress: Progress) -> CheckoutResult:
    """Bring a version into the working tree; nothing is touched if a part of it cannot be had.

    Raises:
        UsageError: no such revision.
        ProjectError: there are changes that are in no version.
        MissingError: data or model are not on this machine, and no remote has them.
    """
    version = resolve(project, revision)
    if version.commit is None:
        return CheckoutResult(version, version.state == "ready", ())
    git = git_of(project.root)
    with project_lock(project, f"ovt checkout {revision}", progress.note):
        refuse_changes(project)
        bring_objects(project, version, progress)
        progress.update("checkout", "inputs")
        _forget_results(git)
        _move_head(git, revision, version.commit)
        return restore(project, version, progress)


def restore(project: Project, version: Version, progress: Progress) -> CheckoutResult:
    """Put data, model and report of the version that HEAD is at into the working tree.

    Raises:
        MissingError: an object is not in DVC's cache.
    """
    from ovt.storage import dvc

    here = Project(project.root, project.shared_cache)  # settings and schema may be others than a moment ago
    written = _write_run(here, version) if version.report == "run" else ()
    # Outputs by their own paths: next to a `.dvc` file DVC passes over a target that is a stage's output.
    tracked = dict.fromkeys((*BULK, *products_of(source_of(here, None)), *pretrained(here)))
    targets = [name for name in tracked if (here.root / f"{name}.dvc").is_file()]
    if version.report is not None:
        targets += sorted(output_objects(here, version))
    progress.update("checkout", "data and model")
    if targets:
        dvc.checkout(here, targets)
    remember(here)
    return CheckoutResult(version, version.report is not None, written)


def refuse_changes(project: Project) -> None:
    """Stop where a checkout would lose something that no version has.

    Raises:
        ProjectError: naming the files.
    """
    git = git_of(project.root)
    status = git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--", ".")
    prefix = git.layout.prefix
    changed = [os.fsdecode(entry[3:]).removeprefix(prefix) for entry in status.split(b"\0") if entry]
    changed = [path for path in changed if not path.startswith(RESULTS)]
    changed += changed_bulk(project)
    if changed:
        raise ProjectError(
            f"{len(changed)} changed input{'s' if len(changed) > 1 else ''} would be lost", at=", ".join(changed[:5]),
            why="they are in no version yet", fix="commit them first", command='ovt commit -m "…"',
        )


def changed_bulk(project: Project) -> list[str]:
    """Bulk folders that hold what neither their `.dvc` file nor Git knows."""
    git = git_of(project.root)
    found = []
    for name in BULK:
        here = fingerprint(project, project.root / name)
        # Plain files in Git: `git status` speaks for them.
        if here in {None, tracked_hash(project.root / f"{name}.dvc")} or lags(project, name):
            continue
        if not git.index(f"{name}/"):
            found.append(f"{name}/")
    return found


def bring_objects(project: Project, version: Version, progress: Progress) -> int:
    """Fetch what DVC's cache lacks of a version; the number of objects fetched.

    Raises:
        MissingError: there is no remote, or it does not have them.
    """
    absent = sorted(digest for digest in needed_objects(project, version) if not complete(project, digest))
    if not absent:
        return 0
    if default_remote(project) is None:
        raise MissingError(
            f"data or model of `{version.spec}` are not on this machine", at=version.spec,
            why=f"{len(absent)} objects are not in DVC's cache, and no remote is set",
            fix="name the remote that has them", command="ovt remote add URL",
        )
    from ovt.storage import dvc

    return dvc.pull_objects(project, absent, progress).moved


def _forget_results(git: Git) -> None:
    """Back to the results that HEAD has; others are in DVC's run-cache and come back without training."""
    git.attempt("reset", "--quiet", "HEAD", "--", *RESULTS)
    tracked = [entry.path for entry in git.index(*RESULTS)]
    if tracked:
        git.run("checkout", "--quiet", "HEAD", "--", *tracked)
    for path in (git.folder / LOCK_FILE, *(git.folder / "reports").glob("*.json")):
        if path.relative_to(git.folder).as_posix() not in tracked:
            path.unlink(missing_ok=True)


def _move_head(git: Git, revision: str, commit: str) -> None:
    branch = git.attempt("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode().strip()
    is_branch = git.attempt("show-ref", "--verify", "--quiet", f"refs/heads/{revision}").returncode == 0
    if revision == branch or (not is_branch and commit == git.resolve("HEAD")):
        return
    git.run("checkout", "--quiet", *([revision] if is_branch else ["--detach", commit]), "--", environment=SKIP)


def _write_run(project: Project, version: Version) -> tuple[str, ...]:
    from ovt.stages.pipeline import keep_pipeline

    keep_pipeline(project)
    written = []
    for path, content in run_files(git_of(project.root), version.key).items():
        target = project.root / path
        if path in {LOG_FILE, ENVIRONMENT_FILE} or (target.is_file() and target.read_bytes() == content):
            continue
        write_bytes(target, content)
        written.append(path)
    return tuple(written)
