"""The hooks in a real repository: when they start Python, what they refuse, what they queue, what they leave alone."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, record, write_project

from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.storage.lock import try_lock
from ovt.versions.history import resolve
from ovt.versions.queue import queue_folder, read_jobs, worker_lock
from ovt.workflows.committing.staged import check_staged
from ovt.workflows.hooks.events import hook_impl
from ovt.workflows.hooks.install import EVENTS, hooks_folder, install, status, uninstall
from ovt.workflows.hooks.registry import state_folder


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Where the stand-in for Python writes down how it was called."""
    return tmp_path / "calls"


@pytest.fixture
def stand_in(calls: Path, tmp_path: Path) -> Callable[[Project], list[str]]:
    """Put a recorder in the place of the Python that the hooks start."""
    script = tmp_path / "recorder"
    script.write_text(f'#!/bin/sh\nshift 4\necho "$@" "<$(cat | tr "\\n" ";")>" >>{calls}\n')
    script.chmod(0o755)

    def use(project: Project) -> list[str]:
        (state_folder(git_of(project.root)) / "python").write_text(f"{script}\n")
        calls.write_text("")
        return []

    return use


@pytest.fixture
def seen(calls: Path) -> Callable[[], list[str]]:
    def look() -> list[str]:
        found = calls.read_text().splitlines()
        calls.write_text("")
        return [line.partition(" ")[0] if line.endswith("<>") else line for line in found]
    return look


@pytest.fixture
def hooked(plain: Project, stand_in: Callable[[Project], list[str]]) -> Project:
    install(plain)
    stand_in(plain)
    return plain


@pytest.fixture
def no_worker(plain: Project) -> Iterator[None]:
    """As if a worker ran: jobs are queued and stay there."""
    release = try_lock(worker_lock(plain), "the test")
    assert release is not None
    yield
    release()


def edit(project: Project, text: str = "# another\n") -> None:
    (project.root / "labelers" / "height.yaml").write_text(LABELER + text)


def commit(project: Project, *arguments: str, **environment: str) -> None:
    git(project.root, "commit", "-q", "-a", "-m", "x", *arguments, **environment)


# -- when Python is started ----------------------------------------------------------------------------------------


def test_a_commit_without_an_input_starts_no_python(hooked: Project, seen: Callable[[], list[str]]) -> None:
    (hooked.root / "README.md").write_text("hello\n")
    git(hooked.root, "add", "README.md")
    commit(hooked)
    assert seen() == []


def test_a_commit_with_an_input_starts_it_before_and_after(hooked: Project, seen: Callable[[], list[str]]) -> None:
    edit(hooked)
    commit(hooked)
    assert seen() == ["pre-commit", "post-commit"]
    edit(hooked, "# path\n")
    git(hooked.root, "commit", "-q", "-m", "x", "labelers/height.yaml")
    assert seen() == ["pre-commit", "post-commit"]


@pytest.mark.parametrize("path", [
    "schema.json", "ovt.yaml", "tuning.yaml", "tuning.lock.yaml", "slices/deep/s.yaml", "data.dvc", "labelers/ä b.py",
    "data/raw.jsonl", "weights.safetensors", ".dvcignore",
])
def test_every_kind_of_input_is_noticed(path: str, hooked: Project, seen: Callable[[], list[str]]) -> None:
    target = hooked.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a") as file:
        file.write("\n# x\n")
    git(hooked.root, "add", "-f", path)
    git(hooked.root, "commit", "-q", "-m", "x")
    assert seen() == ["pre-commit", "post-commit"]


@pytest.mark.parametrize("path", ["docs/schema.json", "labelers.md", "src/labelers/x.py", "dataset.txt", "reports/x.json"])
def test_what_only_looks_like_an_input_is_not(path: str, hooked: Project, seen: Callable[[], list[str]]) -> None:
    target = hooked.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("x\n")
    git(hooked.root, "add", path)
    git(hooked.root, "commit", "-q", "-m", "x")
    assert seen() == []


def test_listed_code_is_an_input(plain: Project, stand_in: Callable[[Project], list[str]],
                                 seen: Callable[[], list[str]]) -> None:
    (plain.root / "src").mkdir()
    (plain.root / "src" / "lib.py").write_text("x = 1\n")
    path = plain.root / "ovt.yaml"
    path.write_text(path.read_text().replace("code: []", "code: [src]"))
    commit_all(plain, "code")
    install(Project(plain.root))
    stand_in(plain)
    (plain.root / "src" / "lib.py").write_text("x = 2\n")
    commit(plain)
    assert seen() == ["pre-commit", "post-commit"]


def test_without_pre_commit_the_commit_itself_is_looked_at(hooked: Project, seen: Callable[[], list[str]]) -> None:
    edit(hooked)
    commit(hooked, "--no-verify")
    assert seen() == ["post-commit"]
    (hooked.root / "README.md").write_text("x\n")
    git(hooked.root, "add", "-A")
    commit(hooked, "--no-verify")
    assert seen() == []


def test_an_amend_is_told_once(hooked: Project, seen: Callable[[], list[str]]) -> None:
    edit(hooked)
    commit(hooked, "--amend")
    assert seen() == ["pre-commit", "post-commit"]


def branch_off(project: Project) -> None:
    git(project.root, "checkout", "-q", "-b", "side")
    for number in range(3):
        edit(project, f"# {number}\n")
        git(project.root, "commit", "-q", "--no-verify", "-a", "-m", f"side {number}")
    git(project.root, "checkout", "-q", "main")
    (project.root / "README.md").write_text("x\n")
    git(project.root, "add", "README.md")
    git(project.root, "commit", "-q", "-m", "readme")


def test_a_rebase_is_told_once_at_its_end(hooked: Project, seen: Callable[[], list[str]]) -> None:
    branch_off(hooked)
    git(hooked.root, "checkout", "-q", "side")
    seen()
    git(hooked.root, "rebase", "-q", "main")
    (told,) = seen()
    assert told.startswith("post-rewrite rebase <")
    assert told.count(";") == 3  # one line for each commit that was rewritten


def test_merge_cherry_pick_and_revert_are_told(hooked: Project, seen: Callable[[], list[str]]) -> None:
    branch_off(hooked)
    seen()
    git(hooked.root, "merge", "-q", "--no-edit", "side")
    (told,) = seen()
    assert told == "post-merge"
    git(hooked.root, "reset", "-q", "--hard", "HEAD~1")
    git(hooked.root, "cherry-pick", "main..side")
    assert seen() == ["post-commit"]  # the last pick speaks for all
    git(hooked.root, "revert", "--no-edit", "HEAD")
    assert seen() == ["post-commit"]


@pytest.mark.parametrize("environment", [{"OVT_SKIP": "1"}, {"CI": "true"}])
def test_skipped(environment: dict[str, str], hooked: Project, seen: Callable[[], list[str]]) -> None:
    edit(hooked)
    commit(hooked, **environment)
    assert seen() == []


def test_in_a_linked_worktree(hooked: Project, tmp_path: Path, seen: Callable[[], list[str]]) -> None:
    there = Project(tmp_path / "linked")
    git(hooked.root, "worktree", "add", "-q", "-b", "linked", str(there.root))
    assert seen() == ["post-checkout"]
    edit(there)
    commit(there)
    assert seen() == ["pre-commit", "post-commit"]
    (there.root / "README.md").write_text("x\n")
    git(there.root, "add", "-A")
    commit(there)
    assert seen() == []


def test_under_hooks_path_and_from_a_folder(plain: Project, stand_in: Callable[[Project], list[str]],
                                            seen: Callable[[], list[str]]) -> None:
    git(plain.root, "config", "core.hooksPath", ".githooks")
    told = install(plain)
    assert ".githooks" in told[0]
    assert not (plain.root / ".git" / "hooks" / "pre-commit").exists()
    stand_in(plain)
    edit(plain)
    git(plain.root / "labelers", "commit", "-q", "-a", "-m", "x")
    assert seen() == ["pre-commit", "post-commit"]


def test_two_projects_in_one_repository(tmp_path: Path, stand_in: Callable[[Project], list[str]],
                                        seen: Callable[[], list[str]]) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    first, second = (write_project(tmp_path / "repo" / name) for name in ("a.b", "two"))
    commit_all(first, "both")
    install(first)
    install(second)
    stand_in(first)
    for project in (first, second):
        edit(project)
        commit(project)
        assert seen() == ["pre-commit", "post-commit"]
    (tmp_path / "repo" / "axb").mkdir()  # the dot of `a.b` is no wildcard
    (tmp_path / "repo" / "axb" / "schema.json").write_text("x")
    git(tmp_path / "repo", "add", "-A")
    git(tmp_path / "repo", "commit", "-q", "-m", "x")
    assert seen() == []
    assert "stay for two/" in uninstall(first)[0]
    assert all(hook.works for hook in status(second))
    uninstall(second)
    assert not any((hooks_folder(git_of(second.root)) / event).exists() for event in EVENTS)


def test_no_op_hooks_cost_little(hooked: Project) -> None:
    import time

    def once(**environment: str) -> float:
        began = time.perf_counter()
        git(hooked.root, "commit", "-q", "--allow-empty", "-m", "x", **environment)
        return time.perf_counter() - began

    skipped = min(once(OVT_SKIP="1") for _ in range(5))
    asked = min(once() for _ in range(5))
    assert asked - skipped < 0.1  # some 10 ms on an idle machine


# -- beside others -------------------------------------------------------------------------------------------------


def write_hook(project: Project, event: str, body: str) -> Path:
    path = hooks_folder(git_of(project.root)) / event
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o754)
    return path


def test_an_existing_hook_runs_first_and_comes_back_byte_for_byte(plain: Project, tmp_path: Path) -> None:
    path = write_hook(plain, "pre-commit", f"echo ran $# >>{tmp_path}/old\n# \t no final newline")
    before, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    told = install(plain)
    assert any("pre-commit: the hook that was here runs first" in line for line in told)
    assert install(plain) == told[:1]  # a second time changes nothing
    (plain.root / "README.md").write_text("x\n")
    git(plain.root, "add", "-A")
    commit(plain)
    assert (tmp_path / "old").read_text() == "ran 0\n"
    found = {hook.event: hook for hook in status(plain)}
    assert found["pre-commit"].state == "installed"
    assert found["pre-commit"].chained
    uninstall(plain)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(".sample")) == ["pre-commit"]
    assert not (plain.root / ".git" / "ovt").exists()


def test_an_existing_hook_can_refuse(hooked: Project, seen: Callable[[], list[str]]) -> None:
    uninstall(hooked)
    write_hook(hooked, "pre-commit", "exit 7")
    install(hooked)
    edit(hooked)
    done = subprocess.run(["git", "commit", "-qam", "x"], cwd=hooked.root, check=False)
    assert done.returncode != 0
    assert git(hooked.root, "log", "--format=%s") == "inputs"


def test_both_get_what_git_feeds_to_pre_push(plain: Project, tmp_path: Path, stand_in: Callable[[Project], list[str]],
                                             seen: Callable[[], list[str]]) -> None:
    write_hook(plain, "pre-push", f"cat >{tmp_path}/fed")
    install(plain)
    stand_in(plain)
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(plain.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(plain.root, "push", "-q", "origin", "main")
    fed = (tmp_path / "fed").read_text()
    assert fed.startswith("refs/heads/main ")
    (told,) = seen()
    assert told == f"pre-push origin {tmp_path / 'origin.git'} <{fed.strip()};>"


def test_a_python_that_is_gone(plain: Project, tmp_path: Path, calls: Path) -> None:
    install(plain)
    (state_folder(git_of(plain.root)) / "python").write_text("/gone/python")
    path = os.environ["PATH"].split(os.pathsep)
    clean = os.pathsep.join(folder for folder in path if not (Path(folder) / "ovt").exists())
    edit(plain)
    done = subprocess.run(["git", "commit", "-qam", "x"], cwd=plain.root, check=False, capture_output=True, text=True,
                          env={**os.environ, "PATH": clean})
    assert done.returncode != 0
    assert "ovt: pre-commit not checked" in done.stderr
    assert "OVT_SKIP=1" in done.stderr
    done = subprocess.run(["git", "commit", "-qam", "x", "--no-verify"], cwd=plain.root, check=False,
                          capture_output=True, text=True, env={**os.environ, "PATH": clean})
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    other = tmp_path / "bin" / "ovt"
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\necho "$@" >>{calls}\n')
    other.chmod(0o755)
    edit(plain, "# more\n")
    git(plain.root, "commit", "-qam", "x", PATH=f"{other.parent}{os.pathsep}{clean}")
    assert calls.read_text() == "hook-impl pre-commit\nhook-impl post-commit\n"


@pytest.mark.parametrize(("code", "stopped"), [(0, []), (3, ["commit", "push"]), (5, ["push"])])
def test_only_a_finding_stops_git(code: int, stopped: list[str], plain: Project, tmp_path: Path) -> None:
    """A bug in ovt (5) is no reason against a commit, and no hook makes a checkout fail that worked."""
    install(plain)
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\nexit {code}\n")
    broken.chmod(0o755)
    (state_folder(git_of(plain.root)) / "python").write_text(f"{broken}\n")
    edit(plain)
    many = (["commit", "-q", "-a", "-m", "x"], ["push", "-q", str(tmp_path / "origin.git"), "HEAD"],
            ["worktree", "add", "-q", "--detach", str(tmp_path / "linked")], ["merge", "-q", "HEAD"])
    done = [subprocess.run(["git", *words], cwd=plain.root, check=False, capture_output=True) for words in many]
    assert [words[0] for words, one in zip(many, done, strict=True) if one.returncode] == stopped


# -- what they do --------------------------------------------------------------------------------------------------


def stage(project: Project, path: str, content: str | bytes) -> None:
    target = project.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(project.root, "add", "-f", path)


@pytest.mark.parametrize(("path", "content", "what"), [
    ("schema.json", '{"payloads": {}}', "has no `tasks`"),
    ("ovt.yaml", "chek: {}\n", "unknown setting `chek`"),
    ("labelers/x.yaml", "- {name: [\n", "cannot be parsed"),
    ("labelers/x.py", "def f(:\n", "not valid Python"),
    ("labelers/x.py", b"\xff\xfe = 1\n", "not valid Python"),
    ("slices/s.yaml", "a: 1\na: 2\n", "comes twice"),
    ("data/raw.jsonl", "{}\n", "does not belong into Git"),
    ("model/weights.safetensors", "x", "does not belong into Git"),
    ("old/weights.pt", b"0" * 1_000_001, "does not belong into Git"),
    ("tuning.yaml", "a: [\n", "cannot be parsed"),
])
def test_what_a_commit_may_not_contain(path: str, content: str | bytes, what: str, plain: Project) -> None:
    stage(plain, path, content)
    (error,) = check_staged(plain)
    assert what in error.what
    assert error.at is not None
    assert path in error.at


def test_the_index_counts_and_not_the_working_tree(plain: Project) -> None:
    stage(plain, "labelers/x.py", "x = 1\n")
    (plain.root / "labelers" / "x.py").write_text("def broken(:\n")
    assert check_staged(plain) == []
    stage(plain, "labelers/x.py", "def broken(:\n")
    (plain.root / "labelers" / "x.py").write_text("x = 1\n")
    assert len(check_staged(plain)) == 1


def test_small_files_and_good_inputs_may_pass(plain: Project) -> None:
    for path in ("data/.gitkeep", "labelers/notes.md", "tests/model.pt", "data/x.jsonl.dvc"):
        stage(plain, path, "x: 1\n")
    stage(plain, "labelers/good.py", "# -*- coding: latin-1 -*-\nx = 'h\xe4'\n".encode("latin-1"))
    assert check_staged(plain) == []


def test_a_pointer_must_name_the_data_that_lies_there(plain: Project) -> None:
    text = (plain.root / "data.dvc").read_text()
    stage(plain, "data.dvc", text.replace("nfiles: 2", "nfiles: 2\n  desc: mine"))
    assert check_staged(plain) == []
    (plain.root / "data" / "a.jsonl").write_text('{"payloads": {"query": "changed"}}\n')
    (error,) = check_staged(plain)
    assert error.command == "ovt add data/ && git add data.dvc"
    shutil.rmtree(plain.root / "data")  # not here: nothing to compare
    assert check_staged(plain) == []


def test_all_that_is_wrong_is_told_and_nothing_is_committed(plain: Project) -> None:
    install(plain)
    stage(plain, "labelers/x.py", "def f(:\n")
    stage(plain, "ovt.yaml", "chek: {}\n")
    done = subprocess.run(["git", "commit", "-q", "-m", "x"], cwd=plain.root, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "labelers/x.py:1" in done.stderr
    assert "unknown setting `chek`" in done.stderr
    assert "OVT_SKIP=1" in done.stderr
    assert git(plain.root, "log", "--format=%s") == "inputs"


def test_git_commit_path_is_checked_by_its_own_index(plain: Project) -> None:
    install(plain)
    stage(plain, "labelers/x.py", "def f(:\n")
    (plain.root / "schema.json").write_text("{}")
    git(plain.root, "commit", "-q", "-m", "fine", ".gitignore", "--allow-empty")  # other files are staged and broken
    done = subprocess.run(["git", "commit", "-q", "-m", "x", "schema.json"], cwd=plain.root, check=False,
                          capture_output=True, text=True)
    assert done.returncode != 0
    assert "schema.json" in done.stderr
    assert "labelers/x.py" not in done.stderr


def test_a_module_in_the_repository_shadows_nothing(plain: Project, no_worker: None) -> None:
    install(plain)
    for name in ("json", "typer", "ovt", "ast"):
        (plain.root / f"{name}.py").write_text("raise SystemExit('stolen')\n")
    edit(plain)
    git(plain.root, "add", "-A")
    commit(plain)
    assert len(read_jobs(queue_folder(plain))) == 1


def test_a_commit_queues_one_training(plain: Project, no_worker: None) -> None:
    install(plain)
    edit(plain)
    done = subprocess.run(["git", "commit", "-qam", "x"], cwd=plain.root, check=True, capture_output=True, text=True)
    assert done.stderr == "ovt: training queued · ovt status\n"
    (job,) = read_jobs(queue_folder(plain))
    version = resolve(plain, "HEAD")
    assert (job.key, job.commit, job.state, job.branch) == (version.key, version.commit, "waiting", "main")
    assert version.state == "pending"
    git(plain.root, "commit", "-q", "--amend", "-m", "better said")
    assert len(read_jobs(queue_folder(plain))) == 1
    edit(plain, "# newer\n")
    commit(plain)
    assert [found.state for found in read_jobs(queue_folder(plain))] == ["superseded", "waiting"]


def test_hooks_off_and_compile(plain: Project, no_worker: None) -> None:
    install(plain)
    path = plain.root / "ovt.yaml"
    text = path.read_text()
    path.write_text(text.replace("train: background", "train: off"))
    edit(plain)
    commit(plain)
    assert read_jobs(queue_folder(plain)) == []
    path.write_text(text.replace("train: background", "train: compile"))
    edit(plain, "# more\n")
    commit(plain)
    (job,) = read_jobs(queue_folder(plain))
    assert job.stages == ("compile",)


def test_a_version_with_a_model_is_one_line(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    install(recorded)
    monkeypatch.chdir(recorded.root)
    result = hook_impl("post-rewrite", ["rebase"], Silent())
    assert result.lines == ("ovt: these inputs have a model already · ovt show HEAD",)
    assert read_jobs(queue_folder(recorded)) == []


def test_what_someone_else_made_is_not_run(recorded: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "-q", str(recorded.root), "theirs")
    theirs = Project(tmp_path / "theirs")
    edit(theirs, "# theirs\n")
    git(theirs.root, "commit", "-q", "-am", "theirs", GIT_COMMITTER_EMAIL="bob@example.org")
    install(recorded)
    git(recorded.root, "pull", "-q", str(theirs.root), "main", OVT_SKIP="1")
    monkeypatch.chdir(recorded.root)
    result = hook_impl("post-merge", ["0"], Silent())
    assert result.lines == ("ovt: no model here for what was merged · ovt pull, or ovt run",)
    assert read_jobs(queue_folder(recorded)) == []
    assert hook_impl("post-merge", ["1"], Silent()).lines == ()


def test_an_event_that_nobody_knows_and_no_project(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plain.root)
    assert hook_impl("post-index-change", [], Silent()).code == 0
    assert hook_impl("pre-commit", [], Silent()).lines == ()  # nothing is registered


def push_line(project: Project) -> str:
    head = git(project.root, "rev-parse", "HEAD")
    return f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"


def test_pre_push_without_a_remote_warns_in_one_line(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    install(recorded)
    monkeypatch.chdir(recorded.root)
    result = hook_impl("pre-push", ["origin", "url"], Silent(), content=push_line(recorded))
    assert result.code == 0
    assert len(result.lines) == 1
    assert "ovt remote add" in result.lines[0]
    deleted = f"(delete) {'0' * 40} refs/heads/x {'1' * 40}\n"
    assert hook_impl("pre-push", ["origin", "url"], Silent(), content=deleted).lines == ()


def test_pre_push_sends_what_the_tips_need_and_refuses_what_is_missing(recorded: Project, tmp_path: Path) -> None:
    from ovt.storage import dvc
    from ovt.storage.objects import cache_folder

    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(recorded.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    dvc.remote_add(recorded, "storage", str(tmp_path / "store"))
    install(recorded)
    git(recorded.root, "push", "-q", "origin", "main")
    assert len(list((tmp_path / "store").rglob("*.dir"))) > 5
    edit(recorded)
    record(recorded)
    commit_all(recorded, "more")
    shutil.rmtree(cache_folder(recorded) / "files")
    done = subprocess.run(["git", "push", "-q", "origin", "main"], cwd=recorded.root, check=False, capture_output=True,
                          text=True)
    assert done.returncode != 0
    assert "neither here nor on the remote" in done.stderr
    assert git(tmp_path / "origin.git", "log", "--format=%s", "main").splitlines()[0] == "first model"
