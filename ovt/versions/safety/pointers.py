"""Which objects of DVC's cache the versions of a repository name, from every place where Git keeps a version.

All refs (branches, tags, `refs/ovt/runs`, stashes), all reflogs, HEAD and
index of every worktree, and the files that lie there uncommitted. One `git
log` walks them all and tells each state that a pointer file (`*.dvc`,
`dvc.lock`, …) ever had, so that 500 versions with the same data are one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.storage.objects import cache_folders
from ovt.versions.runs import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ovt.storage.git import Git

WORKSPACE = "workspace"
LOCK_FILE = "dvc.lock"
POINTERS = (":(glob)**/*.dvc", ":(glob)**/dvc.lock")
"""Git's patterns for the files that name outputs and data, below the folder that asks."""
NAMING = (*POINTERS, ":(glob)**/*.lock", ":(glob)**/*.lock.yaml")
"""All that may name an object: also pins of earlier models and the parents of a search's result."""
DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
MARK = b"\x1e"
NONE = "0" * 40


@dataclass(frozen=True)
class State:
    """A pointer file as one version has it."""

    path: str
    """From the repository's root, or the worktree's."""
    version: str
    """The commit that brought it, or `workspace`."""
    oid: str | None
    """Git's id of its content; None: it lies in a working tree."""
    file: Path | None = None
    below: str = ""
    """What stands before its paths in a working tree and not in the commit: a run holds those of its project alone."""


@dataclass(frozen=True)
class Need:
    """An object that a version needs."""

    digest: str
    path: str
    """What it is in a working tree, from the repository's root: `data`, `models/intent/build/labels`."""
    version: str
    """A commit (the first found that needs it), or `workspace`."""
    below: str = ""
    """See `State.below`."""


def needs(project: Project, revisions: Sequence[str] = ()) -> dict[str, Need]:
    """What the project's versions need, by digest: all of them, or those of some revisions.

    Outputs that Git keeps itself (reports) are among them; see `kept_by_git`.

    Raises:
        GitError: the repository cannot be walked.
    """
    git = git_of(project.root)
    states = _states_at(git, revisions) if revisions else [*_of_runs(git), *all_states(git, POINTERS)]
    others = [prefix for prefix in _nested(git) if prefix != git.layout.prefix]
    found: dict[str, Need] = {}
    for state in states:
        if any(f"{state.below}{state.path}".startswith(prefix) for prefix in others):
            continue  # a project of its own, with its own cache
        for digest, path in _named(git, state):
            found.setdefault(digest, Need(digest, f"{state.below}{path}", state.version, state.below))
    return found


def named_digests(git: Git) -> set[str]:
    """Every digest that any version of the whole repository writes anywhere: more than it needs, never less.

    Raises:
        GitError: the repository cannot be walked.
    """
    top = git_of(git.layout.top)
    found: set[str] = set()
    for oid, file in {(state.oid, state.file) for state in all_states(top, NAMING)}:
        content = top.read(oid) if oid else _content(file)
        found.update(match.decode() for match in DIGEST.findall(content or b""))
    return found


def named_outputs(git: Git) -> set[str]:
    """Digests of all outputs and data of the whole repository: what a cache should hold, unlike a stage's inputs."""
    top = git_of(git.layout.top)
    return {digest for state in all_states(top, POINTERS) for digest, _ in _named(top, state)}


def kept_by_git(git: Git, need: Need) -> bool:
    """Whether a version has the file in Git: DVC records a hash of reports too, but does not cache them."""
    if need.version == WORKSPACE:
        return bool(git_of(git.layout.top).index(need.path)) or need.path.endswith((".json", ".yaml"))
    return git.object_id(f"{need.version}:{need.path.removeprefix(need.below)}") is not None


def all_states(git: Git, patterns: Sequence[str]) -> list[State]:
    """Every state that pointer files below the folder ever had, committed, staged or lying in a working tree."""
    return [*_committed(git, patterns), *_in_worktrees(git, patterns)]


def _committed(git: Git, patterns: Sequence[str]) -> Iterator[State]:
    if not git.run("rev-list", "--all", "--reflog", "--max-count=1"):
        return
    without = ("--exclude=refs/ovt/runs/*",) if git.layout.prefix else ()
    out = git.run(
        "log", *without, "--all", "--reflog", "--full-history", "-m", "--root", "--raw", "--no-abbrev", "--no-renames",
        "--no-show-signature", "--diff-filter=d", "-z", "--format=%x1e%H", "--", *patterns,
    )
    parts = iter(out.split(b"\0"))
    commit = ""
    for part in parts:
        head = part.lstrip(b"\n")
        if head.startswith(MARK):
            commit = head[1:41].decode()
            head = head[1 + len(commit):].lstrip(b"\n")
        if head.startswith(b":"):
            yield State(os.fsdecode(next(parts)), commit, head.split(b" ")[3].decode())


def _in_worktrees(git: Git, patterns: Sequence[str]) -> Iterator[State]:
    """What is staged or lies in each worktree; a copy kept while DVC writes a file counts too."""
    for top in worktrees(git):
        folder = top / git.layout.prefix
        if not folder.is_dir():
            continue
        here = git_of(folder)
        for entry in here.index(*patterns):
            yield State(f"{git.layout.prefix}{entry.path}", WORKSPACE, entry.oid)
        lying = here.run("ls-files", "--others", "--cached", "-z", "--", *patterns, ":(exclude,glob)**/.dvc/cache/**")
        for name in filter(None, lying.split(b"\0")):
            yield State(f"{git.layout.prefix}{os.fsdecode(name)}", WORKSPACE, None, folder / os.fsdecode(name))
        for copy in sorted(folder.glob("**/.ovt/journal/*.copy")):
            yield State(f"{git.layout.prefix}{copy.name.removesuffix('.copy')}", WORKSPACE, None, copy)


def worktrees(git: Git) -> list[Path]:
    """The roots of all working trees of the repository that are there."""
    out = git.run("worktree", "list", "--porcelain", "-z") if _lists_with_nul(git) else \
        git.run("worktree", "list", "--porcelain").replace(b"\n", b"\0")
    found = [Path(os.fsdecode(line.removeprefix(b"worktree "))) for line in out.split(b"\0")
             if line.startswith(b"worktree ")]
    return [top for top in found if top.is_dir()]


def _lists_with_nul(git: Git) -> bool:
    return git.attempt("worktree", "list", "--porcelain", "-z").returncode == 0


def _states_at(git: Git, revisions: Iterable[str]) -> Iterator[State]:
    """The pointers of some revisions, and those of the runs that their reports come from."""
    from ovt.versions.history import resolve

    project = Project(git.folder)
    for revision in revisions:
        version = resolve(project, revision)
        if version.commit is None:
            yield from (state for state in _in_worktrees(git, POINTERS))
            continue
        tree = f"{version.commit}:{git.layout.prefix.rstrip('/')}"
        for entry in git.files(tree, git.layout.prefix):
            if entry.path.endswith((".dvc", LOCK_FILE)):
                yield State(entry.path, version.commit, entry.oid)
        if version.report == "run":
            yield from (state for state in _of_runs(git, version.key))


def _of_runs(git: Git, key: str = "") -> Iterator[State]:
    """The locks of all runs, or of one. Whose project a run is of, nothing says: its folder is taken to be this one."""
    for commit in git.refs(f"{RUNS}{key}").values():
        oid = git.object_id(f"{commit}:{LOCK_FILE}")
        if oid:
            yield State(LOCK_FILE, commit, oid, below=git.layout.prefix)


def all_caches(project: Project) -> tuple[Path, ...]:
    """The project's DVC caches first, then those of the repository's other projects: a run may be of any of them."""
    git = git_of(project.root)
    others = [git.layout.top / prefix for prefix in _nested(git_of(git.layout.top))]
    found = [cache for root in (project.root, *others) for cache in cache_folders(Project(root))]
    return tuple(dict.fromkeys(found))


def _nested(git: Git) -> list[str]:
    """Folders at or below the asking one that are DVC projects, as prefixes from the root."""
    entries = git.index(":(glob)**/.dvc/config")
    return [f"{git.layout.prefix}{entry.path.removesuffix('.dvc/config')}" for entry in entries]


def _named(git: Git, state: State) -> Iterator[tuple[str, str]]:
    """(digest, path) of each output that a pointer file names; one that cannot be parsed names none."""
    from ovt.documents import parse_document

    content = git.read(state.oid) if state.oid else _content(state.file)
    try:
        value = parse_document((content or b"").decode(), state.path).value
    except (ProjectError, UnicodeDecodeError):
        return
    folder = state.path.rpartition("/")[0]
    for out in _outs(value):
        digest, path = out.get("md5"), out.get("path")
        if isinstance(digest, str) and isinstance(path, str) and out.get("hash") == "md5":
            yield digest, os.path.normpath(f"{folder}/{path}" if folder else path)


def _outs(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        return
    stages = value.get("stages")
    holders = [value, *(stages.values() if isinstance(stages, dict) else ())]
    for holder in holders:
        outs = holder.get("outs") if isinstance(holder, dict) else None
        yield from (out for out in outs or () if isinstance(out, dict))


def _content(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError:
        return None  # gone since it was listed
