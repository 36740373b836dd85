from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.errors import MissingError
from ovt.storage.git import Git, GitError, blob_id, clean_environment


def sh(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def git(tmp_path: Path) -> Iterator[Git]:
    sh(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    (tmp_path / "inner" / "b.txt").write_text("b\n")
    (tmp_path / "inner" / "deep" / "c d.txt").write_text("")
    sh(tmp_path, "add", "-A")
    sh(tmp_path, "commit", "-q", "-m", "first")
    sh(tmp_path, "tag", "v1")
    with Git(tmp_path) as found:
        yield found


@given(st.binary(max_size=300))
def test_blob_id_is_gits(content: bytes) -> None:
    import hashlib

    assert blob_id(content) == hashlib.sha1(b"blob " + str(len(content)).encode() + b"\0" + content).hexdigest()


def test_blob_id_equals_hash_object(git: Git) -> None:
    assert blob_id(b"a\n") == sh(git.folder, "rev-parse", "HEAD:a.txt")


def test_reads_files_trees_and_absent_names_through_one_process(git: Git) -> None:
    assert git.read("HEAD:a.txt") == b"a\n"
    assert git.read("HEAD:inner/deep/c d.txt") == b""
    assert git.read("HEAD:absent.txt") is None
    assert git.read("no such revision:x") is None
    assert git.read("HEAD:a.txt\nHEAD:a.txt") is None
    assert git.read("HEAD:inner/b.txt") == b"b\n"  # the stream is still in step
    tree = git.object_id("HEAD^{tree}")
    assert tree is not None
    paths = [entry.path for entry in git.files(tree)]
    assert paths == sh(git.folder, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert git.entries(tree)["inner"].mode == "40000"
    assert {entry.oid for entry in git.files(tree)} == {
        line.split()[2] for line in sh(git.folder, "ls-tree", "-r", "HEAD").splitlines()
    }


def test_a_killed_reader_is_started_again(git: Git) -> None:
    assert git.read("HEAD:a.txt") == b"a\n"
    assert git._reader is not None
    git._reader.kill()
    git._reader.wait()
    assert git.read("HEAD:inner/b.txt") == b"b\n"


def test_an_object_made_after_the_reader_started_is_found(git: Git) -> None:
    assert git.read("HEAD:a.txt") == b"a\n"
    oid = git.write_blob(b"new")
    assert git.read(oid) == b"new"


def test_names_that_are_not_utf8(git: Git) -> None:
    name = os.fsdecode(b"caf\xe9\n.txt")
    (git.folder / name).write_bytes(b"x")
    sh(git.folder, "add", "-A")
    assert git.staged() == [name]
    sh(git.folder, "commit", "-q", "-m", "odd")
    assert name in {entry.path for entry in git.files("HEAD^{tree}")}


def test_layout_of_a_folder_and_of_a_worktree(git: Git, tmp_path_factory: pytest.TempPathFactory) -> None:
    inner = Git(git.folder / "inner")
    assert inner.layout.prefix == "inner/"
    assert inner.layout.main_top == git.folder.resolve()
    other = tmp_path_factory.mktemp("linked") / "wt"
    sh(git.folder, "worktree", "add", "-q", "--detach", str(other))
    layout = Git(other).layout
    assert layout.top == other.resolve()
    assert layout.main_top == git.folder.resolve()
    assert layout.common_dir == (git.folder / ".git").resolve()
    assert layout.git_dir != layout.common_dir


def test_no_repository_is_an_error_with_a_way_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(MissingError, match="not a Git repository"):
        _ = Git(tmp_path_factory.mktemp("none")).layout


def test_log_tells_subjects_refs_and_only_what_touches_a_path(git: Git) -> None:
    (git.folder / "a.txt").write_text("a2\n")
    sh(git.folder, "commit", "-q", "-am", "second: 100 % | tab\there")
    newest, oldest = git.log(["HEAD"], limit=10)
    assert newest.subject == "second: 100 % | tab\there"
    assert newest.refs == ("main",)
    assert oldest.refs == ("v1",)
    assert newest.author == "Ada"
    assert newest.tree == sh(git.folder, "rev-parse", "HEAD^{tree}")
    assert [commit.subject for commit in git.log(["HEAD"], limit=10, paths=["inner"])] == ["first"]
    assert git.log(["v1..main"], limit=10) == [newest]
    with pytest.raises(GitError):
        git.log(["--output=stolen"], limit=1)
    assert not (git.folder / "stolen").exists()


def test_staged_paths_are_relative_and_leave_deletions_out(git: Git) -> None:
    (git.folder / "inner" / "b.txt").write_text("b2\n")
    (git.folder / "a.txt").unlink()
    sh(git.folder, "add", "-A")
    assert Git(git.folder / "inner").staged() == ["b.txt"]
    assert git.staged() == ["inner/b.txt"]
    (entry,) = Git(git.folder / "inner").index("b.txt")
    assert entry.oid == blob_id(b"b2\n")


def test_staged_before_the_first_commit(tmp_path: Path) -> None:
    sh(tmp_path, "init", "-q")
    (tmp_path / "x").write_text("x")
    sh(tmp_path, "add", "x")
    assert Git(tmp_path).staged() == ["x"]


def test_a_tree_written_is_a_tree_read(git: Git) -> None:
    files = {"dvc.lock": b"x\n", "reports/quality.json": b"{}\n", "reports/deep/er.json": b"\0\1"}
    commit = git.write_commit(git.write_tree(files), "run\n")
    assert {entry.path: git.read(entry.oid) for entry in git.files(f"{commit}^{{tree}}")} == files
    assert sh(git.folder, "fsck", "--strict", "--no-dangling") == ""


def test_a_ref_is_made_once(git: Git) -> None:
    first, second = (git.write_commit(git.write_tree({"x": text}), "m") for text in (b"1", b"2"))
    assert git.create_ref("refs/ovt/runs/k", first)
    assert not git.create_ref("refs/ovt/runs/k", second)
    assert git.refs("refs/ovt/runs/") == {"refs/ovt/runs/k": first}


def test_a_commit_without_an_identity_is_ovts(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    oid = git.write_commit(git.write_tree({"x": b""}), "m")
    assert sh(git.folder, "log", "-1", "--format=%an", oid) == "ovt"


def test_children_do_not_inherit_the_hooks_repository(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert git.resolve("HEAD") is not None
    assert "GIT_DIR" not in clean_environment()
    assert clean_environment()["GIT_CONFIG_GLOBAL"] == os.devnull
