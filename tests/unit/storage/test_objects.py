from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovt.project import Project
from ovt.storage.objects import cache_folder, complete, default_remote, listing, object_path, share_cache


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".dvc").mkdir()
    return Project(tmp_path)


def test_the_cache_is_where_the_strongest_file_says(project: Project, tmp_path: Path) -> None:
    assert cache_folder(project) == tmp_path / ".dvc" / "cache"
    (tmp_path / ".dvc" / "config").write_text("[core]\n    remote = origin\n[cache]\n    dir = ../shared\n")
    assert cache_folder(project) == tmp_path / "shared"
    (tmp_path / ".dvc" / "config.local").write_text('[cache]\n    dir = "/mnt/cache"  # fast\n')
    assert cache_folder(project) == Path("/mnt/cache")


def test_the_default_remote(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_remote(project) is None
    (tmp_path / ".dvc" / "config").write_text("[core]\n    remote = origin\n['remote \"origin\"']\n    url = /x\n")
    assert default_remote(project) == "origin"
    monkeypatch.setenv("DVC_REMOTE", "other")
    assert default_remote(project) == "other"


def test_a_worktree_gets_the_cache_and_keeps_local_settings(project: Project, tmp_path: Path) -> None:
    (tmp_path / ".dvc" / "config.local").write_text("['remote \"origin\"']\n    access_key_id = \"a,b\"\n")
    there = Project(tmp_path / "wt")
    share_cache(project, there)
    text = (there.root / ".dvc" / "config.local").read_text()
    assert text.startswith("['remote \"origin\"']\n    access_key_id = \"a,b\"\n[cache]\n")
    assert f"dir = {tmp_path}/.dvc/cache\n" in text
    assert f"site_cache_dir = {there.root}/.dvc/tmp/site\n" in text
    assert cache_folder(there) == tmp_path / ".dvc" / "cache"


def test_complete_means_every_file_of_a_folder(project: Project) -> None:
    digest = "0123.dir"
    assert listing(project, digest) is None
    assert not complete(project, digest)
    path = project.root / ".dvc" / "cache" / "files" / "md5"
    (path / "01").mkdir(parents=True)
    (path / "01" / "23.dir").write_text(json.dumps([{"md5": "45678", "relpath": "a"}]))
    assert listing(project, digest) == {"a": "45678"}
    assert not complete(project, digest)
    (path / "45").mkdir()
    (path / "45" / "678").write_text("x")
    assert complete(project, digest)
    assert complete(project, "45678")
    assert object_path(project, "45678") == path / "45" / "678"
