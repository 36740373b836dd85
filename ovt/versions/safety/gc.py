"""`ovt gc`: what of DVC's cache and of `.ovt/` may go, and removing it.

An object stays if anything in the repository names it (see `pointers`), if it
is younger than the grace period, or if it exists nowhere else, unless the user
says so. What is in `.ovt/cache` and `.ovt/logs` can always be made again and
goes by age.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError, ProjectError
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.storage.lock import deleting_objects, project_lock
from ovt.storage.objects import FILES, cache_folder, default_remote, object_in, parse_listing
from ovt.versions.queue import shared_root
from ovt.versions.safety.pointers import DIGEST, all_caches, named_digests, named_outputs, worktrees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ovt.progress import Progress

DAY = 86400.0
KEEP_DAYS = 14.0
OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
REBUILDABLE = ("cache", "logs", "scratch")
"""Folders below `.ovt/` whose old files may go; the files directly in `cache` are small and always in use."""


@dataclass(frozen=True)
class Garbage:
    """An object, or a file, that may go."""

    path: Path
    size: int
    """Bytes that its removal frees: none where another name (a link in a working tree) holds them too."""
    digest: str = ""


@dataclass(frozen=True)
class Plan:
    """What may go, and what stays although no version needs it."""

    objects: tuple[Garbage, ...]
    files: tuple[Garbage, ...]
    """Of `.ovt/`, and what killed processes left in the cache."""
    needed: int
    """Objects of the cache that something names."""
    young: int
    only: tuple[Garbage, ...]
    """Unneeded and old, and nowhere else: kept."""
    removed: bool = False

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(found.size for found in (*self.objects, *self.files))


@dataclass(frozen=True)
class Rules:
    """What the user asked for."""

    keep_days: float = KEEP_DAYS
    only_copies: bool = False
    """Remove also what exists nowhere else."""
    also: tuple[Path, ...] = ()
    """Other projects that use the same cache."""


def plan(project: Project, progress: Progress, rules: Rules) -> Plan:
    """What `collect` would remove; nothing is changed.

    Raises:
        ProjectError: the cache is shared, and nobody said with whom.
        MissingError: the remote cannot be reached; what a version needs cannot be told.
        GitError: the repository cannot be walked.
    """
    refuse_shared(project, rules)
    found = _survey(project, progress, rules)
    copies = _on_remote(project, [garbage.digest for garbage in found.objects], progress)
    return _decided(project, found, copies, rules)


def collect(project: Project, progress: Progress, rules: Rules) -> Plan:
    """Remove what may go; what was removed.

    The remote is asked first. Then, alone in the cache, everything is looked
    at again: what came to be needed meanwhile stays.

    Raises:
        ProjectError: as for `plan`.
        MissingError: as for `plan`.
        GitError: as for `plan`.
    """
    first = plan(project, progress, rules)
    cache = cache_folder(project)
    with project_lock(project, "ovt gc", progress.note), deleting_objects(cache, progress.note):
        now = _survey(project, progress, rules)
        agreed = {garbage.digest for garbage in first.objects} & {garbage.digest for garbage in now.objects}
        objects = tuple(garbage for garbage in now.objects if garbage.digest in agreed)
        # Listings first: one that is there says that its files are.
        for number, garbage in enumerate(sorted(objects, key=lambda found: not found.digest.endswith(".dir"))):
            progress.update("gc", "removing", number, len(objects))
            garbage.path.unlink(missing_ok=True)
        for garbage in now.files:
            with suppress(OSError):
                garbage.path.unlink(missing_ok=True)
        _forget_runs(cache, agreed)
        _remove_empty(shared_root(project) / ".ovt")
    return Plan(objects, now.files, now.needed, now.young, first.only, removed=True)


def refuse_shared(project: Project, rules: Rules) -> None:
    """Stop where others may use the cache.

    Raises:
        ProjectError: the cache lies outside the repository, and `--also` names no one.
    """
    cache = cache_folder(project).resolve()
    inside = any(cache.is_relative_to(top.resolve()) for top in worktrees(git_of(project.root)))
    if not inside and not rules.also:
        raise ProjectError(
            "the DVC cache may be shared with other projects", at=str(cache),
            why="it lies outside this repository, and what they need cannot be seen from here",
            fix="name every other project that uses it; if there is none, name this one",
            command="ovt gc --also ../OTHER-PROJECT",
        )


def _survey(project: Project, progress: Progress, rules: Rules) -> Plan:
    """Everything unneeded and old, wherever else it may be."""
    progress.update("gc", "what the versions need")
    needed, unlisted = _needed(project, rules)
    # Hashes of folders that Git keeps stand in `dvc.lock` too, as inputs: they are in no cache.
    asked = _projects(project, rules) if unlisted and rules.only_copies else []
    unknown = unlisted & set().union(*(named_outputs(git_of(found.root)) for found in asked))
    if unknown:
        raise MissingError(
            f"what {len(unknown)} folders hold is not known here", at=", ".join(sorted(unknown)[:3]),
            why="their listings are not on this machine, so the only copy of a file in them could go",
            fix="fetch them first, or leave --only-copies", command="ovt pull",
        )
    progress.update("gc", "the cache")
    cache, edge = cache_folder(project), time.time() - rules.keep_days * DAY
    objects, counts, left = [], [0, 0], []
    for path in _files_below(cache / FILES):
        digest = path.parent.name + path.name
        state = path.stat(follow_symlinks=False)
        # A file that DVC moved into the cache keeps its time; the inode's own tells when it came.
        young = max(state.st_mtime, state.st_ctime) > edge
        freed = state.st_blocks * 512 if state.st_nlink == 1 else 0
        if not OBJECT.fullmatch(digest):
            left += [] if max(state.st_mtime, state.st_ctime) > time.time() - DAY else [Garbage(path, freed)]
        elif digest in needed:
            counts[0] += 1
        elif young:
            counts[1] += 1
        else:
            objects.append(Garbage(path, freed, digest))
    return Plan(tuple(objects), (*left, *_old_files(project, min(edge, time.time() - DAY))), counts[0], counts[1], ())


def _needed(project: Project, rules: Rules) -> tuple[set[str], set[str]]:
    """Digests that must stay, with what their listings name; and listings that are not here."""
    projects = _projects(project, rules)
    needed = set().union(*(named_digests(git_of(found.root)) for found in projects))
    caches = [cache for found in projects for cache in all_caches(found)]
    unknown: set[str] = set()
    for digest in [found for found in needed if found.endswith(".dir")]:
        path = next((path for cache in caches if (path := object_in(cache, digest)).is_file()), None)
        try:
            needed.update(parse_listing(path.read_bytes()).values() if path else ())
        except ValueError:
            path = None  # corrupt
        if path is None:
            unknown.add(digest)
    return needed, unknown


def _projects(project: Project, rules: Rules) -> list[Project]:
    return [project, *(Project.find(folder) for folder in rules.also)]


def _on_remote(project: Project, digests: Sequence[str], progress: Progress) -> set[str]:
    if not digests or default_remote(project) is None:
        return set()
    progress.update("gc", "asking the remote")
    from ovt.storage.remotes.objects import remote_objects

    with remote_objects(project) as there:
        return there.present(digests)


def _decided(project: Project, found: Plan, copies: set[str], rules: Rules) -> Plan:
    """Keep what has no second copy, unless asked not to."""
    elsewhere = all_caches(project)[1:]
    going: list[Garbage] = []
    only: list[Garbage] = []
    for garbage in found.objects:
        second = garbage.digest in copies or any(object_in(cache, garbage.digest).is_file() for cache in elsewhere)
        (going if second or rules.only_copies else only).append(garbage)
    return Plan(tuple(going), found.files, found.needed, found.young, tuple(only))


def _old_files(project: Project, edge: float) -> Iterator[Garbage]:
    """Never younger than a day: a command may be using them."""
    top = shared_root(project) / ".ovt"
    for name in REBUILDABLE:
        for path in _files_below(top / name):
            if name == "cache" and path.parent == top / name:
                continue
            with suppress(OSError):
                state = path.stat(follow_symlinks=False)
                if max(state.st_mtime, state.st_ctime, state.st_atime) <= edge:
                    yield Garbage(path, state.st_blocks * 512 if state.st_nlink == 1 else 0)


def _forget_runs(cache: Path, gone: Iterable[str]) -> None:
    """Entries of DVC's run-cache whose outputs are gone would promise what is not there."""
    dead = set(gone)
    for path in _files_below(cache / "runs") if dead else ():
        with suppress(OSError):
            if dead & {found.decode() for found in DIGEST.findall(path.read_bytes())}:
                path.unlink()


def _files_below(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [path for path in found if path.is_symlink() or path.is_file()]


def _remove_empty(top: Path) -> None:
    for name in REBUILDABLE:
        for folder in sorted((top / name).rglob("*"), reverse=True):
            with suppress(OSError):  # not empty, or no folder
                folder.rmdir()
