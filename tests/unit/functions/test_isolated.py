"""What a function may do to its process without taking the run, or another function's votes, down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ovt.data import store_writer
from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.functions.apply import apply_functions, try_functions
from ovt.functions.discover import discover
from ovt.progress import Silent

LIMITS = "errors: {seconds: 0.4, memory: 300MB}\n"
GOOD = """
from ovt import labeling_function
@labeling_function("Intent")
def a_good(r):
    return "age" if int(r.id[1:]) % 2 else None

@labeling_function("Intent")
def z_good(r):
    return "height"
"""


@pytest.fixture
def eight(bench, monkeypatch):
    """Eight records in shards of two."""
    monkeypatch.setattr(store_writer, "MIN_RECORDS", 2)
    monkeypatch.setattr(store_writer, "MAX_RECORDS", 2)
    bench.records(*({"id": f"q{number}", "payloads": {"query": f"text {number}"}} for number in range(8)))
    bench.write("ovt.yaml", LIMITS)
    bench.compiled()
    return bench


def tried(bench, progress=None):
    store = Store.open(bench.root / "build/store")
    return try_functions(bench.project, store, discover(bench.project, "labeling"), progress or Silent())


def misbehave(bench, body, name="bad"):
    code = GOOD + f"@labeling_function('Intent')\ndef {name}(r):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
    bench.write("labelers/a.py", code + "\n")
    return code.count("\n", 0, code.index(f"def {name}")) + 1


CASES = {
    "hangs": ("if r.id == 'q3':\n    while True: pass", "no answer within 0.4 s", 2),
    "sleeps in C": ("import time\nif r.id == 'q3': time.sleep(60)", "no answer within 0.4 s", 2),
    "hangs and lets nothing stop it": (
        "if r.id == 'q3':\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "no answer within 0.4 s", 4),
    "ends the process": ("import os\nif r.id == 'q3': os._exit(0)", "it ended its process (exit status 0)", None),
    "crashes": ("import ctypes\nif r.id == 'q3': ctypes.string_at(0)", "it crashed its process (Segmentation fault)", 2),
    "eats memory": ("if r.id == 'q3':\n    x = bytearray(1 << 30)", "it took more memory than it may", 2),
    "is killed": ("import os\nif r.id == 'q3': os.kill(os.getpid(), 9)", "its process was killed from outside", None),
}


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("case", CASES)
def test_a_function_that_misbehaves_is_named_and_the_others_keep_their_votes(eight, monkeypatch, case, workers):
    monkeypatch.setenv("OVT_WORKERS", workers)
    body, why, below = CASES[case]
    line = misbehave(eight, body)
    done = tried(eight)
    assert list(done.failures) == ["bad"]
    failure = done.failures["bad"]
    assert failure.why.startswith(why)
    assert failure.first == "q3"
    assert failure.stopped
    if below is not None:
        assert line < int(failure.at.removeprefix("labelers/a.py:")) <= line + below + 1
        assert "in bad" in failure.traceback
    assert done.answers["a_good"].items.tolist() == [1, 3, 5, 7]
    assert done.answers["z_good"].items.tolist() == list(range(8))
    again = tried(eight)
    assert again.stats.cached >= 8
    assert again.failures["bad"].why == failure.why


def test_the_error_names_function_record_line_and_a_command(eight):
    line = misbehave(eight, "if r.id == 'q5':\n    while True: pass")
    progress = Silent()
    with pytest.raises(ProjectError) as caught:
        apply_functions(eight.project, Store.open(eight.root / "build/store"), discover(eight.project, "labeling"), progress)
    error = caught.value
    assert error.what == "labeling function `bad` was stopped at record q5"
    assert error.at == f"labelers/a.py:{line + 2}"
    assert error.why == "no answer within 0.4 s (first: q5)"
    assert "errors.seconds" in error.fix
    assert error.command == "ovt label --source bad --record q5"


def test_a_traceback_is_told_for_a_function_that_raises(eight):
    misbehave(eight, "return helper(r)")
    with (eight.root / "labelers/a.py").open("a") as file:
        file.write("\n\ndef helper(r):\n    return {}[r.id]\n")
    failure = tried(eight).failures["bad"]
    assert (failure.count, failure.first) == (8, "q0")
    lines = failure.traceback.splitlines()
    assert "in bad: return helper(r)" in lines[0]
    assert "in helper: return {}[r.id]" in lines[1]
    assert lines[2] == "KeyError: 'q0'"


def test_prints_of_every_kind_are_kept_from_stdout(eight, capfd):
    misbehave(eight, "import os, sys\nprint('by python')\nsys.stderr.write('an error\\n')\nos.write(1, b'by C\\n')")
    progress = Silent()
    tried(eight, progress)
    assert capfd.readouterr() == ("", "")
    (note,) = [note for note in progress.notes if "printed" in note]
    assert note == "`bad` printed: by python … and 23 lines more"


def test_answers_are_the_same_whatever_the_number_of_workers(eight, monkeypatch):
    misbehave(eight, "return ['age', 'height', None, 'unknown'][int(r.id[1:]) % 4] if r.id != 'q6' else 1 / 0")
    found = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("OVT_WORKERS", workers)
        for path in (eight.root / ".ovt/cache/votes").rglob("*"):
            if path.is_file():
                path.unlink()
        done = tried(eight)
        answers = {name: (one.items.tolist(), one.labels.tolist(), one.table) for name, one in done.answers.items()}
        found.append((answers, done.failures["bad"].first, done.failures["bad"].count))
    assert found[0] == found[1] == found[2]


def test_progress_tells_the_rate_the_time_left_and_the_slow_record(eight):
    class Lines(Silent):
        def __init__(self):
            super().__init__()
            self.lines = []

        def update(self, stage, message, done=None, total=None):
            self.lines.append((message, done, total))

    eight.write("ovt.yaml", "errors: {seconds: 30}\n")
    misbehave(eight, "import time\nif r.id == 'q7': time.sleep(2.4)")
    progress = Lines()
    tried(eight, progress)
    assert progress.lines[-1][1:] == (24, 24)
    assert any(" records/s · " in message and " left" in message for message, *_ in progress.lines)
    assert any(message.endswith("2 s at q7") for message, *_ in progress.lines)


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(eight, tmp_path):
    misbehave(eight, "import time\nif r.id == 'q7':\n    open('PID', 'w').write(str(__import__('os').getpid()))\n    time.sleep(60)")
    eight.write("ovt.yaml", "errors: {seconds: 60}\n")
    code = ("import sys; from pathlib import Path; from ovt.project import Project; from ovt.data.store import Store;"
            "from ovt.functions.discover import discover; from ovt.functions.apply import apply_functions;"
            "from ovt.progress import Silent; project = Project(Path(sys.argv[1])); progress = Silent()\n"
            "try: apply_functions(project, Store.open(project.build / 'store'), discover(project, 'labeling'), progress)\n"
            "except KeyboardInterrupt: print(progress.notes[-1])")
    # A shell that starts the tests in the background makes them, and so this child, ignore Ctrl-C.
    process = subprocess.Popen([sys.executable, "-c", code, str(eight.root)], cwd=tmp_path, stdout=subprocess.PIPE,
                               text=True, env={**os.environ, "OVT_WORKERS": "1"},
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # noqa: PLW1509 - no threads here
    until = time.monotonic() + 20
    while not ((tmp_path / "PID").exists() and (tmp_path / "PID").read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=10)
    assert told.strip() == "interrupted: 10 of 12 passes are done and kept"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "PID").read_text()), 0)
    misbehave(eight, "return None", name="other")
    assert tried(eight).stats.cached == 7


def test_a_run_that_is_killed_takes_its_workers_along(eight, tmp_path):
    misbehave(eight, "import time\nopen('PID', 'w').write(str(__import__('os').getpid()))\ntime.sleep(60)")
    code = ("import sys; from pathlib import Path; from ovt.project import Project; from ovt.data.store import Store;"
            "from ovt.functions.discover import discover; from ovt.functions.apply import apply_functions;"
            "from ovt.progress import Silent; project = Project(Path(sys.argv[1]));"
            "apply_functions(project, Store.open(project.build / 'store'), discover(project, 'labeling'), Silent())")
    eight.write("ovt.yaml", "errors: {seconds: 60}\n")
    process = subprocess.Popen([sys.executable, "-c", code, str(eight.root)], cwd=tmp_path, env={**os.environ, "OVT_WORKERS": "1"})
    until = time.monotonic() + 20
    while not ((tmp_path / "PID").exists() and (tmp_path / "PID").read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    child = int((tmp_path / "PID").read_text())
    until = time.monotonic() + 5
    while alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(child)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
