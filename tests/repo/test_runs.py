"""Runs by the key of their inputs: made anywhere, found again after history is rewritten, landed on a branch."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, make_outputs

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.progress import Progress, Silent
from ovt.project import STAGES, Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.versions.artifacts import read_report
from ovt.versions.history import resolve
from ovt.versions.queue import Job, queue_folder, write_job
from ovt.versions.runs import RUNS, read_run
from ovt.workflows.run import RunResult
from ovt.workflows.sharing.landing import land
from ovt.workflows.sharing.revisions import expand, run_revision
from ovt.workflows.sharing.share import pull, push, remote_add

FORK = multiprocessing.get_context("fork")


class Training:
    """Stands for `run_all`: makes and records outputs, and says where it was started."""

    def __init__(self) -> None:
        self.ran: list[Project] = []
        self.says = "all done"
        self.during: Callable[[Project], None] = lambda project: None

    def __call__(self, project: Project, progress: Progress) -> RunResult:
        self.ran.append(project)
        self.during(project)
        make_outputs(project)
        for name in STAGES:
            dvc.record_stage(project, name)
        progress.note(self.says)
        return RunResult(())


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Training:
    found = Training()
    monkeypatch.setattr("ovt.workflows.run.run_all", found)
    return found


def edit(project: Project, text: str = "# two\n") -> str:
    (project.root / "labelers" / "height.yaml").write_text(LABELER + text)
    return commit_all(project, text.strip("# \n"))


@pytest.fixture
def shared(plain: Project, tmp_path: Path) -> Project:
    """A project without a model, with a Git remote and a data remote, both of which have it all."""
    remote_add(plain, "../store")  # relative, which from a worktree inside leads elsewhere
    commit_all(plain, "remote")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(plain.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(plain.root, "push", "-q", "-u", "origin", "main")
    push(plain, Silent())
    return plain


def clone(tmp_path: Path, name: str, *options: str) -> Project:
    git(tmp_path, "clone", "-q", *options, f"file://{tmp_path}/origin.git", name)
    return Project(tmp_path / name)


# -- ovt run --rev -----------------------------------------------------------------------------------------------------


def test_a_shallow_clone_without_data_makes_a_run_for_all(shared: Project, training: Training, tmp_path: Path) -> None:
    edit(shared)
    git(shared.root, "push", "-q")
    robot = clone(tmp_path, "robot", "--depth=1")
    git(robot.root, "checkout", "-q", "--detach")
    done = run_revision(robot, "HEAD", Silent(), publishing=True)
    assert (done.version.state, done.version.report) == ("ready", "run")
    assert (push(robot, Silent()).runs, len(training.ran)) == (1, 1)
    assert training.ran[0].root != robot.root
    assert not (robot.root / "data").exists()  # nothing was put into the working tree
    assert git(robot.root, "status", "--porcelain") == ""
    assert read_run(git_of(robot.root), done.version.key, "log") == b"all done\n"
    pull(shared, Silent())
    assert resolve(shared, "HEAD").report == "run"
    assert run_revision(shared, "HEAD", Silent()).result is None
    assert len(training.ran) == 1


def test_a_project_in_a_folder(plain: Project, training: Training, tmp_path: Path) -> None:
    top = tmp_path / "mono"
    (top / "models").mkdir(parents=True)
    shutil.rmtree(plain.root / ".git")
    plain.root.rename(top / "models" / "intent")
    git(top, "init", "-q", "-b", "main")
    project = Project(top / "models" / "intent")
    commit_all(project, "all")
    assert run_revision(project, "main", Silent()).version.report == "run"
    assert training.ran[0].root.as_posix().endswith("/models/intent")
    assert land(project, Silent()).commit == git(top, "rev-parse", "HEAD")
    assert git(top, "show", "--name-only", "--format=", "HEAD").splitlines() == [
        f"models/intent/{name}" for name in
        ("dvc.lock", "reports/metrics.json", "reports/quality.json", "reports/sources.json")]


def test_two_revisions_at_once(plain: Project, training: Training) -> None:
    first, second = git(plain.root, "rev-parse", "HEAD"), edit(plain)
    both = FORK.Barrier(2)
    training.during = lambda _: both.wait(30) and None  # neither goes on before the other has begun
    _together(plain, [first, second])
    assert [resolve(plain, revision).report for revision in (first, second)] == ["run", "run"]
    assert git(plain.root, "worktree", "list").count("\n") == 0


def test_the_same_inputs_twice_at_once_are_trained_once(plain: Project, training: Training, tmp_path: Path) -> None:
    def leave_a_mark(_: Project) -> None:
        (tmp_path / f"trained-{os.getpid()}").touch()
        time.sleep(0.3)

    training.during = leave_a_mark
    _together(plain, ["HEAD", "main"])
    assert len(list(tmp_path.glob("trained-*"))) == 1
    assert resolve(plain, "HEAD").report == "run"


def test_what_cannot_be_run(plain: Project, training: Training) -> None:
    with pytest.raises(UsageError, match="the workspace is no commit"):
        run_revision(plain, "workspace", Silent())
    with pytest.raises(UsageError, match="no revision"):
        run_revision(plain, "nope", Silent())
    with pytest.raises(MissingError, match="no remote is set"):
        run_revision(plain, "HEAD", Silent(), publishing=True)
    (plain.root / "ovt.yaml").write_text("nonsense: 1\n")
    commit_all(plain, "broken")
    with pytest.raises(ProjectError, match="holds no project"):
        run_revision(plain, "HEAD", Silent())
    assert training.ran == []


def _together(project: Project, revisions: list[str]) -> None:
    """A process for each revision: what two people, or two robots, do on one machine."""
    processes = [FORK.Process(target=run_revision, args=(project, revision, Silent())) for revision in revisions]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]


# -- found again -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def featured(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`main` with an unrelated commit, `feature` with two commits and a run: made once, copied for each test."""
    root = tmp_path_factory.mktemp("featured") / "repo"
    shutil.copytree(templates / "plain", root, symlinks=True)
    project = Project(root)
    git(root, "checkout", "-q", "-b", "feature")
    edit(project)
    (root / "labelers" / "more.yaml").write_text(LABELER.replace("tall", "more"))
    commit_all(project, "more")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ovt.workflows.run.run_all", Training())
        run_revision(project, "feature", Silent())
    git(root, "checkout", "-q", "main")
    (root / "README.md").write_text("hello\n")
    commit_all(project, "unrelated")
    return root


@pytest.mark.parametrize("how", ["amend", "rebase", "cherry-pick", "squash", *(
    pytest.param(name, marks=pytest.mark.slow) for name in ("message", "revert"))])
def test_a_run_is_found_again(how: str, featured: Path, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    shutil.copytree(featured, root, symlinks=True)
    plain = Project(root)
    done = resolve(plain, "feature")
    assert done.report == "run"
    if how == "amend":
        git(root, "checkout", "-q", "feature")
        (root / "README.md").write_text("more\n")
        git(root, "add", "-A")
        git(root, "commit", "-q", "--amend", "-m", "better said", "--author", "Bob <bob@example.org>", "--date", "2020-01-01T00:00:00")
    elif how == "rebase":
        git(root, "rebase", "-q", "main", "feature")
    elif how == "cherry-pick":
        git(root, "cherry-pick", "feature~1", "feature")
    elif how == "squash":
        git(root, "merge", "-q", "--squash", "feature")
        git(root, "commit", "-q", "-m", "squashed")
    elif how == "message":
        git(root, "checkout", "-q", "feature")
        git(root, "commit", "-q", "--allow-empty", "-m", "nothing")
    else:
        git(root, "checkout", "-q", "feature")
        edit(plain, "# three\n")
        assert resolve(plain, "HEAD").report is None
        git(root, "revert", "--no-edit", "HEAD")
    version = resolve(plain, "HEAD")
    assert (version.key, version.report) == (done.key, "run")
    assert read_report(plain, version, "quality.json") is not None
    assert run_revision(plain, "HEAD", Silent()).result is None


def test_the_first_of_two_clones_wins(shared: Project, training: Training, tmp_path: Path) -> None:
    clones = [clone(tmp_path, name) for name in ("a", "b")]
    for project, log in zip(clones, ("first", "second"), strict=True):
        training.says = log
        run_revision(project, "HEAD", Silent())
    ref = f"{RUNS}{resolve(clones[0], 'HEAD').key}"
    ours, theirs = (git(project.root, "rev-parse", ref) for project in clones)
    assert ours != theirs
    assert push(clones[0], Silent()).runs == 1
    listener = Silent()
    assert push(clones[1], listener).runs == 0
    assert any("someone else first" in note for note in listener.notes)
    assert git(clones[1].root, "rev-parse", ref) == git(tmp_path / "origin.git", "rev-parse", ref) == ours
    assert push(clones[1], Silent()).runs == 0


def test_a_range_is_all_its_versions(plain: Project) -> None:
    start = git(plain.root, "rev-parse", "HEAD")
    edits = [edit(plain, f"# {number}\n") for number in range(3)]
    assert [version.commit for version in expand(plain, [f"{start}..HEAD"])] == edits[::-1]
    assert len(expand(plain, ["HEAD", f"{start}..HEAD", "HEAD~1", "main"])) == 3
    with pytest.raises(UsageError):
        expand(plain, ["nope..HEAD"])


# -- ovt land ----------------------------------------------------------------------------------------------------------


def test_landing_leaves_all_else_as_it_is(plain: Project, training: Training) -> None:
    root = plain.root
    before = git(root, "rev-parse", "HEAD")
    run_revision(plain, "HEAD", Silent())
    (root / "README.md").write_text("staged\n")
    git(root, "add", "README.md")
    (root / "ovt.yaml").write_text((root / "ovt.yaml").read_text() + "# not staged\n")
    (root / "other.txt").write_text("untracked\n")
    done = land(plain, Silent())
    assert done.files == ("dvc.lock", "reports/metrics.json", "reports/quality.json", "reports/sources.json")
    assert (done.branch, done.commit) == ("main", git(root, "rev-parse", "main"))
    assert git(root, "rev-parse", "HEAD~1") == before  # nothing was amended
    assert git(root, "show", "--name-only", "--format=", "HEAD").split() == list(done.files)
    assert git(root, "status", "--porcelain").splitlines() == ["A  README.md", " M ovt.yaml", "?? other.txt"]
    version = resolve(plain, "HEAD")
    assert (version.report, version.key) == ("tree", done.version.key)
    again = land(plain, Silent())
    assert (again.commit, again.files) == (None, ())
    assert "run " in git(root, "reflog", "-1", "main")


def test_landing_on_a_branch_that_is_not_checked_out(plain: Project, training: Training, tmp_path: Path) -> None:
    root = plain.root
    git(root, "checkout", "-q", "-b", "feature")
    edit(plain)
    run_revision(plain, "feature", Silent())
    git(root, "checkout", "-q", "main")
    done = land(plain, Silent(), "feature")
    assert (done.branch, resolve(plain, "feature").report) == ("feature", "tree")
    assert not (root / "dvc.lock").exists()
    assert git(root, "status", "--porcelain") == ""
    git(root, "worktree", "add", "-q", str(tmp_path / "wt"), "feature")
    with pytest.raises(UsageError, match="checked out elsewhere"):
        land(plain, Silent(), "feature")
    with pytest.raises(UsageError, match="no branch `nope`"):
        land(plain, Silent(), "nope")


def test_landing_at_a_detached_head(plain: Project, training: Training) -> None:
    git(plain.root, "checkout", "-q", "--detach")
    run_revision(plain, "HEAD", Silent())
    done = land(plain, Silent())
    assert (done.branch, done.commit) == (None, git(plain.root, "rev-parse", "HEAD"))


def test_ones_own_newer_results_are_not_overwritten(plain: Project, training: Training) -> None:
    root = plain.root
    run_revision(plain, "HEAD", Silent())
    (root / "reports").mkdir()
    (root / "reports" / "quality.json").write_text('{"mine": 1}\n')
    (root / "dvc.lock").write_text("mine\n")
    git(root, "add", "dvc.lock")
    land(plain, Silent())
    assert (root / "dvc.lock").read_text() == "mine\n"
    assert (root / "reports" / "quality.json").read_text() == '{"mine": 1}\n'
    assert git(root, "status", "--porcelain").splitlines() == ["M  dvc.lock", " M reports/quality.json"]


def test_what_cannot_be_landed(plain: Project, training: Training) -> None:
    with pytest.raises(MissingError, match="`main` has no run to land") as caught:
        land(plain, Silent())
    assert "ovt run --rev main" in (caught.value.command or "")
    key = resolve(plain, "HEAD").key
    write_job(queue_folder(plain), Job(key, "x", 1, "waiting"))
    with pytest.raises(MissingError, match="still being trained"):
        land(plain, Silent())
    (plain.root / ".git" / "MERGE_HEAD").write_text("0" * 40 + "\n")
    with pytest.raises(UsageError, match="not finished"):
        land(plain, Silent())
