from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ovt.project import Project
from ovt.storage.lock import adding_objects, birth, deleting_objects, file_lock, holder, project_lock, try_lock

HOLD = """
import sys, time, pathlib
from ovt.storage.lock import file_lock
with file_lock(pathlib.Path(sys.argv[1]), "ovt run (train)"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_elsewhere(path: Path) -> subprocess.Popen[str]:
    found = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert found.stdout is not None
    assert found.stdout.readline() == "held\n"
    return found


def end(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_waits_and_says_for_whom(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = hold_elsewhere(path)
    told: list[str] = []
    threading.Timer(0.4, other.kill).start()
    began = time.monotonic()
    with file_lock(path, "ovt commit", told.append):
        assert time.monotonic() - began > 0.2
        found = holder(path)
        assert found is not None
        assert (found.pid, found.what) == (os.getpid(), "ovt commit")
    end(other)
    assert len(told) == 1
    assert f"waiting for ovt run (train) (process {other.pid}, since " in told[0]
    assert path.exists()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = hold_elsewhere(path)
    assert try_lock(path, "x") is None
    found = holder(path)
    assert found is not None
    assert found.pid == other.pid
    end(other)
    assert holder(path) is None
    release = try_lock(path, "x")
    assert release is not None
    release()


def test_is_reentrant_in_a_thread_and_exclusive_between_threads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    order: list[str] = []

    def second() -> None:
        with project_lock(project, "second"):
            order.append("second")

    with project_lock(project, "outer"):
        with project_lock(project, "inner"):
            thread = threading.Thread(target=second)
            thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_is_released_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), file_lock(path, "x"):
        _ = 1 // 0
    with file_lock(path, "y"):
        pass
    assert holder(path) is None


def test_a_signature_that_cannot_be_read_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    path.write_text("{half")
    assert holder(path) is None
    with file_lock(path, "x"):
        pass


def signed(path: Path, **changes: object) -> None:
    with file_lock(path, "x"):
        value = json.loads(path.read_bytes())
    path.write_text(json.dumps({**value, **changes}))


def test_a_number_that_another_process_got_later_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    signed(path)
    assert holder(path) is not None  # this process: the right number, the right birth
    signed(path, born=birth(os.getpid()) - 5)
    assert holder(path) is None
    signed(path, born=0)  # a system that does not tell
    assert holder(path) is not None
    assert birth(999_999_999) == 0


def test_a_process_of_another_machine_is_believed_to_live(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    signed(path, host="elsewhere.example", pid=999_999_999)
    found = holder(path)
    assert found is not None
    assert not found.here
    told: list[str] = []
    other = hold_elsewhere(path)
    path.write_text(json.dumps({"pid": 5, "started": 0.0, "what": "ovt run", "host": "elsewhere.example", "born": 1}))
    threading.Timer(0.3, other.kill).start()
    with file_lock(path, "y", told.append):
        pass
    end(other)
    assert "(process 5 on elsewhere.example, since" in told[0]


def test_a_clock_that_jumped_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    monkeypatch.setattr(time, "time", lambda: 10.0)
    with file_lock(path, "x"):
        found = holder(path)
        assert found is not None
        assert found.started == 10.0
        assert try_lock(path, "y") is None
    assert holder(path) is None


def test_adders_share_and_a_deleter_is_alone(tmp_path: Path) -> None:
    order: list[str] = []

    def delete() -> None:
        with deleting_objects(tmp_path):
            order.append("deleted")

    with adding_objects(tmp_path, "one"), adding_objects(tmp_path, "two"):
        thread = threading.Thread(target=delete)
        thread.start()
        time.sleep(0.3)
        order.append("added")
    thread.join()
    assert order == ["added", "deleted"]
    with adding_objects(Path("/proc/nowhere"), "a cache that cannot be written to"):
        order.append("read")


def test_a_full_disk_leaves_the_lock_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with file_lock(tmp_path / "lock", "x"):
        assert try_lock(tmp_path / "lock", "y") is None
        assert holder(tmp_path / "lock") is None  # nobody learns whose it is
