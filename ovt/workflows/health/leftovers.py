"""What killed processes left: half-written files, locks of Git's, worktrees, jobs whose worker is dead.

The next command that needs it mends each of these by itself; `ovt doctor`
tells of them, and `--fix` mends them now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.storage.dvc_locks import mend_rwlock, rwlock_is_right
from ovt.storage.git import git_of
from ovt.storage.git_locks import clear, lock_files
from ovt.storage.journal import left_behind, recover
from ovt.storage.lock import holder, project_lock
from ovt.versions.queue import OPEN, queue_folder, read_jobs, shared_root, worker_lock
from ovt.workflows.background.jobs import resume
from ovt.workflows.background.worktrees import FOLDER, abandoned, sweep
from ovt.workflows.health.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project

FIX = "ovt doctor --fix"


def leftovers(project: Project) -> Iterator[Finding]:
    """Look at each in turn; what is mended is safe to mend at any time."""
    yield _at_work(project)
    yield _half_written(project)
    yield _git_locks(project)
    yield _rwlock(project)
    yield _worktrees(project)
    yield _jobs(project)


def _at_work(project: Project) -> Finding:
    found = holder(project.private / "lock")
    return Finding("at work", ok=True, found=f"{found.what} (process {found.pid})" if found else "nothing")


def _half_written(project: Project) -> Finding:
    names = left_behind(project)
    if not names or holder(project.private / "lock") is not None:
        return Finding("half-written files", ok=True, found="none")

    def repair() -> str:
        with project_lock(project, "ovt doctor"):
            return f"put back: {', '.join(recover(project)) or 'nothing'}"

    return Finding("half-written files", ok=False, found=", ".join(names), fix=FIX, repair=repair)


def _git_locks(project: Project) -> Finding:
    layout = git_of(project.root).layout
    found = lock_files(layout)
    if not found:
        return Finding("locks of Git", ok=True, found="none")

    def repair() -> str:
        with project_lock(project, "ovt doctor"):
            gone = clear(project, layout, unasked=False)
        return f"removed {', '.join(path.name for path in gone)}" if gone else "a Git process is at work: left"

    return Finding("locks of Git", ok=False, found=", ".join(path.name for path in found),
                   fix=f"if no Git command is running: {FIX}", repair=repair)


def _rwlock(project: Project) -> Finding:
    if rwlock_is_right(project):
        return Finding("locks of DVC", ok=True, found="none that is dead")
    return Finding("locks of DVC", ok=False, found="written by a process that was killed", fix=FIX,
                   repair=lambda: "cleaned" if mend_rwlock(project) else "nothing to do")


def _worktrees(project: Project) -> Finding:
    folder = shared_root(project) / ".ovt" / FOLDER
    count = len(abandoned(folder))
    if not count:
        return Finding("worktrees of dead jobs", ok=True, found="none")
    return Finding("worktrees of dead jobs", ok=False, found=str(count), fix=FIX, weight="advised",
                   repair=lambda: f"removed {sweep(git_of(project.root), folder)}")


def _jobs(project: Project) -> Finding:
    waiting = [job for job in read_jobs(queue_folder(project)) if job.state in OPEN]
    worker = holder(worker_lock(project))
    if not waiting:
        return Finding("background", ok=True, found="no jobs")
    if worker is not None:
        return Finding("background", ok=True, found=f"{len(waiting)} jobs, worker {worker.pid}")
    return Finding("background", ok=False, found=f"{len(waiting)} jobs and no worker", fix="ovt jobs wait",
                   weight="advised", repair=lambda: "worker started" if resume(project) else "left as it is (CI)")
