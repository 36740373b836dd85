"""Work in a process of its own: what it tells, how it is stopped, what its errors become; real Git and DVC."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time

import pytest

from ovt.errors import InternalError, MissingError, ProjectError, UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt_tui.errand_process import Teller
from ovt_tui.errands import Stopped, run_errand
from ovt_tui.gateway import ProjectGateway

SCHEMA = """{"payloads": {"query": {"type": "singleton"}},
 "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}
"""
SLOW = """import time
from ovt import labeling_function

@labeling_function(task="Intent")
def slow(record):
    print("a person's own words")
    time.sleep(60)
"""


def git(folder, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Heard(Silent):
    """Progress that keeps all it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def update(self, stage, message, done=None, total=None):
        self.stages.append(stage)


@pytest.fixture
def root(tmp_path):
    """A project with a slow labeling function and one commit, no model."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "schema.json").write_text(SCHEMA)
    (tmp_path / "ovt.yaml").write_text("gold: {source: gold}\n")
    (tmp_path / "data").mkdir()
    rows = [{"id": f"q-{n}", "payloads": {"query": f"how tall {n}"}, "tags": ["train"]} for n in range(4)]
    (tmp_path / "data" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "labelers").mkdir()
    (tmp_path / "labelers" / "slow.py").write_text(SLOW)
    (tmp_path / ".gitignore").write_text("/.ovt/\n/data/\n/build/\n/model/\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


@pytest.fixture
def tracked(root):
    """The same with DVC."""
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True)
    git(root, "commit", "-q", "-m", "dvc")
    return root


def test_a_run_is_stopped_and_nothing_is_committed(tracked):
    root = tracked
    head, stop, heard = git(root, "rev-parse", "HEAD"), threading.Event(), Heard()
    found: list[BaseException] = []

    def work() -> None:
        try:
            ProjectGateway(Project(root)).commit("second", heard, stop)
        except Stopped as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while "label" not in heard.stages and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "label" in heard.stages, heard.notes
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert found
    assert git(root, "rev-parse", "HEAD") == head
    assert not (root / "build" / "labels").exists()


def test_an_error_of_the_project_arrives_as_it_was_raised(tracked):
    root = tracked
    (root / "schema.json").write_text("{")
    with pytest.raises(ProjectError) as caught:
        ProjectGateway(Project(root)).run(Silent(), threading.Event())
    assert "schema.json" in str(caught.value.at)


def test_a_partly_staged_input_stops_it_before_anything_runs(root):
    (root / "ovt.yaml").write_text("gold: {source: gold}\n# staged\n")
    git(root, "add", "ovt.yaml")
    (root / "ovt.yaml").write_text("gold: {source: gold}\n# edited since\n")
    heard = Heard()
    with pytest.raises(ProjectError, match="partly staged"):
        ProjectGateway(Project(root)).commit("second", heard, threading.Event())
    assert not heard.stages


def test_a_version_that_nobody_has_trained_cannot_be_fetched(root):
    with pytest.raises(MissingError, match="no model of") as caught:
        ProjectGateway(Project(root)).fetch("HEAD", Silent(), threading.Event())
    assert caught.value.command == "ovt run --rev HEAD"


def test_an_unknown_version_is_told_as_ovt_tells_it(root):
    with pytest.raises(UsageError, match="no revision `nowhere`"):
        ProjectGateway(Project(root)).fetch("nowhere", Silent(), threading.Event())


def test_a_bug_leaves_its_traceback_in_the_project(root):
    with pytest.raises(InternalError, match="KeyError") as caught:
        run_errand(root, ("dance",), Silent(), threading.Event())
    assert "KeyError: 'dance'" in (root / ".ovt" / "logs").joinpath(str(caught.value.at).rpartition("/")[2]).read_text()


def test_a_process_that_dies_says_its_last_words(root, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InternalError, match="ended with code 1"):
        run_errand(root, ("run",), Silent(), threading.Event())


def test_what_has_changed_is_told_in_words(root):
    (root / "labelers" / "slow.py").write_text(SLOW.replace("60", "61"))
    changes = ProjectGateway(Project(root)).changes()
    assert "data/ changed" in changes
    assert "labelers/slow.py changed" in changes
    assert "label will run: never run" in changes


def test_a_stage_that_hurries_is_not_told_line_by_line():
    out = io.StringIO()
    teller = Teller(out)
    for done in range(1, 1001):
        teller.update("train", "rows", done, 1000)
    lines = out.getvalue().splitlines()
    assert 2 <= len(lines) < 100
    assert json.loads(lines[-1]) == {"update": ["train", "rows", 1000, 1000]}
