"""Background training: the queue, the worker and its worktrees."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, make_outputs, write_project

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.progress import Progress
from ovt.project import STAGES, Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.storage.lock import try_lock
from ovt.storage.objects import cache_folder
from ovt.versions.artifacts import output_path, read_report
from ovt.versions.history import resolve
from ovt.versions.queue import Job, queue_folder, read_job, read_jobs, read_progress, worker_lock, write_job
from ovt.versions.runs import read_run
from ovt.workflows.background import jobs
from ovt.workflows.background.worker import FileProgress, run_worker

Fake = Callable[..., None]


class Training:
    """Stands for `run_all`: makes and records outputs, and says where it was started."""

    def __init__(self) -> None:
        self.ran: list[Project] = []
        self.during: Callable[[Project, Progress], None] = lambda project, progress: None

    def __call__(self, project: Project, progress: Progress, *, stages: tuple[str, ...] | None = None) -> None:
        self.ran.append(project)
        wanted = stages or STAGES
        for name in wanted:
            progress.update(name, "working", 1, 2)
            make_outputs(project, (name,))
            dvc.record_stage(project, name)
        progress.note("all done")
        self.during(project, progress)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Training:
    found = Training()
    monkeypatch.setattr("ovt.workflows.run.run_all", found)
    return found


@pytest.fixture
def no_worker(plain: Project) -> Iterator[None]:
    release = try_lock(worker_lock(plain), "the test")
    assert release is not None
    yield
    release()


def edit(project: Project, text: str) -> str:
    (project.root / "labelers" / "height.yaml").write_text(LABELER + text)
    return commit_all(project, text)


def queue(project: Project, revision: str = "HEAD") -> Job:
    job = jobs.queue_job(project, revision, start=False)
    assert job is not None
    return job


def test_a_job_makes_a_run_and_leaves_the_working_tree_alone(plain: Project, training: Training) -> None:
    commit = edit(plain, "# one\n")
    job = queue(plain)
    (plain.root / "labelers" / "height.yaml").write_text("# work goes on\n")
    before = git(plain.root, "status", "--porcelain")
    assert run_worker(plain, debounce=0) == 1
    version = resolve(plain, commit)
    assert (version.state, version.report, version.key) == ("ready", "run", job.key)
    report = read_report(plain, version, "quality.json")
    assert report is not None
    assert output_path(plain, version, "build/predictions.parquet").is_file()
    (there,) = training.ran
    assert there.root != plain.root
    assert there.shared_cache == plain.cache
    assert not there.root.exists()
    assert git(plain.root, "worktree", "list").count("\n") == 0
    assert not plain.model.exists()
    assert git(plain.root, "status", "--porcelain") == before
    assert read_run(git_of(plain.root), job.key, "log") == b"all done\n"
    assert jobs.log(plain, job.number) == "all done\n"
    ended = read_job(queue_folder(plain), job.key)
    assert ended is not None
    assert (ended.state, ended.pid) == ("done", None)
    assert read_progress(queue_folder(plain), job.key) is None


def test_the_workspace_finds_the_result_in_the_run_cache(plain: Project, training: Training) -> None:
    queue(plain)
    run_worker(plain, debounce=0)
    assert resolve(plain, "workspace").report == "run"
    assert [dvc.restore_from_run_cache(plain, name) for name in STAGES] == [True] * 4
    assert resolve(plain, "workspace").report == "workspace"


def test_nothing_is_queued_where_there_is_nothing_to_train(recorded: Project, training: Training) -> None:
    assert jobs.queue_job(recorded, "HEAD", start=False) is None  # its own tree has the results
    job = queue(recorded, "HEAD~1")  # same inputs, but no results in its tree
    assert jobs.queue_job(recorded, "HEAD~1", start=False) == job  # taken over, not doubled
    run_worker(recorded, debounce=0)
    assert jobs.queue_job(recorded, "HEAD~1", start=False) is None
    assert len(read_jobs(queue_folder(recorded))) == 1


def test_newer_commits_supersede_jobs_that_wait_but_none_that_runs(plain: Project, training: Training) -> None:
    first = queue(plain)
    newer: list[Job] = []

    def commit_meanwhile(there: Project, progress: Progress) -> None:
        if not newer:
            for text in ("# two\n", "# three\n"):
                edit(plain, text)
                newer.append(queue(plain))

    training.during = commit_meanwhile
    assert run_worker(plain, debounce=0) == 2
    states = {job.key: job.state for job in read_jobs(queue_folder(plain))}
    assert [states[job.key] for job in (first, *newer)] == ["done", "superseded", "done"]
    assert [job.number for job in (first, *newer)] == [1, 2, 3]


def test_another_branch_supersedes_nothing(plain: Project, no_worker: None) -> None:
    queue(plain)
    git(plain.root, "checkout", "-q", "-b", "side")
    edit(plain, "# side\n")
    queue(plain)
    assert [job.state for job in read_jobs(queue_folder(plain))] == ["waiting", "waiting"]


def test_a_failure_is_told_and_the_next_job_runs(plain: Project, training: Training) -> None:
    first = queue(plain)
    git(plain.root, "checkout", "-q", "-b", "side")
    edit(plain, "# side\n")
    second = queue(plain)

    def fail_once(there: Project, progress: Progress) -> None:
        training.during = lambda *_: None
        raise ProjectError("labeling function `x` failed", at="labelers/x.py:3")

    training.during = fail_once
    assert run_worker(plain, debounce=0) == 2
    found = {job.key: job for job in read_jobs(queue_folder(plain))}
    assert (found[first.key].state, found[first.key].why) == ("failed", "labeling function `x` failed")
    assert "labelers/x.py:3" in jobs.log(plain, first.number)
    assert found[second.key].state == "done"
    assert resolve(plain, first.commit).state == "none"
    assert git(plain.root, "worktree", "list").count("\n") == 0


def test_a_bug_is_a_failure_with_a_traceback(plain: Project, training: Training) -> None:
    job = queue(plain)
    training.during = lambda *_: {}["absent"]
    run_worker(plain, debounce=0)
    ended = read_job(queue_folder(plain), job.key)
    assert ended is not None
    assert ended.why == "KeyError: 'absent'"
    assert "Traceback" in jobs.log(plain, job.number)


def test_data_that_is_nowhere_is_a_failure_that_says_so(plain: Project, training: Training) -> None:
    job = queue(plain)
    shutil.rmtree(cache_folder(plain) / "files")
    run_worker(plain, debounce=0)
    ended = read_job(queue_folder(plain), job.key)
    assert ended is not None
    assert (ended.state, ended.why) == ("failed", "not on this machine")
    assert training.ran == []


def test_missing_data_is_fetched_from_the_remote(plain: Project, training: Training, tmp_path: Path) -> None:
    from ovt.progress import Silent
    from ovt.workflows.sharing.share import push, remote_add

    remote_add(plain, str(tmp_path / "store"))
    commit_all(plain, "remote")
    push(plain, Silent())
    queue(plain)
    shutil.rmtree(cache_folder(plain) / "files")
    run_worker(plain, debounce=0)
    assert resolve(plain, "HEAD").report == "run"


def test_cancelling(plain: Project, training: Training) -> None:
    running = queue(plain)
    git(plain.root, "checkout", "-q", "-b", "side")
    edit(plain, "# side\n")
    waiting = queue(plain)
    assert jobs.cancel(plain, waiting.number).state == "cancelled"

    def cancel_me(there: Project, progress: Progress) -> None:
        jobs.cancel(plain, running.number)
        time.sleep(0.6)  # progress looks at most twice a second
        progress.update("evaluate", "still at it")
        raise AssertionError("it went on")

    training.during = cancel_me
    assert run_worker(plain, debounce=0) == 1
    assert [job.state for job in read_jobs(queue_folder(plain))] == ["cancelled", "cancelled"]
    assert resolve(plain, running.commit).state == "none"
    assert git(plain.root, "worktree", "list").count("\n") == 0
    with pytest.raises(UsageError, match="is cancelled"):
        jobs.cancel(plain, running.number)
    with pytest.raises(UsageError, match="no job 99"):
        jobs.cancel(plain, 99)
    with pytest.raises(UsageError, match="no job 99"):
        jobs.log(plain, 99)


def test_a_cancelled_job_may_be_queued_again(plain: Project, no_worker: None) -> None:
    first = queue(plain)
    jobs.cancel(plain, first.number)
    again = queue(plain)
    assert (again.key, again.state, again.number) == (first.key, "waiting", first.number + 1)


def test_progress_can_be_watched(plain: Project, training: Training) -> None:
    job = queue(plain)
    seen: list[float] = []

    def look(there: Project, progress: Progress) -> None:
        time.sleep(0.6)
        progress.update("train", "epoch 3", 1, 2)
        version = resolve(plain, "HEAD")
        assert version.state == "pending"
        seen.append(version.progress or 0.0)
        found = jobs.status(plain)
        assert found.worker == os.getpid()
        (shown,) = found.open
        assert shown.progress is not None
        assert (shown.progress.stage, shown.progress.message) == ("train", "epoch 3")

    training.during = look
    run_worker(plain, debounce=0)
    assert seen == [0.575]
    assert read_job(queue_folder(plain), job.key) is not None
    assert jobs.status(plain).open == ()


def test_progress_ignores_what_it_does_not_know(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        listener = FileProgress(tmp_path, "k", log)
        listener.update("pull", "objects", 3, None)
    found = read_progress(tmp_path, "k")
    assert found is not None
    assert found.fraction == 0.0


def test_compile_only(plain: Project, training: Training) -> None:
    job = jobs.queue_job(plain, "HEAD", stages=("compile",), start=False)
    assert job is not None
    run_worker(plain, debounce=0)
    assert resolve(plain, "HEAD").state == "none"
    assert dvc.restore_from_run_cache(plain, "compile")


def test_what_a_killed_worker_left_is_taken_up(plain: Project, training: Training) -> None:
    job = queue(plain)
    folder = queue_folder(plain)
    write_job(folder, replace(job, state="running", pid=999_999_999, started=1.0))
    stale = plain.root / ".ovt" / "worktrees" / job.commit[:16]
    git(plain.root, "worktree", "add", "-q", "--detach", str(stale))
    (stale / "junk").write_text("x")
    assert run_worker(plain, debounce=0) == 1
    assert resolve(plain, "HEAD").state == "ready"
    assert not stale.exists()


def test_one_worker_at_a_time(plain: Project, training: Training, no_worker: None) -> None:
    queue(plain)
    assert run_worker(plain, debounce=0) == 0
    assert not jobs.start_worker(plain)


def test_a_series_of_commits_trains_its_last(plain: Project, training: Training) -> None:
    for number in range(3):
        edit(plain, f"# {number}\n")
        queue(plain)
    assert run_worker(plain, debounce=0.2) == 1
    assert resolve(plain, "HEAD").state == "ready"


def test_old_jobs_are_forgotten(plain: Project, no_worker: None) -> None:
    folder = queue_folder(plain)
    for number in range(jobs.KEPT + 5):
        write_job(folder, Job(f"{number:064}", "x", number + 1, "done"))
    queue(plain)
    found = read_jobs(folder)
    assert len(found) == jobs.KEPT + 1
    assert found[-1].number == jobs.KEPT + 6


def test_waiting_has_an_end(plain: Project, no_worker: None) -> None:
    job = queue(plain)
    with pytest.raises(MissingError, match="not done after 0 s"):
        jobs.wait(plain, 0.3)
    assert jobs.wait(plain, 0.3, keys=["another"]).open
    jobs.cancel(plain, job.number)
    assert jobs.wait(plain, 5).open == ()


def test_in_a_folder_and_from_a_worktree(tmp_path: Path, training: Training) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    project = write_project(tmp_path / "repo" / "models" / "intent")
    commit_all(project, "inputs")
    linked = tmp_path / "linked"
    git(tmp_path / "repo", "worktree", "add", "-q", "-b", "linked", str(linked))
    there = Project(linked / "models" / "intent")
    queue(there)
    assert (project.root / ".ovt" / "queue").is_dir()
    assert not (there.root / ".ovt" / "queue").exists()
    assert run_worker(project, debounce=0) == 1
    assert resolve(there, "HEAD").state == "ready"
    assert output_path(there, resolve(there, "HEAD"), "build/predictions.parquet").is_file()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_real_worker_outlives_whoever_started_it(plain: Project) -> None:
    """The data is gone, so that the job ends without training: what counts is who runs it, where and how."""
    shutil.rmtree(cache_folder(plain) / "files")
    code = ("import sys, pathlib\nfrom ovt.project import Project\nfrom ovt.workflows.background.jobs import queue_job\n"
            "print(queue_job(Project(pathlib.Path(sys.argv[1]))).key)\n")
    starter = subprocess.Popen([sys.executable, "-c", code, str(plain.root)], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    assert starter.stdout is not None
    key = starter.stdout.readline().strip()
    os.killpg(starter.pid, signal.SIGHUP)  # the terminal is closed
    starter.wait()
    starter.stdout.close()
    workers: set[int] = set()
    nice: set[int] = set()

    def listen(now: jobs.QueueStatus) -> None:
        if now.worker and alive(now.worker):
            workers.add(now.worker)
            try:
                assert os.getsid(now.worker) != os.getsid(0)
                nice.add(os.getpriority(os.PRIO_PROCESS, now.worker))
            except ProcessLookupError:
                pass

    done = jobs.wait(plain, 60, listen=listen)
    assert [(found.job.key, found.job.state, found.job.why) for found in done.jobs] == [
        (key, "failed", "not on this machine")]
    assert len(workers) == 1
    assert nice == {os.getpriority(os.PRIO_PROCESS, 0) + 10} or nice == {19}
    assert (plain.root / ".ovt" / "logs" / "worker.log").read_text() == ""


def test_the_queue_is_plain_json(plain: Project, no_worker: None) -> None:
    job = queue(plain)
    value = json.loads((queue_folder(plain) / f"{job.key}.json").read_text())
    assert value["format"] == "ovt.job/1"
    assert value["state"] == "waiting"
