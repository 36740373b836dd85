"""One worker for all projects of a repository; jobs of a dead worker are taken up again, but not for ever."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, write_project

from ovt.cli.main import main
from ovt.progress import Progress
from ovt.project import Project
from ovt.storage.files import write_json
from ovt.storage.lock import try_lock
from ovt.versions.queue import (
    Job,
    queue_folder,
    read_job,
    read_jobs,
    served_projects,
    worker_folder,
    worker_lock,
    write_job,
)
from ovt.workflows.background import jobs
from ovt.workflows.background.worker import MOST_ATTEMPTS, run_worker


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Project]:
    """Which projects were trained, in order; nothing is."""
    found: list[Project] = []

    def train(project: Project, progress: Progress, *, stages: tuple[str, ...] | None = None) -> None:
        found.append(project)
        other = [job for served in served_projects(project) for job in read_jobs(queue_folder(served))]
        assert [job.state for job in other].count("running") == 1

    monkeypatch.setattr("ovt.workflows.run.run_all", train)
    monkeypatch.setattr("ovt.workflows.background.worker.publish", lambda *_: True)
    return found


@pytest.fixture
def two(tmp_path: Path) -> tuple[Project, Project]:
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    one, other = (write_project(tmp_path / "repo" / name) for name in ("one", "two"))
    (other.root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(one, "both")
    return one, other


def test_two_projects_share_one_worker_and_the_longest_waiting_goes_first(
    two: tuple[Project, Project], ran: list[Project],
) -> None:
    one, other = two
    first, second = jobs.queue_job(other, start=False), jobs.queue_job(one, start=False)
    assert first is not None
    assert second is not None
    assert served_projects(one) == served_projects(other) == [one, other]
    assert run_worker(one, debounce=0) == 2
    assert [project.root.name for project in ran] == ["two", "one"]
    release = try_lock(worker_lock(other), "the test")
    assert release is not None
    assert not jobs.start_worker(one)
    release()


def test_a_project_that_is_gone_and_a_broken_list_are_passed_over(two: tuple[Project, Project], ran: list[Project]) -> None:
    one, _ = two
    folder = worker_folder(one)
    write_json(folder / "projects.json", ["/nonexistent/project", str(one.root)])
    assert jobs.queue_job(one, start=False) is not None
    assert served_projects(one) == [one]
    (folder / "projects.json").write_text("{half")
    assert served_projects(one) == []
    assert jobs.queue_job(one, start=False) is not None  # says again that it has a queue
    assert run_worker(one, debounce=0) == 1


def test_a_job_that_kills_its_worker_is_given_up(plain: Project, ran: list[Project]) -> None:
    job = jobs.queue_job(plain, start=False)
    assert job is not None
    folder = queue_folder(plain)
    for attempt in range(1, MOST_ATTEMPTS):
        write_job(folder, replace(job, state="running", pid=999_999_999, attempts=attempt))
        assert run_worker(plain, debounce=0) == 1
    write_job(folder, replace(job, state="running", pid=999_999_999, attempts=MOST_ATTEMPTS))
    assert run_worker(plain, debounce=0) == 0
    ended = read_job(folder, job.key)
    assert ended is not None
    assert (ended.state, ended.why) == ("failed", f"its worker was killed {MOST_ATTEMPTS} times: out of memory?")


def test_the_next_command_starts_a_worker_for_what_waits(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Project] = []
    monkeypatch.setattr(jobs, "start_worker", lambda project: started.append(project) or True)
    assert not jobs.resume(plain)  # no queue at all
    job = jobs.queue_job(plain, start=False)
    assert job is not None
    assert jobs.resume(plain)
    for words in (["status"], ["jobs"], ["jobs", "list"], ["log"]):
        assert main(["-C", str(plain.root), *words]) == 0
    assert len(started) == 5
    release = try_lock(worker_lock(plain), "the test")
    assert release is not None
    assert not jobs.resume(plain)  # one lives
    release()
    for name in ("CI", "OVT_SKIP"):
        monkeypatch.setenv(name, "1")
        assert not jobs.resume(plain)
        monkeypatch.delenv(name)
    jobs.cancel(plain, job.number)
    assert not jobs.resume(plain)


def test_how_long_it_will_take_is_told(plain: Project, capsys: pytest.CaptureFixture[str]) -> None:
    folder = queue_folder(plain)
    write_job(folder, Job("k" * 64, "c" * 40, 1, "running", pid=os.getpid()))
    (folder / f"{'k' * 64}.progress").write_text('{"stage": "train", "message": "epoch 3", "fraction": 0.25}')
    (found,) = jobs.status(plain).jobs
    assert found.seconds_left is None
    write_json(plain.cache / "seconds.json", {"compile": 20.0, "label": 20.0, "train": 300.0, "evaluate": 60.0})
    (found,) = jobs.status(plain).jobs
    assert found.seconds_left == 300.0
    os.environ["OVT_SKIP"] = "1"
    try:
        assert main(["-C", str(plain.root), "jobs"]) == 0
    finally:
        del os.environ["OVT_SKIP"]
    assert "25 % train, about 5 min left" in capsys.readouterr().out


def test_a_full_disk_is_told_in_words(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr("ovt.workflows.run.run_all", full)
    job = jobs.queue_job(plain, start=False)
    assert job is not None
    run_worker(plain, debounce=0)
    ended = read_job(queue_folder(plain), job.key)
    assert ended is not None
    assert ended.why == "the disk is full"
    assert "ovt gc" in jobs.log(plain, job.number)
