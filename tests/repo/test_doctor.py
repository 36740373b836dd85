"""`ovt doctor`: what it finds, and what `--fix` mends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sandbox import git

from ovt.cli.main import main
from ovt.project import Project
from ovt.storage.journal import kept
from ovt.versions.queue import Job, queue_folder, write_job
from ovt.workflows.doctor import Finding, examine, mend
from ovt.workflows.health import places
from ovt.workflows.sharing.share import remote_add

THEMES = {"python", "git", "sqlite", "schema and settings", "hooks", "merge drivers", "disk", "cache links", "remote",
          "at work", "half-written files", "locks of Git", "locks of DVC", "worktrees of dead jobs", "background"}


def found(project: Project, name: str, **options: bool) -> Finding:
    return next(item for item in examine(project, **options) if item.name == name)


def test_a_sound_project(recorded: Project, capsys: pytest.CaptureFixture[str]) -> None:
    findings = examine(recorded)
    assert {item.name for item in findings} >= THEMES
    assert [item.name for item in findings if not item.ok and item.weight == "needed" and item.name != "ovt on PATH"] == []
    assert all(item.fix for item in findings if not item.ok)
    assert main(["-C", str(recorded.root), "doctor", "--json", "--offline"]) in {0, 4}
    assert json.loads(capsys.readouterr().out)["format"] == "ovt.doctor/1"


def test_leftovers_are_found_and_mended(recorded: Project) -> None:
    root = recorded.root
    lock = (root / "dvc.lock").read_bytes()
    with kept(recorded):
        copy = (root / ".ovt/journal/dvc.lock.copy").read_bytes()
    (root / ".ovt/journal/dvc.lock.copy").write_bytes(copy)
    (root / "dvc.lock").write_bytes(lock[:40])
    (root / ".git/index.lock").write_text("")
    (root / ".dvc/tmp/rwlock").write_text("{half")
    git(root, "worktree", "add", "-q", "--detach", str(root / ".ovt/worktrees/dead"))
    write_job(queue_folder(recorded), Job("k" * 64, "c", 1, "waiting"))
    names = ("half-written files", "locks of Git", "locks of DVC", "worktrees of dead jobs", "background")
    before = {item.name: item for item in examine(recorded)}
    assert [before[name].ok for name in names] == [False] * 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ovt.workflows.health.leftovers.resume", lambda _: True)
        after = {item.name: item for item in mend(list(before.values()))}
    assert [after[name].ok for name in names] == [True] * 5
    assert (root / "dvc.lock").read_bytes() == lock
    assert not (root / ".git/index.lock").exists()
    assert not (root / ".ovt/worktrees/dead").exists()
    again = {item.name: item for item in examine(recorded)}
    assert [again[name].ok for name in names[:4]] == [True] * 4
    assert again["merge drivers"].ok  # set up by the way


def test_the_remote_is_asked(recorded: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not found(recorded, "remote").ok
    remote_add(recorded, str(tmp_path / "store"))
    fine = found(recorded, "remote")
    assert fine.ok
    assert "answers" in fine.found
    assert found(recorded, "remote", network=False).found.endswith("not asked")
    monkeypatch.setattr(places, "PATIENCE", 0.05)
    monkeypatch.setattr(places, "_asked", lambda *_: __import__("time").sleep(0.5))
    assert "no answer" in found(recorded, "remote").found


def test_little_room_and_a_broken_schema_are_faults(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOW_DISK", 1 << 60)
    assert found(recorded, "disk").fix == "make room: ovt gc"
    (recorded.root / "schema.json").write_text("{")
    broken = found(Project(recorded.root), "schema and settings")
    assert not broken.ok
    assert "schema.json" in broken.fix
    assert main(["-C", str(recorded.root), "doctor", "--offline"]) == 4


def test_link_types(recorded: Project) -> None:
    shown = found(recorded, "cache links")
    assert shown.ok
    (recorded.root / ".dvc/config.local").write_text("[cache]\n    type = symlink\n")
    assert found(recorded, "cache links").found.startswith("symlink in ")
