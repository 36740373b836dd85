"""`ovt fsck`: what is missing or corrupt is named with path and version, and healed where a good copy exists."""

from __future__ import annotations

import json
import shutil
import sys
import tracemalloc
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, make_outputs, record, write_project

from ovt.cli.main import main
from ovt.errors import UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folder, object_in, object_path
from ovt.versions.history import resolve
from ovt.versions.needs import data_objects, output_objects
from ovt.versions.runs import publish
from ovt.versions.safety.fsck import Checked, Options, fsck
from ovt.versions.safety.pointers import named_digests, needs
from ovt.workflows.sharing.share import push, remote_add


def check(project: Project, **options: object) -> Checked:
    return fsck(project, Silent(), Options(**options))  # type: ignore[arg-type]


def spoil(path: Path, content: bytes = b"rot") -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def digests(project: Project) -> dict[str, str]:
    version = resolve(project, "HEAD")
    return {**data_objects(project, version), **output_objects(project, version)}


def test_a_sound_repository_is_clean_and_a_second_look_reads_nothing(recorded: Project) -> None:
    first = check(recorded)
    assert (first.faults, first.elsewhere, first.remote) == ((), 0, None)
    assert first.objects > 12
    assert first.read > 0
    again = check(recorded)
    assert (again.objects, again.read) == (first.objects, 0)
    assert check(recorded, again=True).read == first.read
    (recorded.cache / "verified.json").write_text("{half")
    assert check(recorded).read == first.read


def test_what_is_corrupt_is_named_and_healed_from_the_working_tree(recorded: Project) -> None:
    data = digests(recorded)["data"]
    listing = object_path(recorded, data)
    (row, *_) = json.loads(listing.read_bytes())
    file = object_path(recorded, row["md5"])
    check(recorded)
    for path in (listing, file):
        spoil(path)
        found = check(recorded)
        (fault,) = found.faults
        assert (fault.kind, fault.path.startswith("data"), fault.version) == (
            "corrupt", True, git(recorded.root, "log", "--format=%H", "--diff-filter=A", "--", "data.dvc"))
        assert fault.advice == "ovt fsck --heal"
        assert not found.clean
        healed = check(recorded, heal=True)
        assert healed.clean
        assert [item.healed for item in healed.faults] == [True]
        assert path.stat().st_mode & 0o777 == 0o444
        assert check(recorded).faults == ()
    assert file.read_bytes() == (recorded.root / "data" / row["relpath"]).read_bytes()


def test_what_is_nowhere_else_is_left_and_said(recorded: Project) -> None:
    model = digests(recorded)["model"]
    listing = object_path(recorded, model)
    spoil(listing)
    shutil.rmtree(recorded.model)
    found = check(recorded, heal=True)
    (fault,) = found.faults
    assert not found.clean
    assert (fault.path, fault.healed) == ("model", False)
    assert fault.advice.startswith("no good copy found")
    assert listing.read_bytes() == b"rot"  # what is left is left for a person to look at


def test_missing_objects_are_faults_only_where_they_should_be(recorded: Project, tmp_path: Path) -> None:
    gone = digests(recorded)["build/tags.parquet"]
    object_path(recorded, gone).unlink()
    (recorded.build / "tags.parquet").unlink()
    (fault,) = check(recorded).faults
    assert (fault.kind, fault.path) == ("missing", "build/tags.parquet")
    assert "ovt run" in fault.advice
    make_outputs(recorded)
    assert check(recorded, heal=True).clean
    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    push(recorded, Silent())
    object_path(recorded, gone).unlink()
    (recorded.build / "tags.parquet").unlink()
    local = check(recorded)
    assert (local.faults, local.elsewhere) == ((), 1)  # a clone need not hold everything
    both = check(recorded, remote=True)
    assert (both.faults, both.elsewhere) == ((), 1)
    object_in(tmp_path / "store", gone).unlink()
    (fault,) = check(recorded, remote=True).faults
    assert fault.kind == "missing"


def test_the_remote_is_read_once_and_healed_from_here(recorded: Project, tmp_path: Path) -> None:
    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    assert check(recorded, remote=True).only_here > 12
    push(recorded, Silent())
    first = check(recorded, remote=True)
    assert (first.faults, first.only_here) == ((), 0)
    assert first.remote is not None
    assert first.remote.endswith("store/files/md5")
    assert check(recorded, remote=True).read == 0
    tags = digests(recorded)["build/tags.parquet"]
    there = object_in(tmp_path / "store", tags)
    good = there.read_bytes()
    spoil(there)
    found = check(recorded, remote=True)
    assert [(fault.kind, fault.path) for fault in found.faults] == [("remote-corrupt", "build/tags.parquet")]
    assert there.read_bytes() == b"rot"  # looking changes nothing, though DVC would have deleted it
    assert check(recorded, remote=True, heal=True).clean
    assert there.read_bytes() == good
    here = object_path(recorded, tags)
    spoil(here)
    (recorded.build / "tags.parquet").unlink()
    healed = check(recorded, heal=True)
    assert [fault.healed for fault in healed.faults] == [True]
    assert here.read_bytes() == good


def test_every_place_where_git_keeps_a_version_is_looked_at(recorded: Project, tmp_path: Path) -> None:
    """A tag, a stash, a run, a reflog entry, a linked worktree, the index and the working tree."""
    root = recorded.root
    known: dict[str, str] = {}

    def version(name: str) -> str:
        (root / "data" / "a.jsonl").write_text(f'{{"payloads": {{"query": "{name}"}}}}\n')
        from ovt.storage import dvc

        dvc.add(recorded, "data")
        known[name] = (root / "data.dvc").read_text().split("md5: ")[1].split("\n")[0]
        return known[name]

    version("tag")
    commit_all(recorded, "tagged")
    git(root, "tag", "kept")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    version("stash")
    git(root, "stash", "-q")
    version("reflog")
    commit_all(recorded, "thrown away")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "--detach", str(linked))
    version("worktree")
    (linked / "data.dvc").write_text((root / "data.dvc").read_text())
    version("index")
    git(root, "add", "data.dvc")
    version("lying")
    found, named = needs(recorded), named_digests(git_of(root))
    assert {name for name, digest in known.items() if digest not in found} == set()
    assert set(found) <= named
    for digest in known.values():
        object_path(recorded, digest).unlink()
    assert {fault.digest for fault in check(recorded).faults} == set(known.values())


def test_runs_count_and_a_report_in_git_is_no_missing_object(recorded: Project, tmp_path: Path) -> None:
    (recorded.root / "labelers" / "height.yaml").write_text(LABELER + "# more\n")
    commit_all(recorded, "more")
    there = Project(tmp_path / "there")
    shutil.copytree(recorded.root, there.root, symlinks=True)
    record(there)
    assert publish(git_of(recorded.root), there, resolve(recorded, "HEAD").key)
    missing = {fault.path for fault in check(recorded).faults}
    assert "model" in missing
    assert "reports/quality.json" not in missing
    assert {fault.path for fault in check(recorded, revisions=("HEAD",)).faults} == missing
    assert check(recorded, revisions=("HEAD~1", "workspace")).faults == ()
    shutil.copytree(cache_folder(there), cache_folder(recorded), dirs_exist_ok=True)
    assert check(recorded).clean
    with pytest.raises(UsageError, match="no revision"):
        check(recorded, revisions=("nothing",))


def test_git_s_own_faults_are_told(recorded: Project) -> None:
    blob = git(recorded.root, "rev-parse", "HEAD~1:labelers/height.yaml")
    (recorded.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    found = check(recorded)
    assert any(fault.kind == "git" and blob in fault.path for fault in found.faults)


def test_two_projects_of_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    one = write_project(tmp_path / "repo" / "one")
    two = write_project(tmp_path / "repo" / "two")
    (two.root / "data" / "a.jsonl").write_text('{"payloads": {"query": "other"}}\n')
    record(two)
    commit_all(one, "both")
    (two.root / "labelers" / "height.yaml").write_text(LABELER + "# more\n")
    record(two)
    assert publish(git_of(two.root), two, "k" * 64)  # a run says nothing about whose it is
    assert check(one).clean
    assert check(two).clean
    shutil.rmtree(cache_folder(two))
    assert {fault.path.split("/")[0] for fault in check(one).faults if fault.path.startswith("one/build")} != set()
    assert not check(two).clean


def test_the_verb(recorded: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(recorded.root), "fsck"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "all is right\n"
    assert "objects looked at" in shown.err
    spoil(object_path(recorded, digests(recorded)["data"]))
    assert main(["-C", str(recorded.root), "fsck", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["format"], value["clean"], value["faults"][0]["kind"]) == ("ovt.fsck/1", False, "corrupt")
    assert main(["-C", str(recorded.root), "fsck", "--heal"]) == 0
    assert "corrupt, healed\tdata\t" in capsys.readouterr().out


def test_dvc_is_not_imported_where_it_is_not_needed(recorded: Project) -> None:
    import subprocess

    code = ("import sys\nfrom ovt.cli.main import main\ncode = main(['fsck'])\n"
            "assert not {'dvc', 'torch', 'pandas'} & set(sys.modules)\nsys.exit(code)")
    assert subprocess.run([sys.executable, "-c", code], cwd=recorded.root, capture_output=True, check=False).returncode == 0


def test_memory_does_not_grow_with_a_file(recorded: Project, tmp_path: Path) -> None:
    from ovt.storage.fingerprint import file_md5

    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    file_md5(big)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


