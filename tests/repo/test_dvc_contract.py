"""What ovt computes without DVC equals what the installed DVC writes; what it does through DVC is what DVC means."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.project import STAGES, Project
from ovt.storage import dvc
from ovt.storage.dvcignore import Ignore
from ovt.storage.fingerprint import fingerprint, tracked_hash
from ovt.storage.objects import cache_folder, complete, default_remote
from ovt.versions.source import TreeSource, WorkspaceSource


def run_dvc(project: Project, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=project.root, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lock(project: Project) -> dict[str, Any]:
    return dict(yaml.safe_load((project.root / "dvc.lock").read_text())["stages"])


def test_every_hash_in_the_lock_is_ours(recorded: Project) -> None:
    for stage in lock(recorded).values():
        for entry in [*stage["deps"], *stage["outs"]]:
            assert fingerprint(recorded, recorded.root / entry["path"]) == entry["md5"], entry["path"]
    assert fingerprint(recorded, recorded.root / "data") == tracked_hash(recorded.root / "data.dvc")


def test_hashes_of_odd_folders(plain: Project) -> None:
    data = plain.root / "data"
    shutil.rmtree(data)
    for name in ("ä ö.jsonl", "a/b/c.jsonl", "A.jsonl", "empty", 'quo"te', ".hidden", "skip.pyc", "x~",
                 "__pycache__/y", "tab\there"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(name.encode() * 3 if name != "empty" else b"")
    (data / "link.jsonl").symlink_to("A.jsonl")
    (data / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    run_dvc(plain, "add", "-q", "data")
    assert fingerprint(plain, data) == tracked_hash(plain.root / "data.dvc")


def test_init_makes_what_dvc_init_makes(tmp_path: Path, run_git: Any) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        run_git(folder, "init", "-q")
    run_dvc(Project(theirs), "init", "-q")
    assert dvc.init(Project(ours))
    assert not dvc.init(Project(ours))
    assert (ours / ".dvc" / ".gitignore").read_text() == (theirs / ".dvc" / ".gitignore").read_text()
    assert sorted(p.name for p in (ours / ".dvc").iterdir()) == [".gitignore", "config"]
    assert run_git(ours, "diff", "--cached", "--name-only") == ""
    assert "analytics = false" in (ours / ".dvc" / "config").read_text()


def test_init_and_add_in_a_folder_of_a_repository(tmp_path: Path, run_git: Any) -> None:
    run_git(tmp_path, "init", "-q")
    project = Project(tmp_path / "models" / "intent")
    (project.root / "data").mkdir(parents=True)
    (project.root / "data" / "a.jsonl").write_text("a\n")
    dvc.init(project)
    dvc.add(project, "data")
    assert tracked_hash(project.root / "data.dvc") == fingerprint(project, project.root / "data")
    assert "/data" in (project.root / ".gitignore").read_text()
    assert run_git(tmp_path, "diff", "--cached", "--name-only") == ""
    assert run_dvc(project, "status", "-q") == ""


def test_dvc_sees_nothing_to_do_after_a_recording(recorded: Project) -> None:
    before = (recorded.root / "dvc.lock").read_bytes()
    assert "up to date" in run_dvc(recorded, "status")
    run_dvc(recorded, "repro", "-q")  # `ovt` is not on PATH here: a stage that ran would fail
    assert (recorded.root / "dvc.lock").read_bytes() == before


def test_the_run_cache_brings_outputs_reports_and_lock_back(recorded: Project) -> None:
    before = (recorded.root / "dvc.lock").read_bytes()
    report = (recorded.reports / "quality.json").read_bytes()
    for path in (recorded.build, recorded.model, recorded.reports):
        shutil.rmtree(path)
    (recorded.root / "dvc.lock").unlink()
    assert [dvc.restore_from_run_cache(recorded, stage) for stage in STAGES] == [True] * 4
    assert (recorded.root / "dvc.lock").read_bytes() == before
    assert (recorded.reports / "quality.json").read_bytes() == report
    assert (recorded.model / "config.json").is_file()
    (recorded.root / "labelers" / "height.yaml").write_text("[]\n")
    assert not dvc.restore_from_run_cache(recorded, "label")


def test_checkout_brings_files_back_and_names_what_is_missing(recorded: Project) -> None:
    shutil.rmtree(recorded.model)
    shutil.rmtree(recorded.root / "data")
    dvc.checkout(recorded, ["model", "data.dvc"])
    assert (recorded.model / "config.json").is_file()
    assert (recorded.root / "data" / "a.jsonl").is_file()
    shutil.rmtree(recorded.model)
    shutil.rmtree(cache_folder(recorded) / "files")
    with pytest.raises(MissingError, match="not on this machine"):
        dvc.checkout(recorded, ["model"])


def test_nothing_is_printed(recorded: Project, capfd: pytest.CaptureFixture[str]) -> None:
    dvc.add(recorded, "data")
    dvc.record_stage(recorded, "compile")
    dvc.checkout(recorded)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_push_and_pull_move_what_is_missing_and_no_more(recorded: Project, tmp_path: Path) -> None:
    dvc.remote_add(recorded, "storage", str(tmp_path / "remote"))
    digest = tracked_hash(recorded.root / "data.dvc")
    assert digest is not None
    assert dvc.push_objects(recorded, [digest], Silent()).moved == 3  # two files and the listing
    assert not dvc.push_objects(recorded, [digest], Silent())
    shutil.rmtree(cache_folder(recorded) / "files")
    assert not complete(recorded, digest)
    assert dvc.pull_objects(recorded, [digest], Silent()).moved == 3
    assert complete(recorded, digest)
    gone = next((tmp_path / "remote").rglob("*.dir"))
    gone.unlink()  # deleted behind our back: no index may claim that it is there
    assert dvc.push_objects(recorded, [digest], Silent()).moved == 1


def test_an_object_that_is_nowhere_is_an_error(recorded: Project, tmp_path: Path) -> None:
    dvc.remote_add(recorded, "storage", str(tmp_path / "remote"))
    with pytest.raises(MissingError, match="neither here nor on the remote"):
        dvc.push_objects(recorded, ["0" * 32], Silent())
    with pytest.raises(MissingError, match="neither here nor on the remote"):
        dvc.pull_objects(recorded, ["0" * 32 + ".dir"], Silent())


def test_without_a_remote_the_error_says_how_to_add_one(recorded: Project) -> None:
    with pytest.raises(MissingError) as caught:
        dvc.push_objects(recorded, ["0" * 32], Silent())
    assert caught.value.command == "ovt remote add URL"


def test_a_remote_relative_to_the_project(recorded: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    dvc.remote_add(recorded, "storage", "../remote")
    dvc.remote_add(recorded, "storage", "../remote")
    assert default_remote(recorded) == "storage"
    digest = tracked_hash(recorded.root / "data.dvc")
    assert digest is not None
    dvc.push_objects(recorded, [digest], Silent())
    assert (recorded.root.parent / "remote" / "files" / "md5").is_dir()
    with pytest.raises(ProjectError, match="`storage` exists"):
        dvc.remote_add(recorded, "storage", "s3://elsewhere")
    assert "elsewhere" not in (recorded.root / ".dvc" / "config").read_text()


@pytest.mark.parametrize(("url", "options"), [
    ("https://me:hunter2@example.org/x", {}), ("s3://bucket/x", {"secret_access_key": "hunter2"}),
    ("azure://c", {"connection_string": "hunter2"}),
])
def test_secrets_are_refused(recorded: Project, url: str, options: dict[str, str]) -> None:
    with pytest.raises(ProjectError, match="secret") as caught:
        dvc.remote_add(recorded, "storage", url, options)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in (recorded.root / ".dvc" / "config").read_text()


def test_no_dvc_project_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(MissingError) as caught:
        dvc.record_stage(Project(tmp_path), "compile")
    assert caught.value.command == "ovt init"


def test_a_busy_dvc_is_waited_for(recorded: Project) -> None:
    code = (
        "import sys, time\nfrom dvc.repo import Repo\nrepo = Repo(sys.argv[1])\n"
        "with repo.lock:\n    print('locked', flush=True)\n    time.sleep(1.5)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(recorded.root)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    dvc.record_stage(recorded, "compile")
    other.wait()
    other.stdout.close()


def test_a_tree_has_the_hashes_of_the_workspace(recorded: Project, run_git: Any) -> None:
    from ovt.storage.git import Git

    (recorded.root / "labelers" / "deep").mkdir()
    (recorded.root / "labelers" / "deep" / "x.py").write_text("x = 1\n")
    (recorded.root / "labelers" / "junk.pyc").write_text("")
    run_git(recorded.root, "add", "-A", "-f", "labelers")
    run_git(recorded.root, "commit", "-q", "-m", "more")
    workspace = WorkspaceSource(recorded)
    with Git(recorded.root) as git:
        tree = TreeSource(git, "HEAD^{tree}")
        for path in ("schema.json", "labelers", "data", "nothing"):
            assert tree.digest(path) == workspace.digest(path)
        for path in ("schema.json", "labelers", "nothing"):
            assert tree.blobs(path) == workspace.blobs(path)
    assert "labelers/junk.pyc" not in workspace.blobs("labelers")


NAMES = st.text(st.sampled_from("ab.*~"), min_size=1, max_size=4).filter(lambda name: name.strip(".") != "")


@settings(max_examples=60, deadline=None)
@given(
    patterns=st.lists(st.tuples(st.sampled_from(["", "!", "/"]), NAMES, st.sampled_from(["", "/"])), max_size=4),
    path=st.lists(NAMES, min_size=1, max_size=3),
)
def test_ignore_patterns_mean_what_they_mean_to_dvc(patterns: list[tuple[str, str, str]], path: list[str]) -> None:
    from dvc.ignore import DvcIgnorePatterns

    lines = ["".join(pattern) for pattern in patterns]
    theirs = DvcIgnorePatterns([".hg/", ".git/", ".git", ".dvc/", *lines], "/root", os.sep)
    folder = "/".join(["/root", *path[:-1]])
    assert Ignore("\n".join(lines))("/".join(path)) == theirs.matches(folder, path[-1])
