"""What killed processes leave: DVC's `rwlock`, its temporary files, Git's locks."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ovt.errors import MissingError
from ovt.project import Project
from ovt.storage import git_locks
from ovt.storage.dvc_locks import mend_rwlock, rwlock_is_right
from ovt.storage.git import Git, git_of
from ovt.storage.git_locks import NOTE, clear, lock_files, noted
from ovt.storage.journal import kept, left_behind, recover

DEAD = 999_999_999


def rwlock(project: Project, content: str) -> Path:
    path = project.root / ".dvc" / "tmp" / "rwlock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def entry(pid: int) -> str:
    info = {"pid": pid, "cmd": "dvc"}
    return json.dumps({"write": {"/x": info}, "read": {"/y": [info, {"pid": DEAD, "cmd": "gone"}]}})


def test_half_a_rwlock_is_cleaned(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert rwlock_is_right(project)
    assert not mend_rwlock(project)
    for content in ("", '{"read": {"/a": [{"pi', "[1]", '{"write": {"/a": {"cmd": "x"}}}'):
        path = rwlock(project, content)
        assert not rwlock_is_right(project)
        assert mend_rwlock(project)
        assert json.loads(path.read_text()) == {}
        assert not mend_rwlock(project)


def test_entries_of_the_living_stay_and_those_of_the_dead_go(tmp_path: Path) -> None:
    project = Project(tmp_path)
    path = rwlock(project, entry(os.getpid()))
    assert mend_rwlock(project)
    mine = {"pid": os.getpid(), "cmd": "dvc"}
    assert json.loads(path.read_text()) == {"read": {"/y": [mine]}, "write": {"/x": mine}}
    # Written before this process began: somebody else had its number then.
    os.utime(path, (1.0, 1.0))
    assert mend_rwlock(project)
    assert json.loads(path.read_text()) == {"read": {}, "write": {}}


def test_temporary_files_of_a_killed_checkout_go_with_the_journal(tmp_path: Path) -> None:
    project = Project(tmp_path)
    temporary = ".Zluj1PixEj-ABkXyx1Ryfg.tmp"
    names = [f"build/labels/{temporary}", f"reports/{temporary}", f"data/deep/{temporary}", temporary]
    own = ["data/.mine.tmp", "build/x.tmp", f".ovt/scratch/{temporary}", f".dvc/cache/{temporary}"]
    for name in (*names, *own):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert recover(project) == ()
    assert (tmp_path / names[0]).exists()  # nobody was killed: perhaps somebody is at work
    with pytest.raises(ZeroDivisionError), kept(project):
        _ = 1 // len(left_behind(project)[1:])
    assert [name for name in (*names, *own) if (tmp_path / name).exists()] == own


@pytest.fixture
def project(tmp_path: Path) -> Project:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "file").write_text("x")
    return Project(tmp_path)


def die(project: Project) -> None:
    """As if ovt had been killed while Git wrote."""
    with pytest.raises(KeyboardInterrupt), noted(project, git_of(project.root).layout):
        raise KeyboardInterrupt
    note = project.private / NOTE
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": DEAD}))


def test_a_lock_that_was_there_before_is_not_ours(project: Project) -> None:
    layout = git_of(project.root).layout
    before = layout.git_dir / "HEAD.lock"
    before.write_text("")
    die(project)
    ours = layout.git_dir / "index.lock"
    ours.write_text("")
    assert lock_files(layout) == [before.resolve(), ours.resolve()]
    assert clear(project, layout) == (ours.resolve(),)
    assert before.exists()
    assert not (project.private / NOTE).exists()
    assert clear(project, layout) == ()


def test_without_a_note_nothing_is_touched_unless_a_person_asks(project: Project) -> None:
    layout = git_of(project.root).layout
    lock = layout.git_dir / "index.lock"
    lock.write_text("")
    assert clear(project, layout) == ()
    assert clear(project, layout, unasked=False) == (lock.resolve(),)
    assert not lock.exists()


def test_a_living_git_keeps_its_lock(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_locks, "SETTLE", 0.4)
    layout = git_of(project.root).layout
    die(project)
    lock = layout.git_dir / "index.lock"
    lock.write_text("")
    living = subprocess.Popen(["git", "hash-object", "--stdin"], cwd=project.root, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL)
    time.sleep(0.1)
    try:
        assert clear(project, layout) == ()
        assert lock.exists()
    finally:
        assert living.stdin is not None
        living.stdin.close()
        living.wait()


def test_where_the_system_does_not_tell_a_lock_must_grow_old(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_locks, "SETTLE", 0.2)
    monkeypatch.setattr(git_locks, "_git_at_work", lambda _: None)
    layout = git_of(project.root).layout
    die(project)
    lock = layout.git_dir / "index.lock"
    lock.write_text("")
    assert clear(project, layout) == (lock.resolve(),)


def test_another_git_command_is_waited_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = project.root / ".git" / "index.lock"
    lock.write_text("")
    threading.Timer(0.3, lock.unlink).start()
    with Git(project.root) as git:
        git.run("add", "file")
        assert [found.path for found in git.index("file")] == ["file"]
        lock.write_text("")
        monkeypatch.setattr(git_locks, "PATIENCE", 0.1)
        with pytest.raises(MissingError) as caught:
            git.run("add", "file")
    assert "delete" not in str(caught.value)
    assert caught.value.command == "ovt doctor --fix"
