"""Versions: what a revision, or the workspace, is made of and whether it has a model.

Reading starts a handful of `git` processes for a whole history, not some for
each commit. What is known about a tree (its key, whether its lock matches) is
kept in the cache by the tree's id and never computed twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ovt.errors import ProjectError, UsageError
from ovt.stages.pipeline import FORMATS
from ovt.storage.files import write_bytes
from ovt.storage.git import GitError, git_of
from ovt.versions.key import LOCK_FILE, inputs_of, lock_matches
from ovt.versions.queue import pending
from ovt.versions.runs import run_keys
from ovt.versions.source import TreeSource, WorkspaceSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.project import Project
    from ovt.storage.git import Commit, Git

WORKSPACE = "workspace"
CACHE_FILE = "versions.json"
REPORT = "reports/quality.json"


@dataclass(frozen=True)
class Version:
    """A Git revision, or the workspace, with its inputs, its model and its report."""

    spec: str
    """As typed; `workspace` for the working tree."""
    commit: str | None
    """None: the workspace."""
    key: str
    """KEY of its inputs; empty if they cannot be understood, or there is no project in that revision."""
    subject: str
    author: str
    when: int
    """Unix seconds."""
    refs: tuple[str, ...]
    """Branches and tags that point at it."""
    state: Literal["ready", "pending", "none"]
    progress: float | None
    """Of a running job, 0 … 1."""
    report: Literal["tree", "run", "workspace"] | None
    """Where its report comes from."""


@dataclass(frozen=True)
class _Facts:
    """What a tree says about itself, for ever."""

    key: str | None
    """None: no project in it; empty: one that cannot be understood."""
    ready: bool
    """Its own `dvc.lock` matches it."""


@dataclass(frozen=True)
class _Now:
    """What may change from one moment to the next."""

    runs: frozenset[str]
    pending: dict[str, float]


def resolve(project: Project, spec: str) -> Version:
    """The version that a person means.

    Raises:
        UsageError: no such revision.
    """
    git = git_of(project.root)
    if spec == WORKSPACE:
        return workspace(project)
    commit = git.resolve(spec)
    if commit is None:
        raise UsageError(f"no revision `{spec}`", why="Git does not know it",
                         fix="a branch, tag, commit or `workspace`", command="ovt log")
    (found,) = git.log([commit], limit=1)
    facts = _facts(project, git, [found])
    return _version(spec, found, facts[found.oid], _now(project, git))


def workspace(project: Project) -> Version:
    """The working tree as a version.

    Raises:
        ProjectError: its settings cannot be understood.
    """
    git, source = git_of(project.root), WorkspaceSource(project)
    inputs = inputs_of(source)
    key = inputs.key if inputs else ""
    ready = source.read(REPORT) is not None and lock_matches(source, source.read(LOCK_FILE))
    source.save()
    state, progress, report = _state(_Facts(key, ready), _now(project, git), own="workspace")
    return Version(WORKSPACE, None, key, "", "", int(time.time()), (), state, progress, report)


def history(project: Project, revisions: Sequence[str] = ("HEAD",), limit: int = 50) -> list[Version]:
    """The versions reachable from `revisions` (or in a range `A..B`), newest first; only commits of this project.

    Raises:
        UsageError: no such revision.
    """
    git = git_of(project.root)
    try:
        commits = git.log(revisions, limit=limit, paths=["."] if git.layout.prefix else [])
    except GitError as error:
        if git.resolve("HEAD") is None:
            return []
        raise UsageError(f"no revision `{' '.join(revisions)}`", why=error.why, command="ovt log") from None
    facts, now = _facts(project, git, commits), _now(project, git)
    return [
        _version(commit.oid[:12], commit, facts[commit.oid], now)
        for commit in commits if facts[commit.oid].key is not None
    ]


def _version(spec: str, commit: Commit, facts: _Facts, now: _Now) -> Version:
    state, progress, report = _state(facts, now, own="tree")
    return Version(spec, commit.oid, facts.key or "", commit.subject, commit.author, commit.when, commit.refs, state,
                   progress, report)


def _state(
    facts: _Facts, now: _Now, own: Literal["tree", "workspace"],
) -> tuple[Literal["ready", "pending", "none"], float | None, Literal["tree", "run", "workspace"] | None]:
    if facts.ready:
        return "ready", None, own
    if facts.key in now.runs:
        return "ready", None, "run"
    if facts.key in now.pending:
        return "pending", now.pending[facts.key], None
    return "none", None, None


def _now(project: Project, git: Git) -> _Now:
    return _Now(run_keys(git), pending(project))


def _facts(project: Project, git: Git, commits: Sequence[Commit]) -> dict[str, _Facts]:
    prefix = git.layout.prefix.rstrip("/")
    trees = {found.oid: git.object_id(f"{found.tree}:{prefix}") if prefix else found.tree for found in commits}
    known = _load(project)
    fresh = {tree: _examine(git, tree) for tree in set(trees.values()) if tree is not None and tree not in known}
    if fresh:
        _keep(project, {**known, **fresh})
        known |= fresh
    return {oid: known[tree] if tree is not None else _Facts(None, ready=False) for oid, tree in trees.items()}


def _examine(git: Git, tree: str) -> _Facts:
    source = TreeSource(git, tree)
    try:
        inputs = inputs_of(source)
    except ProjectError:
        return _Facts("", ready=False)
    if inputs is None:
        return _Facts(None, ready=False)
    ready = source.read(REPORT) is not None and lock_matches(source, source.read(LOCK_FILE))
    return _Facts(inputs.key, ready=ready)


def _stamp() -> str:
    return hashlib.sha256(json.dumps(["ovt.versions/1", FORMATS], sort_keys=True).encode()).hexdigest()[:16]


def _load(project: Project) -> dict[str, _Facts]:
    try:
        value: Any = json.loads((project.cache / CACHE_FILE).read_bytes())
        if value["stamp"] != _stamp():
            return {}
        return {tree: _Facts(key, ready=ready) for tree, (key, ready) in value["trees"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _keep(project: Project, facts: dict[str, _Facts]) -> None:
    trees = {tree: [found.key, found.ready] for tree, found in facts.items()}
    try:
        write_bytes(project.cache / CACHE_FILE, json.dumps({"stamp": _stamp(), "trees": trees}).encode())
    except OSError:
        return  # a read-only folder: computed again next time
