"""Background training: what a plain `git commit` starts, seen from the user's side.

One worker process per repository takes jobs from the queues of its projects;
it is detached (its own session, low priority, no terminal), so it survives the
terminal that started it. After a reboot, or when it was killed, the next
command that looks at the queue starts it again (`resume`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError
from ovt.project import STAGES
from ovt.storage.git import clean_environment, git_of
from ovt.storage.lock import file_lock, holder, try_lock
from ovt.versions.history import resolve
from ovt.versions.queue import (
    OPEN,
    Job,
    JobProgress,
    queue_folder,
    read_job,
    read_jobs,
    read_progress,
    register_queue,
    shared_root,
    worker_lock,
    write_job,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ovt.project import Project

KEPT = 20
"""Ended jobs that stay listed."""
POLL = 0.2
DETACHED = """if command -v ionice >/dev/null 2>&1; then set -- ionice -c 3 "$@"; fi
"$@" </dev/null >>"$0" 2>&1 &"""
"""The disk is for whoever waits at the terminal; processor time too, see the worker's `NICE`."""
STARTUP = 5.0
"""Seconds without a worker after which a new one is started: one may be just starting."""


@dataclass(frozen=True)
class JobStatus:
    """A job and what it does now."""

    job: Job
    progress: JobProgress | None
    seconds_left: float | None = None
    """How long it will still take, told from what its stages took here before; None: not known."""


@dataclass(frozen=True)
class QueueStatus:
    """The queue of a repository."""

    jobs: tuple[JobStatus, ...]
    worker: int | None
    """Process id of the worker, if one runs."""

    @property
    def open(self) -> tuple[JobStatus, ...]:
        """Jobs that wait or run."""
        return tuple(found for found in self.jobs if found.job.state in OPEN)


def queue_job(
    project: Project, revision: str = "HEAD", *, stages: Sequence[str] = (), start: bool = True,
) -> Job | None:
    """Queue the training of a revision and start a worker; None if there is nothing to train.

    There is nothing to train where the version has a model, or no project.
    Jobs of the same branch that still wait are superseded; a job for the same
    inputs is taken over as it is.

    Args:
        project: any worktree of the repository.
        revision: a commit; the workspace cannot be trained in the background.
        stages: only these; none: all.
        start: whether a worker is started if none runs.
    """
    version = resolve(project, revision)
    if not version.key or version.state == "ready" or version.commit is None:
        return None
    register_queue(project)
    folder = queue_folder(project)
    branch = git_of(project.root).attempt("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode().strip()
    with file_lock(folder / "lock", "queueing"):
        jobs = read_jobs(folder)
        job = next((found for found in jobs if found.key == version.key and found.state in OPEN), None)
        if job is None:
            number = max((found.number for found in jobs), default=0) + 1
            job = Job(version.key, version.commit, number, "waiting", tuple(stages), time.time(), branch=branch)
            _supersede(folder, jobs, branch)
            write_job(folder, job)
        _prune(folder, jobs)
    if start:
        start_worker(project)
    return job


def status(project: Project) -> QueueStatus:
    """The queue: jobs oldest first, each with its progress."""
    folder = queue_folder(project)
    found = holder(worker_lock(project))
    jobs = read_jobs(folder) if folder.is_dir() else []
    return QueueStatus(tuple(_looked_at(project, folder, job) for job in jobs), found.pid if found else None)


def _looked_at(project: Project, folder: Path, job: Job) -> JobStatus:
    if job.state not in OPEN:
        return JobStatus(job, None)
    from ovt.workflows.background.estimate import remembered

    progress = read_progress(folder, job.key) if job.state == "running" else None
    whole = remembered(project, *(job.stages or STAGES))
    left = None if whole is None else whole * (1.0 - (progress.fraction if progress else 0.0))
    return JobStatus(job, progress, left)


def resume(project: Project) -> bool:
    """Start a worker if jobs are open and none lives: after a reboot, or when it was killed. True if it was needed.

    Never in CI and never where the hooks are told to do nothing.
    """
    folder = queue_folder(project)
    if not folder.is_dir() or any(os.environ.get(name, "0") not in {"", "0", "false"} for name in ("CI", "OVT_SKIP")):
        return False
    if holder(worker_lock(project)) is not None or not any(job.state in OPEN for job in read_jobs(folder)):
        return False
    register_queue(project)
    return start_worker(project)


def wait(
    project: Project, timeout: float | None = None, *, keys: Sequence[str] = (),
    listen: Callable[[QueueStatus], None] | None = None,
) -> QueueStatus:
    """Wait until no job (or none of `keys`) waits or runs, starting the worker again if it is gone.

    Raises:
        MissingError: the time is up.
    """
    begun = time.monotonic()
    seen = begun
    while True:
        now = status(project)
        left = [found for found in now.open if not keys or found.job.key in keys]
        if listen is not None:
            listen(now)
        if not left:
            return now
        if now.worker is not None:
            seen = time.monotonic()
        elif time.monotonic() - seen > STARTUP:
            start_worker(project)
            seen = time.monotonic()
        if timeout is not None and time.monotonic() - begun > timeout:
            raise MissingError(f"{len(left)} jobs are not done after {timeout:.0f} s", at=f"job {left[0].job.number}",
                               fix="wait longer, or read its log", command=f"ovt jobs log {left[0].job.number}")
        time.sleep(POLL)


def cancel(project: Project, number: int) -> Job:
    """Take a waiting job out of the queue, or stop a running one.

    Raises:
        UsageError: no such job, or it has ended.
    """
    folder = queue_folder(project)
    with file_lock(folder / "lock", "cancelling"):
        job = _numbered(project, number)
        if job.state not in OPEN:
            raise UsageError(f"job {number} is {job.state}", fix="only a job that waits or runs can be cancelled",
                             command="ovt jobs")
        cancelled = replace(job, state="cancelled", ended=time.time())
        write_job(folder, cancelled)  # a running job looks here and stops
    return cancelled


def log(project: Project, number: int) -> str:
    """What a job wrote while it ran; empty if it has not run yet.

    Raises:
        UsageError: no such job.
    """
    path = log_file(shared_root(project), _numbered(project, number).key)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def start_worker(project: Project) -> bool:
    """Start the repository's worker, detached; False if one runs."""
    release = try_lock(worker_lock(project), "looking for the worker")
    if release is None:
        return False
    release()
    root = shared_root(project)
    out = root / ".ovt" / "logs" / "worker.log"
    out.parent.mkdir(parents=True, exist_ok=True)
    # The shell ends at once: the worker is nobody's child, so it leaves no zombie and dies with no terminal.
    # -P: a module of the user's repository must not shadow the standard library's.
    subprocess.run(
        ["sh", "-c", DETACHED, str(out), sys.executable, "-P", "-m",
         "ovt.workflows.background.worker", str(root)],
        check=True, start_new_session=True, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=clean_environment({"OVT_SKIP": "1"}),
    )
    return True


def log_file(root: Path, key: str) -> Path:
    """Where a job's output goes."""
    return root / ".ovt" / "logs" / f"{key}.log"


def _numbered(project: Project, number: int) -> Job:
    found = next((job for job in read_jobs(queue_folder(project)) if job.number == number), None)
    if found is None:
        raise UsageError(f"no job {number}", command="ovt jobs")
    return found


def _supersede(folder: Path, jobs: Sequence[Job], branch: str) -> None:
    for job in jobs:
        if job.state == "waiting" and job.branch == branch:
            write_job(folder, replace(job, state="superseded", ended=time.time()))


def _prune(folder: Path, jobs: Sequence[Job]) -> None:
    ended = [job for job in jobs if job.state not in OPEN]
    for job in ended[:-KEPT]:
        now = read_job(folder, job.key)
        if now is not None and now.state not in OPEN:
            (folder / f"{job.key}.json").unlink(missing_ok=True)
            (folder / f"{job.key}.progress").unlink(missing_ok=True)
            log_file(folder.parent.parent, job.key).unlink(missing_ok=True)
