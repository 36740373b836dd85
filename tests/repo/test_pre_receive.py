"""The judge of a bare repository, reached by real pushes: what it refuses, what it lets pass, and what it says."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sandbox import commit_all, git, make_outputs, write_project

from ovt.cli.main import main
from ovt.errors import UsageError
from ovt.project import STAGES, Project
from ovt.quality.intervals import wilson
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.versions.history import resolve
from ovt.versions.runs import RUNS, publish
from ovt.workflows.hooks.server import install_server, is_server, server_status, uninstall_server


def estimate(right: int, n: int) -> dict[str, Any]:
    low, high = (float(end) for end in wilson(right, n, 0.95))
    return {"n": n, "accuracy": {"value": right / n, "low": low, "high": high}}


def report(right: int, slices: dict[str, tuple[int, int]] | None = None, eval_set: str = "same") -> dict[str, Any]:
    """A report of one task on 1,000 test records."""
    split = {"overall": estimate(right, 1000), "tags": {},
             "slices": {name: estimate(*counts) for name, counts in (slices or {}).items()}}
    return {"format": "ovt.quality/1", "model": f"m{right}", "eval_set": eval_set,
            "tasks": {"Intent": {"primary": "accuracy", "splits": {"test": split}}}}


POLICY = "check: {slices: {rare: {critical: true}}}\n"


def make_version(project: Project, name: str, content: dict[str, object]) -> None:
    """Change an input and record results with this report."""
    (project.root / "labelers" / "v.yaml").write_text(f"- {{name: {name}, task: Intent, keyword: [{name}], label: height}}\n")
    make_outputs(project)
    (project.root / "reports" / "quality.json").write_text(json.dumps(content))
    for stage in STAGES:
        dvc.record_stage(project, stage)


@pytest.fixture(scope="session")
def branches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`main` and, from it: `good`, `bad`, `other-test`, `forged`, `unreported`, each one commit; `bad` has results."""
    root = tmp_path_factory.mktemp("branches") / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    project = write_project(root)
    settings = root / "ovt.yaml"
    settings.write_text(settings.read_text() + POLICY)
    make_version(project, "main", report(900, slices={"rare": (90, 100)}))
    commit_all(project, "main")
    for name, content in {
        "good": report(905, slices={"rare": (91, 100)}), "bad": report(899, slices={"rare": (60, 100)}),
        "other-test": report(700, eval_set="other"),
    }.items():
        git(root, "checkout", "-q", "-b", name, "main")
        make_version(project, name.replace("-", ""), content)
        commit_all(project, name)
    git(root, "checkout", "-q", "-b", "forged", "bad")
    (root / "reports" / "quality.json").write_text(json.dumps(report(999, slices={"rare": (99, 100)})))
    commit_all(project, "a better report, by hand")
    git(root, "checkout", "-q", "-b", "unreported", "main")
    (root / "labelers" / "v.yaml").write_text("[]\n")
    commit_all(project, "inputs alone")
    git(root, "checkout", "-q", "main")
    return root


class Server:
    """A bare repository that is pushed to from a clone."""

    def __init__(self, origin: Path, clone: Project) -> None:
        self.origin = origin
        self.clone = clone

    def push(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "push", *arguments], cwd=self.clone.root, check=False, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)

    @property
    def main(self) -> str:
        return git(self.origin, "log", "-1", "--format=%s", "main")

    def accepts(self, spec: str, *arguments: str) -> str:
        done = self.push(*arguments, "origin", spec)
        assert done.returncode == 0, done.stderr
        return said(done.stderr)

    def refuses(self, spec: str, *arguments: str) -> str:
        before = git(self.origin, "for-each-ref")
        done = self.push(*arguments, "origin", spec)
        assert done.returncode == 1, done.stderr
        assert git(self.origin, "for-each-ref") == before
        return said(done.stderr)


def said(stderr: str) -> str:
    """What the server told, as the person who pushes reads it."""
    lines = [line.removeprefix("remote: ").rstrip() for line in stderr.splitlines() if line.startswith("remote:")]
    return "\n".join(line for line in lines if line)


@pytest.fixture
def server(branches: Path, tmp_path: Path) -> Server:
    shutil.copytree(branches, tmp_path / "repo", symlinks=True)
    git(tmp_path, "clone", "-q", "--bare", "--single-branch", "-b", "main", str(tmp_path / "repo"), "origin.git")
    git(tmp_path / "repo", "remote", "add", "origin", str(tmp_path / "origin.git"))
    install_server(tmp_path / "origin.git", ("main",))
    return Server(tmp_path / "origin.git", Project(tmp_path / "repo"))


@pytest.fixture
def change(server: Server) -> Callable[[str, str], None]:
    """Change the policy on the server's main before the push that is tested."""
    def make(old: str, new: str) -> None:
        path = server.clone.root / "ovt.yaml"
        path.write_text(path.read_text().replace(old, new))
        commit_all(server.clone, "policy")
        assert server.push("origin", "main").returncode == 0
        for name in ("other-test", "unreported"):
            git(server.clone.root, "checkout", "-q", name)
            git(server.clone.root, "cherry-pick", "main")
        git(server.clone.root, "checkout", "-q", "main")
    return make


def test_a_good_version_passes(server: Server) -> None:
    assert server.accepts("good:main") == "ovt: main: passes, none of 2 rows regressed"
    assert server.main == "good"


def test_a_regression_is_refused_with_what_and_how_to_go_on(server: Server) -> None:
    lines = server.refuses("bad:main").splitlines()
    assert lines[0] == "ovt: main: refused"
    assert lines[1].startswith("  Intent on slice rare: accuracy 0.900 → 0.600")
    assert lines[2].startswith("  judged by ovt.yaml of main at ")
    assert lines[3] == '  to accept it all the same: git push -o ovt-waive="the reason"'


def test_a_reason_waives_it_and_is_kept(server: Server) -> None:
    assert "needs a reason" in server.refuses("bad:main", "-o", "ovt-waive=")
    told = server.accepts("bad:main", "-o", "ovt-waive=labels are being redone\x1b[31m")
    assert told.splitlines()[0] == "ovt: main: waived: labels are being redone[31m"
    (entry,) = [json.loads(line) for line in (server.origin / "ovt" / "waivers.jsonl").read_text().splitlines()]
    assert entry["by"] == "Ada <ada@example.org>"
    assert entry["reason"].startswith("labels are being redone")
    assert "slice rare" in entry["findings"][0]


def test_other_branches_and_removals_are_not_judged(server: Server) -> None:
    assert server.accepts("bad:side") == ""
    git(server.origin, "config", "receive.denyDeleteCurrent", "ignore")
    assert server.accepts(":main") == ""
    assert "the branch has no report to compare with" in server.accepts("bad:main")


def test_a_report_that_the_lock_does_not_name_counts_for_nothing(server: Server) -> None:
    assert "no report came with these inputs" in server.accepts("forged:main")


def test_without_a_report_the_policy_decides(server: Server, change: Callable[[str, str], None]) -> None:
    told = server.accepts("unreported:main")
    assert "not judged" in told
    assert "check.unjudged: advisory" in told
    git(server.origin, "update-ref", "refs/heads/main", git(server.clone.root, "rev-parse", "main"))
    change("check: {", "check: {unjudged: reject, ")
    assert "check.unjudged: reject" in server.refuses("+unreported:main")
    assert "the test set changed" in server.refuses("+other-test:main")
    assert server.accepts("+unreported:main", "-o", "ovt-waive=first inputs, then results").startswith("ovt: main: waived")


def test_another_test_set_withholds_the_verdict(server: Server) -> None:
    told = server.accepts("other-test:main")
    assert "cannot be compared" in told
    assert "the test set changed" in told


def test_a_push_cannot_weaken_its_own_judge(server: Server) -> None:
    git(server.clone.root, "checkout", "-q", "bad")
    path = server.clone.root / "ovt.yaml"
    path.write_text(path.read_text().replace(POLICY, "check: {floor: 0.9, min_support: 1000000}\n"))
    (server.clone.root / "waivers").mkdir()
    (server.clone.root / "waivers" / "w.yaml").write_text("{slice: rare, reason: x, owner: me, expires: 2999-01-01}\n")
    commit_all(server.clone, "weaker")
    told = server.refuses("bad:main")
    assert "the policy (check: in ovt.yaml) changes with this push, and counts from the next one on" in told
    assert "waivers/ changes with this push" in told
    (server.clone.root / "ovt.yaml").unlink()
    commit_all(server.clone, "no judge")
    assert "the push has no ovt.yaml any more" in server.accepts("bad:main")


def test_a_waiver_of_the_branch_covers_it(server: Server) -> None:
    git(server.clone.root, "checkout", "-q", "main")
    (server.clone.root / "waivers").mkdir()
    (server.clone.root / "waivers" / "w.yaml").write_text("{slice: rare, reason: x, owner: me, expires: 2999-01-01}\n")
    commit_all(server.clone, "waiver")
    server.accepts("main")
    git(server.clone.root, "checkout", "-q", "bad")
    git(server.clone.root, "rebase", "-q", "main")
    assert "waived at waivers/w.yaml:1: Intent on slice rare" in server.accepts("bad:main")


def test_a_run_in_the_same_push_is_the_report_and_is_made_once(server: Server) -> None:
    project = server.clone
    git(project.root, "checkout", "-q", "bad")
    key = resolve(project, "bad").key
    assert publish(git_of(project.root), project, key)
    git(project.root, "reset", "-q", "--soft", "main")
    git(project.root, "reset", "-q", "main", "--", "dvc.lock", "reports")
    git(project.root, "commit", "-q", "-m", "inputs alone")
    git(project.root, "checkout", "-q", "-f", "-B", "alone")
    assert resolve(project, "alone").key == key
    done = server.push("origin", "alone:main", f"{RUNS}{key}:{RUNS}{key}")
    assert done.returncode == 1
    assert "slice rare" in said(done.stderr)
    server.accepts(f"{RUNS}{key}:{RUNS}{key}")
    assert "slice rare" in server.refuses("alone:main")  # the run that is here already
    assert "a run is made once" in server.refuses(f"+main:{RUNS}{key}")


def test_projects_in_folders_are_judged_each(branches: Path, tmp_path: Path) -> None:
    top = tmp_path / "mono"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    for name in ("one", "products/two"):
        shutil.copytree(branches, top / name, symlinks=True, ignore=shutil.ignore_patterns(".git", ".dvc"))
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "both")
    git(tmp_path, "clone", "-q", "--bare", "mono", "origin.git")
    git(top, "remote", "add", "origin", "../origin.git")
    install_server(tmp_path / "origin.git", ("main", "release"))
    for name in ("one", "products/two"):
        for path in git(branches, "diff", "--name-only", "main", "bad").splitlines():
            (top / name / path).write_text(git(branches, "show", f"bad:{path}") + "\n")
        if name == "one":  # not asked for the final newline that `git show` loses
            (top / name / "reports" / "quality.json").write_text(git(branches, "show", "bad:reports/quality.json"))
    (top / "products/two/reports/quality.json").write_text(git(branches, "show", "bad:reports/quality.json"))
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "worse")
    done = subprocess.run(["git", "push", "-q", "origin", "main"], cwd=top, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ovt: main · one: refused" in said(done.stderr)
    assert "ovt: main · products/two: refused" in said(done.stderr)


@pytest.mark.parametrize(("path", "content"), [
    ("ovt.yaml", "chek: {}\n"), ("reports/quality.json", "{broken"), ("labelers/v.py", "raise SystemExit('run!')\n"),
])
def test_a_strange_push_is_read_and_never_run(path: str, content: str, server: Server) -> None:
    git(server.clone.root, "checkout", "-q", "bad")
    (server.clone.root / path).write_text(content)
    commit_all(server.clone, "strange")
    done = server.push("origin", "bad:main")
    assert "run!" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "a bug in ovt" not in done.stderr
    assert said(done.stderr).startswith("ovt: main: ")


# -- in place ---------------------------------------------------------------------------------------------------------


def test_an_existing_hook_runs_first_and_everything_comes_back(branches: Path, tmp_path: Path) -> None:
    origin = tmp_path / "o.git"
    git(tmp_path, "clone", "-q", "--bare", str(branches), "o.git")
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncat >{tmp_path}/fed\nexit 3\n")
    hook.chmod(0o711)
    config, before = (origin / "config").read_bytes(), hook.read_bytes()
    assert any("runs first" in line for line in install_server(origin, ("main",)))
    install_server(origin, ("main", "release"))
    assert server_status(origin).branches == ("main", "release")
    assert server_status(origin).state == "installed"
    done = subprocess.run(["git", "push", "-q", str(origin), "main:refs/heads/x"], cwd=branches, check=False, capture_output=True)
    assert done.returncode == 1
    assert (tmp_path / "fed").read_text().endswith("refs/heads/x\n")
    uninstall_server(origin)
    assert hook.read_bytes() == before
    assert stat.S_IMODE(hook.stat().st_mode) == 0o711
    assert (origin / "config").read_bytes() == config
    assert not (origin / "ovt").exists()
    assert uninstall_server(origin) == ()


def test_a_python_that_is_gone_lets_nothing_pass_unseen(server: Server) -> None:
    (server.origin / "ovt" / "python").write_text("/gone/python\n")
    assert "/gone/python is gone" in server.refuses("good:main")
    server.accepts("good:side")


def test_the_verbs(tmp_path: Path, plain: Project, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    at = ["-C", str(tmp_path / "bare.git"), "hooks"]
    assert is_server(tmp_path / "bare.git")
    assert not is_server(plain.root)
    assert main([*at, "install", "--server", "--branch", "trunk"]) == 0
    assert "pushes to trunk are judged" in capsys.readouterr().out
    assert main([*at, "status"]) == 0
    assert "installed\ttrunk" in capsys.readouterr().out
    assert main([*at, "uninstall"]) == 0
    with pytest.raises(UsageError, match="not a bare repository"):
        install_server(plain.root, ("main",))
