"""Real merges by Git with ovt's drivers, and without them: locks, reports, records, folders that DVC tracks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sandbox import LABELER, commit_all, git, record

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.fingerprint import fingerprint, tracked_hash
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folder, complete
from ovt.versions.history import resolve
from ovt.workflows.committing.staleness import stale_reason
from ovt.workflows.run import track_bulk
from ovt.workflows.sharing.catching_up import STATE_FILE, catch_up, lags, remember
from ovt.workflows.sharing.landing import land
from ovt.workflows.sharing.merging import configure, configured
from ovt.workflows.sharing.resolving import resolve_conflicts, settle, unmerged
from ovt.workflows.sharing.revisions import run_revision

MARKERS = ("<<<<<<<", "=======", ">>>>>>>")


def attempt(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


def add_labeler(project: Project, name: str) -> None:
    (project.root / "labelers" / f"{name}.yaml").write_text(LABELER.replace("tall", name))


def say(project: Project, *rows: tuple[str, str, str], name: str = "crowd") -> None:
    """Append labels and put them into DVC."""
    path = project.root / "supervision" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    content = path.read_text() if path.is_file() else ""
    fresh = path.with_suffix(".new")  # DVC may have linked the file to its cache
    fresh.write_text(content + "".join(
        json.dumps({"id": record, "task": "Intent", "source": source, "label": label}) + "\n"
        for record, source, label in rows))
    fresh.replace(path)
    dvc.add(project, "supervision")
    remember(project)


def labels(project: Project, name: str = "crowd") -> list[tuple[str, str, str]]:
    text = (project.root / "supervision" / f"{name}.jsonl").read_text()
    return [(row["id"], row["source"], row["label"]) for row in map(json.loads, text.splitlines())]


@pytest.fixture(scope="session")
def made(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both repositories, made once: recording a stage costs a quarter of a second."""
    base = tmp_path_factory.mktemp("merging")
    for name, make in (("labelers", make_two_labelers), ("crowds", make_two_crowds)):
        shutil.copytree(templates / "recorded", base / name, symlinks=True)
        make(Project(base / name))
    return base


@pytest.fixture
def two_labelers(made: Path, tmp_path: Path) -> Project:
    """Branches `a` and `b`, each with a labeling function more and its own results; `a` is checked out."""
    shutil.copytree(made / "labelers", tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo")


@pytest.fixture
def two_crowds(made: Path, tmp_path: Path) -> Project:
    """Branches `a` and `b`, each with labels of its own on top of `main`'s; `a` is checked out."""
    shutil.copytree(made / "crowds", tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo")


def make_two_labelers(recorded: Project) -> None:
    configure(recorded)
    commit_all(recorded, "drivers")
    for branch in ("b", "a"):
        git(recorded.root, "checkout", "-q", "-b", branch, "main")
        add_labeler(recorded, branch)
        record(recorded)
        commit_all(recorded, branch)


def make_two_crowds(recorded: Project) -> None:
    configure(recorded)
    say(recorded, ("q1", "crowd", "height"), ("q2", "crowd", "age"))
    commit_all(recorded, "labels")
    for branch in ("b", "a"):
        git(recorded.root, "checkout", "-q", "-b", branch, "main")
        dvc.checkout(recorded, ["supervision"])
        say(recorded, (f"new-{branch}", "crowd", "food"))
        commit_all(recorded, branch)


def test_two_labeling_functions_merge_and_only_what_depends_on_them_is_stale(two_labelers: Project) -> None:
    root = two_labelers.root
    done = attempt(root, "merge", "--no-edit", "b")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ovt: dvc.lock: label, train, evaluate differ on both sides" in done.stderr
    assert git(root, "status", "--porcelain") == ""
    lock = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    assert list(lock) == ["compile", "label", "train", "evaluate"]
    for path in (root / "reports").glob("*.json"):
        assert json.loads(path.read_text())
        assert not any(mark in path.read_text() for mark in MARKERS)
    merged = resolve(two_labelers, "HEAD")
    assert merged.state == "none"  # neither parent's report is taken for the merge's
    assert merged.key not in {resolve(two_labelers, name).key for name in ("HEAD^1", "HEAD^2", "main")}


@pytest.mark.slow
def test_either_order_and_a_squash_have_one_key_and_one_result(two_labelers: Project) -> None:
    root = two_labelers.root
    keys, locks = set(), set()
    for first, second, squash in (("a", "b", False), ("b", "a", False), ("b", "a", True)):
        git(root, "checkout", "-q", "--detach", first)
        git(root, "merge", "-q", *(["--squash"] if squash else ["--no-edit"]), second)
        if squash:
            git(root, "commit", "-q", "-m", "squashed")
        record(two_labelers)
        commit_all(two_labelers, "results")
        version = resolve(two_labelers, "HEAD")
        assert (version.state, version.report) == ("ready", "tree")
        keys.add(version.key)
        locks.add((root / "dvc.lock").read_bytes())
    assert len(keys) == len(locks) == 1


@pytest.mark.parametrize("how", ["rebase", "cherry-pick", "worktree", *(
    pytest.param(name, marks=pytest.mark.slow) for name in ("revert", "stash"))])
def test_every_way_that_git_merges(how: str, two_labelers: Project, tmp_path: Path) -> None:
    root = two_labelers.root
    if how == "worktree":
        git(root, "worktree", "add", "-q", "--detach", str(tmp_path / "wt"), "a")
        root = tmp_path / "wt"
        git(root, "merge", "-q", "--no-edit", "b")
    elif how == "stash":
        add_labeler(two_labelers, "c")
        record(two_labelers)
        git(root, "add", "-A")
        git(root, "stash", "-q")
        git(root, "checkout", "-q", "b")
        git(root, "stash", "pop", "-q")
    elif how == "revert":
        git(root, "merge", "-q", "--no-edit", "b")
        git(root, "revert", "--no-edit", "HEAD^2")
    else:
        git(root, how, "b")
    text = (root / "dvc.lock").read_text()
    assert set(yaml.safe_load(text)["stages"]) == {"compile", "label", "train", "evaluate"}
    assert not git(root, "ls-files", "--unmerged")
    assert not any(mark in text for mark in MARKERS)


def test_without_drivers_a_run_resolves_what_it_makes_itself(two_labelers: Project) -> None:
    root = two_labelers.root
    git(root, "config", "--remove-section", "merge.ovt-lock")
    git(root, "config", "--remove-section", "merge.ovt-report")
    done = attempt(root, "merge", "--no-edit", "b")
    assert done.returncode == 1
    assert set(unmerged(git_of(root))) >= {"dvc.lock", "reports/quality.json"}
    assert "<<<<<<<" in (root / "dvc.lock").read_text()
    assert set(settle(two_labelers, Silent())) >= {"dvc.lock", "reports/quality.json"}
    assert unmerged(git_of(root)) == {}
    assert not any(mark in (root / "dvc.lock").read_text() for mark in MARKERS)
    git(root, "commit", "-q", "--no-edit")
    assert settle(two_labelers, Silent()) == ()


def test_a_run_refuses_inputs_in_conflict(two_labelers: Project) -> None:
    root = two_labelers.root
    for branch, text in (("b", "1"), ("a", "2")):
        git(root, "checkout", "-q", branch)
        (root / "labelers" / "height.yaml").write_text(LABELER + f"# {text}\n")
        commit_all(two_labelers, "same line")
    assert attempt(root, "merge", "--no-edit", "b").returncode == 1
    with pytest.raises(ProjectError, match="1 input is in conflict") as caught:
        settle(two_labelers, Silent())
    assert caught.value.at == "labelers/height.yaml"


def test_a_driver_without_python_leaves_what_was_here(two_labelers: Project) -> None:
    root = two_labelers.root
    here = (root / "dvc.lock").read_bytes()
    for kind in ("lock", "report"):
        command = git(root, "config", f"merge.ovt-{kind}.driver").replace(sys.executable, "/gone/python")
        git(root, "config", f"merge.ovt-{kind}.driver", command)
    path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "ovt").exists())
    done = attempt(root, "merge", "--no-edit", "b", PATH=path)
    assert done.returncode == 1
    assert "ovt: dvc.lock is not merged: Python and ovt are gone" in done.stderr
    assert (root / "dvc.lock").read_bytes() == here
    assert not configured(two_labelers)
    configure(two_labelers)
    assert configured(two_labelers)
    assert resolve_conflicts(two_labelers, Silent()).done


def test_setting_up_twice_changes_nothing(recorded: Project) -> None:
    assert not configured(recorded)
    assert len(configure(recorded)) == 2
    assert configured(recorded)
    before = (recorded.root / ".git" / "config").read_bytes(), (recorded.root / ".gitattributes").read_bytes()
    assert configure(recorded) == ()
    assert before == ((recorded.root / ".git" / "config").read_bytes(), (recorded.root / ".gitattributes").read_bytes())


def test_a_clone_may_keep_the_attributes_to_itself(recorded: Project) -> None:
    configure(recorded, tracked=False)
    assert configured(recorded)
    assert git(recorded.root, "status", "--porcelain") == ""
    assert configure(recorded, tracked=False) == ()


# -- folders that DVC tracks -------------------------------------------------------------------------------------------


def test_labels_of_two_branches_come_together(two_crowds: Project) -> None:
    root = two_crowds.root
    git(root, "merge", "-q", "--no-edit", "b")
    assert lags(two_crowds, "supervision")
    listener = Silent()
    assert catch_up(two_crowds, listener) == ("supervision",)
    assert labels(two_crowds) == [("q1", "crowd", "height"), ("q2", "crowd", "age"), ("new-a", "crowd", "food"),
                                  ("new-b", "crowd", "food")]
    assert track_bulk(two_crowds) == ()
    pointer = (root / "supervision.dvc").read_text()
    dvc.add(two_crowds, "supervision")  # what DVC itself writes for this folder
    assert (root / "supervision.dvc").read_text() == pointer
    merged = fingerprint(two_crowds, root / "supervision")
    git(root, "checkout", "-q", "--detach", "b")
    git(root, "merge", "-q", "--no-edit", "a")
    assert tracked_hash(root / "supervision.dvc") == merged


def test_the_same_label_twice_is_told_in_the_users_words(two_crowds: Project) -> None:
    root = two_crowds.root
    for branch, label in (("b", "weight"), ("a", "height")):
        git(root, "checkout", "-q", branch)
        catch_up(two_crowds, Silent())
        say(two_crowds, ("q-17", "crowd", label))
        commit_all(two_crowds, label)
    done = attempt(root, "merge", "--no-edit", "b")
    assert done.returncode == 1
    assert "record q-17, task Intent, source crowd: `height` here, `weight` there" in done.stderr
    assert not any(mark in (root / "supervision.dvc").read_text() for mark in MARKERS)
    with pytest.raises(ProjectError, match=r"`supervision.dvc` is in conflict") as caught:
        settle(two_crowds, Silent())
    assert "q-17" in str(caught.value)
    found = resolve_conflicts(two_crowds, Silent(), prefer="theirs")
    assert (found.merged, found.done) == (("supervision.dvc",), True)
    catch_up(two_crowds, Silent())
    assert ("q-17", "crowd", "weight") in labels(two_crowds)
    assert len(labels(two_crowds)) == 5
    assert {record for record, _, _ in labels(two_crowds)} == {"q1", "q2", "new-a", "new-b", "q-17"}
    git(root, "commit", "-q", "--no-edit")


def test_objects_that_are_not_here_are_asked_for(two_crowds: Project) -> None:
    root = two_crowds.root
    theirs = yaml.safe_load(git(root, "show", "b:supervision.dvc"))["outs"][0]["md5"]
    path = cache_folder(two_crowds) / "files" / "md5" / theirs[:2] / theirs[2:]
    content = path.read_bytes()
    path.unlink()
    done = attempt(root, "merge", "--no-edit", "b")
    assert done.returncode == 1
    assert "ovt pull" in done.stderr
    assert not any(mark in (root / "supervision.dvc").read_text() for mark in MARKERS)
    assert isinstance(resolve_conflicts(two_crowds, Silent()).problems[0], MissingError)
    path.write_bytes(content)
    assert resolve_conflicts(two_crowds, Silent()).done


def test_labels_in_a_project_in_a_folder(two_crowds: Project, tmp_path: Path) -> None:
    """The drivers are set up from the repository's top; the project is two folders down."""
    top = tmp_path / "mono"
    (top / "models").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    two_crowds.root.rename(top / "models" / "intent")
    project = Project(top / "models" / "intent")
    (project.root / ".git").rename(tmp_path / "old-git")
    configure(project)
    commit_all(project, "all")
    for branch in ("b", "a"):
        git(top, "checkout", "-q", "-b", branch, "main")
        dvc.checkout(project, ["supervision"])
        say(project, (f"deep-{branch}", "crowd", "food"))
        commit_all(project, branch)
    git(top, "merge", "-q", "--no-edit", "b")
    catch_up(project, Silent())
    assert {"deep-a", "deep-b"} <= {record for record, _, _ in labels(project)}


# -- folders that lie behind their `.dvc` file -------------------------------------------------------------------------


def test_what_others_pushed_is_not_taken_back_by_the_next_run(two_crowds: Project) -> None:
    root = two_crowds.root
    git(root, "checkout", "-q", "main")
    catch_up(two_crowds, Silent())
    git(root, "merge", "-q", "--ff-only", "b")  # as `git pull` does
    before = (root / "supervision.dvc").read_bytes()
    assert catch_up(two_crowds, Silent()) == ("supervision",)
    assert track_bulk(two_crowds) == ()
    assert (root / "supervision.dvc").read_bytes() == before
    assert ("new-b", "crowd", "food") in labels(two_crowds)


def test_ones_own_labels_survive_a_pull(two_crowds: Project) -> None:
    root = two_crowds.root
    git(root, "checkout", "-q", "main")
    catch_up(two_crowds, Silent())
    path = root / "supervision" / "crowd.jsonl"
    mine = path.read_text() + json.dumps({"id": "mine", "task": "Intent", "source": "me", "label": "age"}) + "\n"
    path.unlink()
    path.write_text(mine)
    git(root, "merge", "-q", "--ff-only", "b")
    catch_up(two_crowds, Silent())
    assert {"mine", "new-b"} <= {record for record, _, _ in labels(two_crowds)}
    assert complete(two_crowds, tracked_hash(root / "supervision.dvc") or "")


def test_a_change_of_ones_own_is_added_as_ever(two_crowds: Project) -> None:
    path = two_crowds.root / "supervision" / "crowd.jsonl"
    content = path.read_text().splitlines(keepends=True)
    path.unlink()
    path.write_text("".join(content[:1]))  # even one that is an earlier version's content
    assert catch_up(two_crowds, Silent()) == ()
    assert track_bulk(two_crowds) == ("supervision",)
    assert len(labels(two_crowds)) == 1


def test_a_project_of_an_older_ovt_looks_into_history(two_crowds: Project) -> None:
    root = two_crowds.root
    git(root, "checkout", "-q", "main")
    catch_up(two_crowds, Silent())
    (root / ".ovt" / STATE_FILE).unlink()
    git(root, "merge", "-q", "--ff-only", "b")
    assert catch_up(two_crowds, Silent()) == ("supervision",)
    assert ("new-b", "crowd", "food") in labels(two_crowds)


def test_the_version_that_is_named_is_not_here(two_crowds: Project) -> None:
    root = two_crowds.root
    git(root, "checkout", "-q", "main")
    catch_up(two_crowds, Silent())
    git(root, "merge", "-q", "--ff-only", "b")
    digest = tracked_hash(root / "supervision.dvc") or ""
    (cache_folder(two_crowds) / "files" / "md5" / digest[:2] / digest[2:]).unlink()
    before = labels(two_crowds)
    with pytest.raises(MissingError, match="lies at an earlier version") as caught:
        catch_up(two_crowds, Silent())
    assert caught.value.command == "ovt pull"
    assert labels(two_crowds) == before


# -- a server that merges without drivers ------------------------------------------------------------------------------


def merge_on_server(bare: Path, first: str, second: str) -> tuple[bool, str]:
    """What a hosting service does: a merge in a bare repository that knows no driver; whether it is clean, the tree."""
    done = attempt(bare, "merge-tree", "--write-tree", "--name-only", first, second)
    return done.returncode == 0, done.stdout.splitlines()[0]


def squash_on_server(bare: Path, into: str, branch: str) -> str:
    clean, tree = merge_on_server(bare, into, branch)
    assert clean
    commit = git(bare, "commit-tree", tree, "-p", into, "-m", f"{branch} (squashed)")
    git(bare, "update-ref", f"refs/heads/{into}", commit)
    return commit


@pytest.fixture
def bare(two_labelers: Project, tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(two_labelers.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(two_labelers.root, "push", "-q", "origin", "main", "a", "b")
    return tmp_path / "origin.git"


def test_branches_with_results_are_merged_at_home_first(two_labelers: Project, bare: Path) -> None:
    """The first goes in; the second conflicts in what ovt makes, is merged and run at home, and goes in too."""
    root = two_labelers.root
    squash_on_server(bare, "main", "a")
    assert merge_on_server(bare, "main", "b")[0] is False
    git(root, "fetch", "-q")
    git(root, "checkout", "-q", "b")
    git(root, "merge", "-q", "--no-edit", "origin/main")  # nobody edits a lock by hand
    record(two_labelers)
    commit_all(two_labelers, "results of the merged inputs")
    key = resolve(two_labelers, "b").key
    git(root, "push", "-q", "origin", "b")
    squash_on_server(bare, "main", "b")
    git(root, "fetch", "-q")
    landed = resolve(two_labelers, "origin/main")
    assert (landed.key, landed.report) == (key, "tree")


@pytest.mark.parametrize("order", [("c", "d"), pytest.param(("d", "c"), marks=pytest.mark.slow)])
def test_branches_with_inputs_alone_merge_anywhere(
    order: tuple[str, str], two_labelers: Project, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A team's plain `git commit`s: squashed on the server in either order, run by a robot, landed on main."""
    root = two_labelers.root
    for branch in ("c", "d"):
        git(root, "checkout", "-q", "-b", branch, "main")
        add_labeler(two_labelers, branch)
        commit_all(two_labelers, branch)
        git(root, "push", "-q", "origin", branch)
    for branch in order:
        squash_on_server(bare, "main", branch)
    git(root, "checkout", "-q", "--detach", "c")
    git(root, "merge", "-q", "--no-edit", "d")  # the same by hand has the same inputs
    robot = Project(tmp_path / "robot")
    git(tmp_path, "clone", "-q", str(bare), "robot")
    shutil.copytree(cache_folder(two_labelers), cache_folder(robot), dirs_exist_ok=True)
    before = resolve(robot, "HEAD")
    assert (before.state, before.key) == ("none", resolve(two_labelers, "HEAD").key)
    monkeypatch.setattr("ovt.workflows.run.run_all", lambda project, progress: record(project))
    run_revision(robot, "HEAD", Silent())
    assert resolve(robot, "HEAD").report == "run"
    assert land(robot, Silent()).branch == "main"
    git(robot.root, "push", "-q", "origin", "main")
    git(root, "fetch", "-q")
    after = resolve(two_labelers, "origin/main")
    assert (after.key, after.report) == (before.key, "tree")


def test_only_what_depends_on_the_merged_inputs_is_stale(two_labelers: Project) -> None:
    from ovt.stages.pipeline import locked_stages, stage_specs

    git(two_labelers.root, "merge", "-q", "--no-edit", "b")
    specs, locked = stage_specs(two_labelers), locked_stages(two_labelers)
    reasons = {name: stale_reason(two_labelers, specs[name], locked[name]) for name in ("compile", "label")}
    assert reasons == {"compile": None, "label": "labelers changed"}
