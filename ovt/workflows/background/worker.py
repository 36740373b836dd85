"""The background worker: takes jobs one by one and runs each in a detached worktree of its commit.

The worktree shares DVC's cache and the vote cache with the user's own working
tree, so that nothing is computed twice; results are published as a run, and
the worktree is removed. Whatever a killed worker left behind (a job that says
it runs, a worktree) the next one takes up.

Started as `python -m ovt.workflows.background.worker ROOT`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ovt.errors import OvtError
from ovt.project import STAGES, Project
from ovt.storage.fingerprint import tracked_hash
from ovt.storage.git import Git, git_of
from ovt.storage.lock import file_lock, try_lock
from ovt.storage.objects import complete, default_remote, share_cache
from ovt.versions.key import BULK
from ovt.versions.queue import Job, queue_folder, read_job, read_jobs, write_job
from ovt.versions.runs import publish
from ovt.workflows.background.jobs import log_file, worker_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.progress import Progress

LOGGER = logging.getLogger(__name__)
NICE = 10
DEBOUNCE = 1.0
"""Seconds a job waits before it starts: a series of commits supersedes all but its last."""
WEIGHTS = {"compile": 0.1, "label": 0.15, "train": 0.65, "evaluate": 0.1}
"""Share of a whole run that each stage usually takes."""


class Cancelled(Exception):  # noqa: N818 - no error: someone asked for it
    """The job that runs was cancelled."""


class FileProgress:
    """Progress into `KEY.progress` for whoever looks, notes into the job's log."""

    def __init__(self, folder: Path, key: str, log: TextIO) -> None:
        self._folder, self._key, self._log = folder, key, log
        self._written = 0.0

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Keep how far the job is, at most twice a second; stop if it was cancelled."""
        now = time.monotonic()
        if now - self._written < 0.5:
            return
        self._written = now
        job = read_job(self._folder, self._key)
        if job is not None and job.state == "cancelled":
            raise Cancelled
        fraction = _fraction(stage, done / total if done is not None and total else 0.0)
        value = {"stage": stage, "message": message, "fraction": round(fraction, 3)}
        path = self._folder / f"{self._key}.progress"
        fresh = path.with_suffix(".fresh")
        fresh.write_text(json.dumps(value), encoding="utf-8")  # no fsync: it is stale in half a second
        fresh.replace(path)

    def note(self, text: str) -> None:
        """Write it into the log."""
        self._log.write(f"{text}\n")
        self._log.flush()


def _fraction(stage: str, within: float) -> float:
    if stage not in WEIGHTS:
        return 0.0
    before = sum(WEIGHTS[name] for name in STAGES[: STAGES.index(stage)])
    return before + WEIGHTS[stage] * min(max(within, 0.0), 1.0)


def run_worker(project: Project, *, debounce: float = DEBOUNCE) -> int:
    """Run jobs until none waits; the number of jobs run. Returns at once if a worker runs already.

    Args:
        project: the project in the main working tree.
        debounce: seconds a job waits before it starts.
    """
    folder, count = queue_folder(project), 0
    while any(job.state == "waiting" or (job.state == "running" and count == 0) for job in read_jobs(folder)):
        release = try_lock(worker_lock(folder), "training in the background")
        if release is None:
            break
        try:
            _take_up(folder)
            while (job := _next(folder, debounce)) is not None:
                run_job(project, job)
                count += 1
        finally:
            release()
        # A job that was queued between the last look and the release found a worker, and started none: look again.
    return count


def _take_up(folder: Path) -> None:
    """Jobs that a killed worker left as running wait again."""
    with file_lock(folder / "lock", "taking up"):
        for job in read_jobs(folder):
            if job.state == "running":
                write_job(folder, replace(job, state="waiting", pid=None, started=None))


def _next(folder: Path, debounce: float) -> Job | None:
    while True:
        with file_lock(folder / "lock", "taking a job"):
            waiting = [job for job in read_jobs(folder) if job.state == "waiting"]
            if not waiting:
                return None
            rest = waiting[0].queued + debounce - time.time()
            # A clock that jumped back must not make a job wait for long.
            if rest <= 0 or rest > debounce:
                job = replace(waiting[0], state="running", started=time.time(), pid=os.getpid())
                write_job(folder, job)
                return job
        time.sleep(min(rest, debounce))


def run_job(project: Project, job: Job) -> Job:
    """Run one job and publish its result; the job as it ended."""
    folder = queue_folder(project)
    path = log_file(project.root, job.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        ended = _guarded(project, job, FileProgress(folder, job.key, log), log)
    with file_lock(folder / "lock", "ending a job"):
        now = read_job(folder, job.key)
        if now is not None and now.state != "cancelled":
            write_job(folder, ended)
    (folder / f"{job.key}.progress").unlink(missing_ok=True)
    return ended


def _guarded(project: Project, job: Job, progress: FileProgress, log: TextIO) -> Job:
    handler = logging.StreamHandler(log)
    LOGGER.addHandler(handler)
    try:
        _train(project, job, progress, log)
    except Cancelled:
        progress.note("cancelled")
        return replace(job, state="cancelled", ended=time.time(), pid=None)
    except OvtError as error:
        progress.note(f"error: {error}")
        return replace(job, state="failed", ended=time.time(), pid=None, why=error.what)
    except Exception as error:
        LOGGER.exception("a bug in ovt, or in a library")
        return replace(job, state="failed", ended=time.time(), pid=None, why=f"{type(error).__name__}: {error}")
    finally:
        LOGGER.removeHandler(handler)
    return replace(job, state="done", ended=time.time(), pid=None)


def _train(project: Project, job: Job, progress: FileProgress, log: TextIO) -> None:
    from ovt.workflows.run import run_all

    with detached_worktree(project, job.commit) as there:
        bring_data(project, there, progress)
        run_all(there, progress, stages=job.stages or None)
        if not job.stages:
            log.flush()
            text = log_file(project.root, job.key).read_text(encoding="utf-8", errors="replace")
            publish(git_of(project.root), there, job.key, text)


@contextmanager
def detached_worktree(project: Project, commit: str) -> Iterator[Project]:
    """The project at a commit, in a worktree of its own that shares the caches; removed at the end."""
    git = git_of(project.root)
    top = project.root / ".ovt" / "worktrees" / commit[:16]
    _remove(git, top)
    # The user's post-checkout hook is for the user's checkouts.
    git.run("-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", "--force", "--quiet", str(top), commit)
    try:
        there = Project(top / git.layout.prefix, shared_cache=project.cache)
        share_cache(project, there)
        yield there
    finally:
        _remove(git, top)


def _remove(git: Git, top: Path) -> None:
    git.attempt("worktree", "remove", "--force", "--force", str(top))
    shutil.rmtree(top, ignore_errors=True)
    git.attempt("worktree", "prune")


def bring_data(project: Project, there: Project, progress: Progress) -> None:
    """Put data, labels and tags that `there` names into it, from the cache or the remote of `project`.

    Raises:
        MissingError: an object is in neither.
    """
    from ovt.storage import dvc

    pointers = [f"{name}.dvc" for name in BULK if (there.root / f"{name}.dvc").is_file()]
    if not pointers:
        return
    hashes = [tracked_hash(there.root / pointer) for pointer in pointers]
    absent = [digest for digest in hashes if digest and not complete(there, digest)]
    if absent and default_remote(project) is not None:
        dvc.pull_objects(there, absent, progress)
    dvc.checkout(there, pointers)


def main(arguments: list[str]) -> int:
    """What the detached process does."""
    os.nice(NICE)
    run_worker(Project(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
