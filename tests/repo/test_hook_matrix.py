"""Everyday Git, with the hooks and without: the same commits, index, files and stash; the right hooks, once; the same KEY.

Each operation runs in two copies of one repository. In the usual run a
recorder stands for Python (what is tested is the shim and Git); with `slow`,
ovt itself runs, in all surroundings.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from git_operations import OPERATIONS, Operation, Place
from sandbox import git, write_project

from ovt.project import Project
from ovt.storage import dvc
from ovt.storage.git import git_of
from ovt.storage.lock import try_lock
from ovt.versions.history import resolve
from ovt.versions.queue import queue_folder, read_jobs, worker_lock
from ovt.workflows.hooks.install import install
from ovt.workflows.hooks.registry import state_folder

PRE_COMMIT = "repos:\n- repo: local\n  hooks:\n  - {id: t, name: t, entry: 'true', language: system, always_run: true}\n"


@dataclass(frozen=True)
class Surroundings:
    """What a repository can be like."""

    name: str
    prefixes: tuple[str, ...] = ("",)
    worktree: bool = False
    hooks_path: str | None = None
    framework: bool = False
    cache_type: str | None = None
    remote: bool = True


ALL = (
    Surroundings("plain"), Surroundings("worktree", worktree=True), Surroundings("hooks-path", hooks_path=".hooks"),
    Surroundings("framework", framework=True), Surroundings("symlinks", cache_type="symlink"),
    Surroundings("hardlinks", cache_type="hardlink"), Surroundings("sub-folder", ("products/search/",)),
    Surroundings("two-projects", ("one/", "two/")), Surroundings("no-remote", remote=False),
)


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A repository for each surroundings, with the hooks in place; made when asked for, once."""
    base = tmp_path_factory.mktemp("surroundings")
    return {"base": base}


def repository(known: dict[str, Path], what: Surroundings) -> Path:
    """The template of some surroundings."""
    key = repr(replace(what, name="", worktree=False, hooks_path=None, framework=False, remote=True))
    if key not in known:
        known[key] = known["base"] / str(len(known)) / "repo"
        build(known[key], what)
    return known[key]


def build(top: Path, what: Surroundings) -> None:
    """`base` and, from it: `side` (three inputs), `other` (no input), `fresh` (other data, in DVC's cache too)."""
    top.mkdir(parents=True)
    place = Place(top, what.prefixes[0])
    place.git("init", "-q", "-b", "main")
    projects = [write_project(top / prefix) for prefix in what.prefixes]
    for project in projects:
        if what.cache_type:
            dvc_config = project.root / ".dvc" / "config"
            dvc_config.write_text(f"{dvc_config.read_text()}[cache]\n    type = {what.cache_type}\n")
        install(project)
    ignored = top / ".gitignore"
    ignored.write_text(f"{ignored.read_text() if ignored.is_file() else ''}/.hooks/\n")
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "inputs", OVT_SKIP="1")
    place.git("add", place.write("CHANGES.md", "none\n"))
    place.git("commit", "-q", "-m", "no input", OVT_SKIP="1")
    place.git("branch", "base")
    grow(place, "side", lambda number: place.edit(f"side{number}", f"s{number}"), 3)
    grow(place, "other", lambda number: place.write("README.md", f"{number}\n"), 1)
    grow(place, "fresh", lambda number: fresh_data(place, projects[0], number), 3)
    place.git("checkout", "-q", "-B", "main", "base", OVT_SKIP="1")
    for project in projects:
        dvc.checkout(project, ["data"])


def grow(place: Place, branch: str, change: object, count: int) -> None:
    place.git("checkout", "-q", "-B", branch, "base", OVT_SKIP="1")
    for number in range(count):
        change(number)  # type: ignore[operator]
        place.git("add", "-A")
        place.git("commit", "-q", "-m", f"{branch} {number}", OVT_SKIP="1")


def fresh_data(place: Place, project: Project, number: int) -> None:
    place.edit(("stale", "fresh", "fresher")[number], "fresh")
    if number == 1:
        path = project.root / "data" / "b.jsonl"
        path.unlink()
        path.write_text('{"payloads": {"query": "fresh"}}\n')
        dvc.add(project, "data")


@dataclass(frozen=True)
class Twins:
    """The same repository with the hooks and without."""

    hooked: Place
    bare: Place
    project: Project
    log: Path

    def heard(self) -> list[str]:
        """The events for which Python was started since the last look."""
        found = self.log.read_text().split()
        self.log.write_text("")
        return found


def twins(known: dict[str, Path], what: Surroundings, folder: Path, *, real: bool) -> Twins:
    """Copies of a template, one of them without hooks."""
    places = []
    log = folder / "log"
    log.write_text("")
    for name in ("hooked", "bare"):
        top = folder / name / "repo"
        shutil.copytree(repository(known, what), top, symlinks=True)
        places.append(dressed(Place(top, what.prefixes[0], what.remote), what, hooked=name == "hooked"))
    hooked = places[0]
    recorder = folder / "python"
    recorder.write_text(f'#!/bin/sh\necho "$5" >>{log}\n' + (f'exec {sys.executable} "$@"\n' if real else "cat >/dev/null\n"))
    recorder.chmod(0o755)
    project = Project(hooked.top / hooked.prefix)
    (state_folder(git_of(project.root)) / "python").write_text(f"{recorder}\n")
    return Twins(places[0], places[1], project, log)


def dressed(place: Place, what: Surroundings, *, hooked: bool) -> Place:
    """A copy, made into what its surroundings say."""
    if what.hooks_path:
        place.git("config", "core.hooksPath", what.hooks_path)
    if what.remote:
        git(place.top.parent, "init", "-q", "--bare", "origin.git")
        place.git("remote", "add", "origin", "../origin.git")
    if not hooked:
        shutil.rmtree(place.top / ".git" / "hooks")
    elif what.hooks_path:
        shutil.rmtree(place.top / ".git" / "hooks")
        install(Project(place.top / place.prefix))
    if what.framework:
        pytest.importorskip("pre_commit")
        (place.top / ".git" / "info" / "exclude").write_text("/.pre-commit-config.yaml\n")
        (place.top / ".pre-commit-config.yaml").write_text(PRE_COMMIT)
        if hooked:
            subprocess.run([sys.executable, "-m", "pre_commit", "install", "-t", "pre-commit", "-t", "post-commit"],
                           cwd=place.top, check=True, capture_output=True)
    if what.worktree:
        place.git("worktree", "add", "-q", "--detach", "../linked", "base", OVT_SKIP="1")
        linked = replace(place, top=place.top.parent / "linked")
        if hooked and what.hooks_path:  # a relative one is another folder in each worktree
            install(Project(linked.top / linked.prefix))
        return linked
    return place


def seen(place: Place) -> dict[str, object]:
    """All that Git and a person see of a working tree."""
    status = place.git("status", "--porcelain=v2", "--branch", "--untracked-files=all")
    index = place.git("ls-files", "-s")
    untracked = [line[2:] for line in status.splitlines() if line.startswith("? ")]
    paths = [place.top / name for name in (*untracked, *(line.partition("\t")[2] for line in index.splitlines()))]
    return {
        "status": status, "index": index, "refs": place.git("for-each-ref", "--format=%(objectname) %(refname)"),
        "files": {path.name: (path.read_bytes(), path.stat().st_mode) for path in paths if path.is_file()},
    }


def start_over(place: Place) -> None:
    quiet = ("-c", "core.hooksPath=/dev/null")
    if place.git("for-each-ref", "refs/bisect", "refs/stash", "refs/tags"):
        place.git(*quiet, "bisect", "reset")
        place.git("stash", "clear")
        place.git("tag", "-d", "tagged", codes=(0, 1))
    place.git(*quiet, "checkout", "-q", "-f", "--detach", "base")
    place.git("clean", "-q", "-f")


def check(both: Twins, operation: Operation, *, real: bool) -> None:
    """Do it in both; nothing but the jobs may differ."""
    for place in (both.hooked, both.bare):
        start_over(place)
    both.heard()
    jobs = len(read_jobs(queue_folder(both.project))) if real else 0
    operation.do(both.hooked)
    events = both.heard()
    operation.do(both.bare)
    assert seen(both.hooked) == seen(both.bare), operation.name
    expected = operation.events if both.hooked.origin or operation.name != "force_push" else ()
    assert tuple(events) == expected, operation.name
    head = resolve(both.project, "HEAD")
    if operation.same_key:
        assert head.key == resolve(both.project, operation.same_key).key, operation.name
    if (real and "post-commit" in expected) or "post-rewrite" in expected:
        waiting = [job.key for job in read_jobs(queue_folder(both.project)) if job.state == "waiting"]
        assert not real or waiting.count(head.key) == 1, operation.name
    elif real and not {"post-merge"} & set(expected):
        assert len(read_jobs(queue_folder(both.project))) == jobs, operation.name


def run_all(known: dict[str, Path], what: Surroundings, folder: Path, *, real: bool) -> None:
    both = twins(known, what, folder, real=real)
    release = try_lock(worker_lock(both.project), "the test")
    assert release is not None
    try:
        wrong = []
        for operation in OPERATIONS:
            try:
                check(both, operation, real=real)
            except AssertionError as error:  # the others are worth a look too
                wrong.append(str(error).partition("\n")[0])
        assert not wrong
    finally:
        release()


AT_ONCE = Surroundings("all-at-once", ("one/", "products/two/"), worktree=True, hooks_path=".hooks", cache_type="symlink")
"""The usual run's one other case; each by itself is in the slow one."""


@pytest.mark.parametrize("what", [ALL[0], AT_ONCE], ids=lambda what: what.name)
def test_what_git_runs(what: Surroundings, repositories: dict[str, Path], tmp_path: Path) -> None:
    run_all(repositories, what, tmp_path, real=False)


@pytest.mark.slow
@pytest.mark.parametrize("what", [*ALL, AT_ONCE], ids=lambda what: what.name)
def test_with_ovt_itself(what: Surroundings, repositories: dict[str, Path], tmp_path: Path) -> None:
    run_all(repositories, what, tmp_path, real=True)
