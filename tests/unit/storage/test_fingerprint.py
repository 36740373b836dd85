from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from ovt.errors import ProjectError
from ovt.project import Project
from ovt.storage import fingerprint as module
from ovt.storage.fingerprint import fingerprint, folder_md5, prints_of, tracked_hash


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "b.jsonl").write_text("b\n")
    (tmp_path / "data" / "inner" / "ä.jsonl").write_text("a\n")
    return Project(tmp_path)


def age(path: Path, seconds: float = 10) -> None:
    then = time.time_ns() - int(seconds * 1e9)
    os.utime(path, ns=(then, then))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_a_folder_is_the_json_of_its_files(project: Project) -> None:
    rows = [{"md5": md5("b\n"), "relpath": "b.jsonl"}, {"md5": md5("a\n"), "relpath": "inner/ä.jsonl"}]
    assert fingerprint(project, project.root / "data") == md5(json.dumps(rows)) + ".dir"
    assert folder_md5([("inner/ä.jsonl", md5("a\n")), ("b.jsonl", md5("b\n"))]) == md5(json.dumps(rows)) + ".dir"


def test_what_is_absent_or_empty_has_no_fingerprint(project: Project) -> None:
    (project.root / "tags").mkdir()
    assert fingerprint(project, project.root / "tags") is None
    assert fingerprint(project, project.root / "nothing") is None


def test_dvcignore_is_respected_and_read_again_when_it_changes(project: Project) -> None:
    before = fingerprint(project, project.root / "data")
    (project.root / "data" / "__pycache__").mkdir()
    (project.root / "data" / "__pycache__" / "x.pyc").write_text("")
    (project.root / "data" / "keep.tmp").write_text("")
    assert fingerprint(project, project.root / "data") != before
    (project.root / ".dvcignore").write_text("# junk\n__pycache__/\n*.tmp\n")
    assert fingerprint(project, project.root / "data") == before
    (project.root / ".dvcignore").write_text("__pycache__/\n*.tmp\n!keep.tmp\n")
    assert fingerprint(project, project.root / "data") != before


def test_an_old_file_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    original = module.file_md5

    def counting(path: Path) -> str:
        reads.append(path)
        return original(path)

    monkeypatch.setattr(module, "file_md5", counting)
    monkeypatch.setattr(module, "TICK_NS", 0)
    time.sleep(0.02)
    first = fingerprint(project, project.root / "data")
    assert len(reads) == 2
    assert fingerprint(project, project.root / "data") == first
    assert len(reads) == 2
    module._OPEN.clear()  # as another process would
    assert fingerprint(project, project.root / "data") == first
    assert len(reads) == 2


def test_a_file_changed_within_the_tick_is_not_trusted(project: Project) -> None:
    path = project.root / "data" / "b.jsonl"
    before = fingerprint(project, path)
    state = path.stat()
    path.write_text("c\n")  # same size
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint(project, path) == md5("c\n") != before


def test_a_change_that_keeps_size_and_time_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_NS", 0)
    path = project.root / "data" / "b.jsonl"
    age(path)
    time.sleep(0.02)
    fingerprint(project, path)
    state = path.stat()
    time.sleep(0.02)
    path.write_text("c\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # what `cp -p` or an unpacked archive does
    assert fingerprint(project, path) == md5("c\n")


def test_a_broken_store_is_forgotten(project: Project) -> None:
    store = project.private / "cache" / "fingerprints.json"
    store.parent.mkdir(parents=True)
    store.write_text("{broken")
    assert fingerprint(project, project.root / "data" / "b.jsonl") == md5("b\n")


def test_a_read_only_project_is_only_slower(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(module, "write_bytes", refuse)
    monkeypatch.setattr(module, "TICK_NS", 0)
    time.sleep(0.02)
    assert fingerprint(project, project.root / "data" / "b.jsonl") == md5("b\n")


def test_blobs_are_computed_for_what_is_unknown_only(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_NS", 0)
    time.sleep(0.02)
    path = project.root / "data" / "b.jsonl"
    asked: list[list[Path]] = []

    def compute(paths: list[Path]) -> dict[Path, str]:
        asked.append(paths)
        return dict.fromkeys(paths, "1" * 40)

    prints = prints_of(project)
    assert prints.blobs([path], compute) == {path: "1" * 40}
    assert prints.blobs([path], compute) == {path: "1" * 40}
    assert asked == [[path]]
    (project.root / ".gitattributes").write_text("*.jsonl text eol=lf\n")  # other line endings, other ids
    prints.blobs([path], compute)
    assert asked == [[path], [path]]


def test_the_hash_in_a_pointer(project: Project) -> None:
    pointer = project.root / "data.dvc"
    assert tracked_hash(pointer) is None
    pointer.write_text("outs:\n- md5: abc.dir\n  path: data\n")
    assert tracked_hash(pointer) == "abc.dir"
    pointer.write_text("hello: 1\n")
    with pytest.raises(ProjectError, match="no DVC file"):
        tracked_hash(pointer)
