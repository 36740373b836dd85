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
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ovt.errors import OvtError
from ovt.project import STAGES, Project
from ovt.storage.git import git_of
from ovt.storage.lock import file_lock, try_lock
from ovt.storage.machine_faults import told
from ovt.versions.queue import (
    Job,
    queue_folder,
    read_job,
    read_jobs,
    served_projects,
    worker_lock,
    write_job,
)
from ovt.versions.runs import publish
from ovt.workflows.background.jobs import log_file
from ovt.workflows.background.worktrees import bring_data, detached_worktree

LOGGER = logging.getLogger(__name__)
NICE = 10
DEBOUNCE = 1.0
"""Seconds a job waits before it starts: a series of commits supersedes all but its last."""
MOST_ATTEMPTS = 3
"""Times that a job is begun whose worker was killed meanwhile."""
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
    """Run the jobs of all projects of the repository until none waits; the number of jobs run.

    Returns at once if a worker runs already.

    Args:
        project: any of them, in the main working tree.
        debounce: seconds a job waits before it starts.
    """
    count = 0
    while _has_work(project, begun=count > 0):
        release = try_lock(worker_lock(project), "training in the background")
        if release is None:
            break
        try:
            for served in served_projects(project):
                _take_up(queue_folder(served))
            while (found := _next(project, debounce)) is not None:
                run_job(*found)
                count += 1
        finally:
            release()
        # A job that was queued between the last look and the release found a worker, and started none: look again.
    return count


def _has_work(project: Project, *, begun: bool) -> bool:
    """Whether a job waits or, for a worker that has just begun, says that it runs: its own worker is dead."""
    states = {"waiting"} if begun else {"waiting", "running"}
    return any(job.state in states for served in served_projects(project) for job in read_jobs(queue_folder(served)))


def _take_up(folder: Path) -> None:
    """Jobs that a killed worker left as running wait again; one that took several workers with it has failed."""
    with file_lock(folder / "lock", "taking up"):
        for job in read_jobs(folder):
            if job.state != "running":
                continue
            if job.attempts < MOST_ATTEMPTS:
                write_job(folder, replace(job, state="waiting", pid=None, started=None))
            else:
                why = f"its worker was killed {job.attempts} times: out of memory?"
                write_job(folder, replace(job, state="failed", pid=None, ended=time.time(), why=why))


def _next(project: Project, debounce: float) -> tuple[Project, Job] | None:
    """The job that has waited longest, whichever project it is of."""
    while True:
        waiting = [(job.queued, number, served, job) for number, served in enumerate(served_projects(project))
                   for job in read_jobs(queue_folder(served)) if job.state == "waiting"]
        if not waiting:
            return None
        _, _, served, job = min(waiting, key=lambda found: found[:2])
        rest = job.queued + debounce - time.time()
        # A clock that jumped back must not make a job wait for long.
        if 0 < rest <= debounce:
            time.sleep(rest)
        elif (begun := _begin(queue_folder(served), job)) is not None:
            return served, begun


def _begin(folder: Path, job: Job) -> Job | None:
    """Mark a job as running; None if it was cancelled or superseded meanwhile."""
    with file_lock(folder / "lock", "taking a job"):
        now = read_job(folder, job.key)
        if now is None or now.state != "waiting":
            return None
        begun = replace(now, state="running", started=time.time(), pid=os.getpid(), attempts=now.attempts + 1)
        write_job(folder, begun)
        return begun


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
        if (fault := told(error)) is not None:
            progress.note(f"error: {fault}")
            return replace(job, state="failed", ended=time.time(), pid=None, why=fault.what)
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


def main(arguments: list[str]) -> int:
    """What the detached process does."""
    os.nice(NICE)
    run_worker(Project(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
