"""The queue of background jobs as files: `.ovt/queue/KEY.json` and `KEY.progress` of the main working tree.

All worktrees of a repository share the queue of a project. Where a repository
holds several projects each has its own, and `.git/ovt-worker/` says which
there are: the one worker of the repository serves them all. Readers only
read; what starts, runs and ends jobs is `ovt.workflows.background.jobs`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ovt.project import Project
from ovt.storage.files import write_bytes, write_json
from ovt.storage.git import git_of
from ovt.storage.lock import file_lock

State = Literal["waiting", "running", "done", "failed", "cancelled", "superseded"]
OPEN: frozenset[str] = frozenset({"waiting", "running"})


@dataclass(frozen=True)
class Job:
    """One training in the background."""

    key: str
    commit: str
    number: int
    """What a person calls it; counts up in one repository."""
    state: State
    stages: tuple[str, ...] = ()
    """Only these stages; empty: all."""
    queued: float = 0.0
    """Unix seconds, like the two below."""
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    """The worker that runs it."""
    why: str = ""
    """Of a failure, in the words of the error."""
    branch: str = ""
    """The branch it was queued from: a newer commit of it supersedes this one while it waits."""
    attempts: int = 0
    """How often a worker began it: one that was killed is begun again, but not for ever."""


@dataclass(frozen=True)
class JobProgress:
    """What a running job does now."""

    stage: str
    message: str
    fraction: float
    """Of the whole job, 0 … 1."""


def shared_root(project: Project) -> Path:
    """The project's folder in the main working tree."""
    layout = git_of(project.root).layout
    return layout.main_top / layout.prefix


def queue_folder(project: Project) -> Path:
    """Where the jobs of all worktrees are."""
    return shared_root(project) / ".ovt" / "queue"


def worker_folder(project: Project) -> Path:
    """Where the repository's one worker has its lock and the list of its queues."""
    return git_of(project.root).layout.common_dir / "ovt-worker"


def worker_lock(project: Project) -> Path:
    """What the repository's worker holds while it lives."""
    return worker_folder(project) / "lock"


def register_queue(project: Project) -> None:
    """Let the repository's worker know that the project has a queue."""
    folder, root = worker_folder(project), str(shared_root(project))
    if root in _roots(folder):
        return
    with file_lock(folder / "projects.lock", "queueing"):
        text = json.dumps(sorted({*_roots(folder), root}))  # ASCII: a path may be no UTF-8
        write_bytes(folder / "projects.json", text.encode())


def served_projects(project: Project) -> list[Project]:
    """The projects of the repository whose queues its worker serves; those that are no longer there left out."""
    return [Project(root) for root in map(Path, _roots(worker_folder(project))) if (root / ".ovt").is_dir()]


def _roots(folder: Path) -> list[str]:
    try:
        return [str(root) for root in json.loads((folder / "projects.json").read_bytes())]
    except (OSError, ValueError, TypeError):
        return []


def read_jobs(folder: Path) -> list[Job]:
    """All jobs, oldest first; a file that cannot be understood is passed over."""
    found = (_read(path) for path in folder.glob("*.json"))
    return sorted((job for job in found if job is not None), key=lambda job: job.number)


def read_job(folder: Path, key: str) -> Job | None:
    """The job for a key."""
    return _read(folder / f"{key}.json")


def write_job(folder: Path, job: Job) -> None:
    """Keep a job's state."""
    write_json(folder / f"{job.key}.json", {"format": "ovt.job/1", **asdict(job)})


def read_progress(folder: Path, key: str) -> JobProgress | None:
    """What the job for a key does now."""
    try:
        value = json.loads((folder / f"{key}.progress").read_bytes())
        return JobProgress(str(value["stage"]), str(value["message"]), float(value["fraction"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pending(project: Project) -> dict[str, float]:
    """Keys with a job that waits or runs, and how far it is."""
    folder = queue_folder(project)
    found = {}
    for job in read_jobs(folder) if folder.is_dir() else []:
        if job.state in OPEN:
            now = read_progress(folder, job.key) if job.state == "running" else None
            found[job.key] = now.fraction if now else 0.0
    return found


def _read(path: Path) -> Job | None:
    try:
        value = json.loads(path.read_bytes())
        value.pop("format")
        value["stages"] = tuple(value["stages"])
        return Job(**value)
    except (OSError, ValueError, KeyError, TypeError):
        return None
