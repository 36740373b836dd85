"""The machine fails: a full disk, a folder that may not be written to, a remote that dies, a clock that jumps, odd names."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox import commit_all, git

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.storage.machine_faults import told
from ovt.storage.objects import object_path
from ovt.versions.history import history, resolve
from ovt.versions.queue import queue_folder, read_jobs, write_job
from ovt.versions.safety.fsck import Options, fsck
from ovt.workflows.background import jobs
from ovt.workflows.background.worker import run_worker
from ovt.workflows.sharing.share import push, remote_add

from .conftest import Typist, edited_copy
from .test_crash import COMMIT, Undisturbed, committed, look, nothing_is_lost, some

__all__ = ["committed"]

pytestmark = pytest.mark.timeout(3600)


def clean(project: Project) -> bool:
    return fsck(project, Silent(), Options()).clean


@pytest.mark.parametrize("count", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_a_full_disk_at_any_write(
    restorable_template: Path, committed: Undisturbed, typist: Typist, tmp_path: Path, count: int,
) -> None:
    for number in some(committed.events, count, lambda name: not name.startswith("os.remove")):
        root = edited_copy(restorable_template, tmp_path / "repo").root
        answer = typist(root, *COMMIT, fail_at=number)
        assert answer["code"] in {0, 4}, answer  # a cache that cannot be kept is no failure
        if answer["code"]:
            assert "error: the disk is full" in answer["err"]
        nothing_is_lost(typist, root)
        typist.works(root, *COMMIT)
        assert look(root, []).files == committed.files


def test_a_limit_on_the_size_of_files(restorable: Project) -> None:
    """The nearest to a small disk that needs no rights: the system itself refuses to write on."""
    folder = restorable.root / "data"
    with (folder / "big.jsonl").open("wb") as file:
        file.truncate(3 << 20)
    code = (f"import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, ({1 << 20}, {1 << 20}))\n"
            "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "from ovt.cli.main import main\nsys.exit(main(['add', 'data']))")
    done = subprocess.run([sys.executable, "-c", code], cwd=restorable.root, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "1 files could not be put into DVC's cache" in done.stderr
    assert (folder / "big.jsonl").stat().st_size == 3 << 20
    assert git(restorable.root, "status", "--porcelain", "data.dvc") == ""  # what DVC had recorded was undone
    (folder / "big.jsonl").unlink()
    assert clean(restorable)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1 << 20


def test_faults_are_told_in_words_and_bugs_are_not_hidden() -> None:
    full = told(OSError(errno.ENOSPC, "x", "/data/a"))
    assert full is not None
    assert (full.what, full.at, full.command) == ("the disk is full", "/data/a", "ovt gc")
    wrapped = ValueError("y")
    wrapped.__cause__ = OSError(errno.EROFS, "x")
    assert told(wrapped) is not None
    assert told(ValueError("a bug")) is None
    assert told(FileNotFoundError(errno.ENOENT, "x")) is None


def test_reading_works_where_nothing_may_be_written(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, whom no mode stops: every opening for writing is refused instead."""
    import tempfile

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    shutil.rmtree(recorded.cache, ignore_errors=True)
    monkeypatch.setattr(tempfile, "mkstemp", refused)
    assert [version.subject for version in history(recorded)] == ["first model", "inputs"]
    assert resolve(recorded, "HEAD").state == "ready"
    assert clean(recorded)
    assert list(recorded.cache.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="no mode stops root")
def test_a_read_only_folder_is_told(restorable: Project, typist: Typist) -> None:
    (restorable.root / ".ovt").chmod(0o555)
    try:
        answer = typist(restorable.root, *COMMIT)
    finally:
        (restorable.root / ".ovt").chmod(0o755)
    assert answer["code"] == 4
    assert "may not be written" in answer["err"]


def test_a_remote_that_dies_in_the_middle(recorded: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dvc_objects.fs.local as local

    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    real, sent = local.LocalFileSystem.put_file, []

    def dies(self: object, source: object, *arguments: object, **options: object) -> object:
        sent.append(source)
        if len(sent) > 4:
            raise OSError(errno.EIO, "the remote is gone")
        return real(self, source, *arguments, **options)

    monkeypatch.setattr(local.LocalFileSystem, "put_file", dies)
    monkeypatch.setattr("ovt.storage.remotes.retrying.WAITS", (0.01,))
    with pytest.raises(MissingError):
        push(recorded, Silent())
    monkeypatch.undo()
    assert clean(recorded)
    half = fsck(recorded, Silent(), Options(remote=True))
    assert not [fault for fault in half.faults if fault.kind == "remote-corrupt"]
    assert half.only_here > 0
    assert push(recorded, Silent()).objects > 0
    whole = fsck(recorded, Silent(), Options(remote=True))
    assert (whole.faults, whole.only_here) == ((), 0)


def test_a_clock_that_jumps(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back by a year, then ahead by one: nothing waits for ever, nothing is taken for stale or fresh that is not."""
    real = time.time
    monkeypatch.setattr("ovt.workflows.run.run_all", lambda *_, **__: None)
    monkeypatch.setattr("ovt.workflows.background.worker.publish", lambda *_: True)
    for shift in (-365 * 86400.0, 365 * 86400.0):
        monkeypatch.setattr(time, "time", lambda shift=shift: real() + shift)
        assert resolve(recorded, "workspace").state == "ready"
        assert clean(recorded)
        job = jobs.queue_job(recorded, "HEAD~1", start=False)
        assert job is not None
        monkeypatch.setattr(time, "time", real)
        began = time.monotonic()
        assert run_worker(recorded, debounce=2.0) == 1
        assert time.monotonic() - began < 30
        for found in read_jobs(queue_folder(recorded)):
            write_job(queue_folder(recorded), replace(found, state="cancelled"))


ODD = (b"caf\xe9.jsonl", b"new\nline.jsonl", b'tab\t "quote".jsonl', "名前.jsonl".encode())


def test_odd_names(recorded: Project) -> None:
    """Newlines, quotes, other scripts, and bytes that are no text."""
    for name in ODD[1:]:
        (recorded.root / "data" / os.fsdecode(name)).write_text('{"payloads": {"query": "odd"}}\n')
    dvc.add(recorded, "data")
    odd = recorded.root / "labelers" / os.fsdecode(ODD[0])
    odd.write_text("# bytes\n")
    (recorded.root / "labelers" / "new\nline.txt").write_text("x\n")
    commit_all(recorded, "odd names")
    version = resolve(recorded, "HEAD")
    assert version.key == resolve(recorded, "workspace").key != ""
    assert clean(recorded)
    assert history(recorded)[0].subject == "odd names"
    git(recorded.root, "mv", os.fsdecode(b"labelers/caf\xe9.jsonl"), "labelers/plain.jsonl")
    assert git_of(recorded.root).staged() == ["labelers/plain.jsonl"]


def test_a_name_of_no_text_in_data_is_told(recorded: Project) -> None:
    (recorded.root / "data" / os.fsdecode(ODD[0])).write_text("{}\n")
    with pytest.raises(ProjectError, match="1 file name is not UTF-8") as caught:
        dvc.add(recorded, "data")
    assert caught.value.at == r"data/caf\xe9.jsonl"
    (recorded.root / "data" / os.fsdecode(ODD[0])).unlink()
    assert resolve(recorded, "workspace").state == "ready"
    assert clean(recorded)


@pytest.mark.slow
def test_a_file_of_five_gigabytes(recorded: Project) -> None:
    """Added and checked in constant memory; the file is sparse, and linked, so that it takes no room twice."""
    if shutil.disk_usage(recorded.root).free < 12 << 30:
        pytest.skip("no room for five gigabytes")
    (recorded.root / ".dvc" / "config.local").write_text("[cache]\n    type = hardlink,symlink\n")
    with (recorded.root / "data" / "big.jsonl").open("wb") as file:
        file.truncate(5 << 30)
    code = ("import resource, sys\nfrom ovt.cli.main import main\nassert main(['add', 'data']) == 0\n"
            "assert main(['fsck']) == 0\nsys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))")
    done = subprocess.run([sys.executable, "-c", code], cwd=recorded.root, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 400 * 1024  # KiB; an empty DVC needs half of it
    assert object_path(recorded, (recorded.root / "data.dvc").read_text().split("md5: ")[1].split("\n")[0]).is_file()
