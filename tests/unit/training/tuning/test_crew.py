from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ovt.progress import Silent
from ovt.training.tuning.crew import Processes
from ovt.training.tuning.trial import Job, Result

if TYPE_CHECKING:
    from pathlib import Path

WORKER = """
import json, os, sys, time
for line in sys.stdin:
    job = json.loads(line)
    what = job["values"]["what"]
    if what == "die":
        print("no memory left", file=sys.stderr, flush=True)
        os._exit(9)
    if what == "slow":
        time.sleep(0.5)
    print(json.dumps({"told": [f"trial {job['number']} at work", 1, 2]}), flush=True)
    print(json.dumps({"number": job["number"], "state": "complete", "score": 0.5, "curve": [0.5]}), flush=True)
"""


class Told(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        self.lines.append((stage, message))


def hired(tmp_path: Path, size: int, progress: Silent | None = None) -> Processes:
    return Processes([sys.executable, "-c", WORKER], size, tmp_path / "log", progress or Silent())


def job(number: int, what: str = "quick") -> Job:
    return Job(number, {"what": what}, seed=0, bar=(0.5, 0.6), limits=(1.0, None))


def test_jobs_are_done_at_once_and_progress_is_passed_on(tmp_path: Path) -> None:
    heard = Told()
    crew = hired(tmp_path, 2, heard)
    try:
        crew.submit(job(1, "slow"))
        crew.submit(job(2))
        first, second = crew.next(), crew.next()
    finally:
        crew.close()
    assert first == Result(2, "complete", score=0.5, curve=(0.5,))
    assert second.number == 1
    assert ("tune", "trial 2 at work") in heard.lines


def test_a_worker_that_dies_fails_its_job_and_the_other_goes_on(tmp_path: Path) -> None:
    crew = hired(tmp_path, 2)
    try:
        crew.submit(job(1, "die"))
        crew.submit(job(2, "slow"))
        found = {result.number: result for result in (crew.next(), crew.next())}
        assert found[1].state == "failed"
        assert found[1].why == "its process ended: no memory left"
        assert found[2].state == "complete"
        crew.submit(job(3))
        assert crew.next().state == "complete"
    finally:
        crew.close()


@pytest.mark.timeout(30)
def test_when_all_have_died_what_is_left_fails_and_nobody_waits(tmp_path: Path) -> None:
    crew = hired(tmp_path, 1)
    try:
        crew.submit(job(1, "die"))
        assert crew.next().state == "failed"
        crew.submit(job(2))
        assert crew.next().state == "failed"
    finally:
        crew.close()


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    crew = hired(tmp_path, 2)
    crew.submit(job(1, "slow"))
    crew.close()
    assert all(worker.returncode is not None for worker in crew._workers)
