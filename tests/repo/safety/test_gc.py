"""`ovt gc`: what no version needs goes, by default only in words; what has no second copy never does unasked."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from sandbox import commit_all, git, record, write_project

from ovt.cli.main import main
from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.lock import adding_objects
from ovt.storage.objects import FILES, cache_folder, object_in
from ovt.versions.safety.fsck import Options, fsck
from ovt.versions.safety.gc import Rules, collect, plan
from ovt.workflows.sharing.share import push, remote_add

NOW = Rules(keep_days=0)
ALL = Rules(keep_days=0, only_copies=True)


def objects(project: Project) -> set[str]:
    return {path.parent.name + path.name for path in (cache_folder(project) / FILES).rglob("*") if path.is_file()}


def data_hash(project: Project) -> str:
    return (project.root / "data.dvc").read_text().split("md5: ")[1].split("\n")[0]


def discard(project: Project, text: str = "discarded") -> set[str]:
    """Put data into the cache that no version will ever have; the objects."""
    before = objects(project)
    pointer = (project.root / "data.dvc").read_bytes()
    (project.root / "data" / "a.jsonl").write_text(f'{{"payloads": {{"query": "{text}"}}}}\n')
    dvc.add(project, "data")
    (project.root / "data.dvc").write_bytes(pointer)
    dvc.checkout(project, ["data.dvc"])
    return objects(project) - before


def test_it_only_tells_unless_asked(recorded: Project) -> None:
    left = discard(recorded)
    before = objects(recorded)
    assert len(left) == 2
    found = plan(recorded, Silent(), ALL)
    assert {item.digest for item in found.objects} == left
    assert found.freed > 0
    assert not found.removed
    assert objects(recorded) == before
    gone = collect(recorded, Silent(), ALL)
    assert {item.digest for item in gone.objects} == left
    assert gone.removed
    assert objects(recorded) == before - left
    assert fsck(recorded, Silent(), Options()).clean


def test_what_is_young_stays(recorded: Project) -> None:
    left = discard(recorded)
    found = plan(recorded, Silent(), Rules(keep_days=1, only_copies=True))
    assert (found.objects, found.young) == ((), len(left))
    future = time.time() + 40 * 86400  # the clock was wrong when it was written
    for digest in left:
        os.utime(object_in(cache_folder(recorded), digest), (future, future))
    assert plan(recorded, Silent(), NOW).young == len(left)


def test_what_exists_nowhere_else_stays(recorded: Project, tmp_path: Path) -> None:
    left = discard(recorded)
    found = collect(recorded, Silent(), NOW)
    assert found.objects == ()
    assert {item.digest for item in found.only} == left
    assert left <= objects(recorded)
    remote_add(recorded, str(tmp_path / "store"))
    commit_all(recorded, "remote")
    dvc.push_objects(recorded, left, Silent())
    push(recorded, Silent())
    assert {item.digest for item in collect(recorded, Silent(), NOW).objects} == left
    assert not left & objects(recorded)
    assert fsck(recorded, Silent(), Options(remote=True)).clean


def test_every_place_where_git_keeps_a_version_is_a_root(recorded: Project, tmp_path: Path) -> None:
    root = recorded.root
    kept: set[str] = set()

    def version(text: str) -> None:
        (root / "data" / "a.jsonl").write_text(f'{{"payloads": {{"query": "{text}"}}}}\n')
        dvc.add(recorded, "data")
        kept.add(data_hash(recorded))

    version("stash")
    git(root, "stash", "-q")
    version("reflog")
    commit_all(recorded, "thrown away")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    version("run")
    tree = git(root, "write-tree")
    git(root, "add", "data.dvc")
    tree = git(root, "write-tree")
    run = git(root, "commit-tree", tree, "-m", "run")
    git(root, "update-ref", "refs/ovt/runs/" + "a" * 64, run)
    git(root, "reset", "-q", "--hard")
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "--detach", str(linked))
    version("worktree")
    (linked / "data.dvc").write_bytes((root / "data.dvc").read_bytes())
    version("index")
    git(root, "add", "data.dvc")
    version("lying")
    discarded = discard(recorded)
    assert {item.digest for item in collect(recorded, Silent(), ALL).objects} == discarded
    assert len(kept) == 6
    assert kept <= objects(recorded)


def test_pins_and_parents_are_roots(recorded: Project) -> None:
    left = discard(recorded)
    (listing,) = (digest for digest in left if digest.endswith(".dir"))
    path = recorded.root / "labelers" / "predictions.lock"
    path.write_text(f'"v1": {{commit: "{"0" * 40}", model: "{listing}"}}\n')
    assert plan(recorded, Silent(), ALL).objects == ()
    path.unlink()
    (recorded.root / "tuning.lock.yaml").write_text(f"parent: {listing}\n")
    assert plan(recorded, Silent(), ALL).objects == ()


def test_a_cache_outside_is_refused_until_the_others_are_named(recorded: Project, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shutil.move(cache_folder(recorded), shared)
    (recorded.root / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {shared}\n")
    other = Project(tmp_path / "other")
    git(tmp_path, "init", "-q", "-b", "main", "other")
    write_project(other.root)
    (other.root / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {shared}\n")
    (other.root / "data" / "a.jsonl").write_text('{"payloads": {"query": "of the other"}}\n')
    dvc.add(other, "data")
    commit_all(other, "theirs")
    with pytest.raises(ProjectError, match="may be shared") as caught:
        plan(recorded, Silent(), ALL)
    assert caught.value.command == "ovt gc --also ../OTHER-PROJECT"
    alone = plan(recorded, Silent(), Rules(0, only_copies=True, also=(recorded.root,)))
    named = plan(recorded, Silent(), Rules(0, only_copies=True, also=(other.root,)))
    assert data_hash(other) in {item.digest for item in alone.objects}
    assert named.objects == ()


def test_projects_of_one_repository_protect_each_other(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    one, two = (write_project(tmp_path / "repo" / name) for name in ("one", "two"))
    (two.root / ".dvc" / "config").write_text("[cache]\n    dir = ../../one/.dvc/cache\n")
    (two.root / "data" / "a.jsonl").write_text('{"payloads": {"query": "other"}}\n')
    dvc.add(two, "data")
    record(two)
    assert plan(one, Silent(), ALL).objects == ()
    assert data_hash(two) in objects(one)


def test_unknown_listings_stop_the_removal_of_only_copies(recorded: Project) -> None:
    discard(recorded)
    object_in(cache_folder(recorded), data_hash(recorded)).unlink()
    with pytest.raises(MissingError, match="what 1 folders hold is not known here"):
        plan(recorded, Silent(), ALL)
    assert plan(recorded, Silent(), NOW).objects == ()


def test_it_waits_for_whoever_adds_and_looks_again(recorded: Project) -> None:
    left = discard(recorded)
    notes = Silent()
    done: list[int] = []
    with adding_objects(cache_folder(recorded), "the test"):
        thread = threading.Thread(target=lambda: done.append(len(collect(recorded, notes, ALL).objects)))
        thread.start()
        time.sleep(0.8)
        assert done == []
        assert left <= objects(recorded)
        # Meanwhile a version comes to need it.
        (listing,) = (digest for digest in left if digest.endswith(".dir"))
        pointer = recorded.root / "data.dvc"
        pointer.write_text(pointer.read_text().replace(data_hash(recorded), listing))
    thread.join(20)
    assert done == [0]
    assert left <= objects(recorded)
    assert any("waiting" in note for note in notes.notes)


def test_old_files_of_ovt_go_and_what_they_were_made_for_still_works(recorded: Project) -> None:
    old, young = recorded.cache / "votes" / "old.arrow", recorded.cache / "votes" / "young.arrow"
    for path in (old, young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 5000)
    (recorded.cache / "versions.json").write_text("{}")
    past = time.time() - 30 * 86400
    os.utime(old, (past, past))
    # The inode's own time cannot be set back: the rule is tried with a clock that is ahead.
    with pytest.MonkeyPatch.context() as patch:
        ahead = time.time() + 20 * 86400
        patch.setattr("ovt.versions.safety.gc.time.time", lambda: ahead)
        os.utime(young, (ahead, ahead))
        found = collect(recorded, Silent(), Rules())
    assert {item.path.name for item in found.files} >= {"old.arrow"}
    assert not old.exists()
    assert young.exists()
    assert (recorded.cache / "versions.json").exists()


def test_the_verb(recorded: Project, capsys: pytest.CaptureFixture[str]) -> None:
    left = discard(recorded)
    where = ["-C", str(recorded.root), "gc", "--keep-days", "0", "--only-copies"]
    assert main([*where, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["format"], value["removed"], set(value["objects"])) == ("ovt.gc/1", False, left)
    assert main(where) == 0
    shown = capsys.readouterr()
    assert "objects no version needs\t2\t" in shown.out
    assert shown.err.splitlines()[-1] == "next: ovt gc --yes --keep-days 0 --only-copies"
    assert main([*where, "--yes"]) == 0
    assert "freed" in capsys.readouterr().err
    assert not left & objects(recorded)
