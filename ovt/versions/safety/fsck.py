"""`ovt fsck`: every object that a version needs is there and right, here and on the remote; what is not is healed.

Each object is looked at once, however many versions need it, and read in
pieces. A folder's `.dir` object is looked at first, then all that it lists.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ovt.storage.fingerprint import CHUNK
from ovt.storage.git import git_of
from ovt.storage.objects import default_remote, object_in, parse_listing
from ovt.versions.safety.gitside import git_faults
from ovt.versions.safety.healing import heal_here, heal_there
from ovt.versions.safety.integrity import Verifier
from ovt.versions.safety.pointers import Need, all_caches, kept_by_git, needs
from ovt.versions.safety.remote_memory import RemoteMemory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.storage.remotes.objects import RemoteObjects

Kind = Literal["corrupt", "missing", "remote-corrupt", "git"]


@dataclass(frozen=True)
class Fault:
    """Something that is not as a version says."""

    kind: Kind
    digest: str
    """DVC's hash; empty for a fault of Git's."""
    path: str
    version: str
    """A commit that needs it, or `workspace`."""
    advice: str
    """What to do."""
    healed: bool = False


@dataclass(frozen=True)
class Checked:
    """What `ovt fsck` found."""

    faults: tuple[Fault, ...]
    objects: int
    """Looked at, here."""
    read: int
    """Bytes that had to be read, here and there."""
    elsewhere: int
    """Not on this machine; a remote is set that should have them, or has them where that was looked at."""
    only_here: int
    """On this machine and not on the remote (where that was looked at): lost with the machine."""
    remote: str | None
    """The remote that was looked at."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, or nothing is wrong any more."""
        return all(fault.healed for fault in self.faults)


@dataclass(frozen=True)
class Options:
    """What to look at and what to do about it."""

    revisions: tuple[str, ...] = ()
    """None: all versions."""
    remote: bool = False
    remote_name: str | None = None
    heal: bool = False
    again: bool = False
    """Read what was read before, too."""


def fsck(project: Project, progress: Progress, options: Options) -> Checked:
    """Look at every object that the versions need.

    Raises:
        UsageError: no such revision.
        MissingError: no Git repository; the remote cannot be reached.
    """
    progress.update("fsck", "Git")
    faults = [Fault("git", "", found, "", "fetch it from another clone: git fetch --refetch REMOTE")
              for found in git_faults(git_of(project.root))]
    progress.update("fsck", "what the versions need")
    wanted = list(needs(project, options.revisions).values())
    check = _Check(project, Verifier(project, all_caches(project), again=options.again), progress, options)
    with _second_copies(project, options, progress) as there:
        check.source = there
        check.there = there if options.remote else None
        faults += check.here(wanted)
        faults += check.on_remote()
        return _summary(check, faults, there.place if there and options.remote else None)


@contextmanager
def _second_copies(project: Project, options: Options, progress: Progress) -> Iterator[RemoteObjects | None]:
    """The remote, where it is looked at or may be needed to heal from."""
    wanted = options.remote or (options.heal and default_remote(project) is not None)
    if not wanted:
        yield None
        return
    progress.update("fsck", "opening the remote")
    from ovt.storage.remotes.objects import remote_objects

    with remote_objects(project, options.remote_name) as there:
        yield there


def _summary(check: _Check, faults: list[Fault], place: str | None) -> Checked:
    check.verifier.save()
    check.memory.save()
    # DVC caches reports for its run-cache, and never pushes them: Git has them.
    alone = check.right - check.present if place else set()
    only = {digest for digest in alone if not kept_by_git(check.git, check.all[digest])}
    return Checked(tuple(faults), check.seen, check.verifier.read_bytes + check.memory.read_bytes,
                   len(check.elsewhere), len(only), place)


class _Check:
    """One run over all objects."""

    def __init__(self, project: Project, verifier: Verifier, progress: Progress, options: Options) -> None:
        self.project, self.verifier, self.progress, self.options = project, verifier, progress, options
        self.git = git_of(project.root)
        self.memory = RemoteMemory(project, again=options.again)
        self.there: RemoteObjects | None = None
        """Looked at."""
        self.source: RemoteObjects | None = None
        """Copied from, to heal."""
        self.seen = 0
        self.all: dict[str, Need] = {}
        self.right: set[str] = set()
        self.elsewhere: dict[str, Need] = {}
        self.present: set[str] = set()
        """On the remote, of those that were asked about."""

    def here(self, wanted: Sequence[Need]) -> list[Fault]:
        """Look at this machine's objects; folders are opened as they come."""
        faults: list[Fault] = []
        queue = [need for need in wanted if need.digest.endswith(".dir")]
        queue += [need for need in wanted if not need.digest.endswith(".dir")]
        total = len(queue)
        for need in self._with_members(queue):
            if need.digest in self.all:
                continue
            self.all[need.digest] = need
            self.seen += 1
            self.progress.update("fsck", need.path, min(self.seen, total), max(total, self.seen))
            standing = self.verifier.look(need.digest)
            if standing == "right":
                self.right.add(need.digest)
            elif standing == "corrupt":
                faults.append(self._mended(need, "corrupt"))
            else:
                self.elsewhere[need.digest] = need
        return [*faults, *self._absent()]

    def _with_members(self, queue: Iterable[Need]) -> Iterator[Need]:
        for need in queue:
            yield need
            if need.digest in self.right and need.digest.endswith(".dir"):
                files = parse_listing(self.verifier.path(need.digest).read_bytes())
                yield from (replace(need, digest=digest, path=f"{need.path}/{name}") for name, digest in files.items())

    def _absent(self) -> list[Fault]:
        """Objects that are not here: in Git (reports), on the remote, in the workspace, or nowhere."""
        self.elsewhere = {digest: need for digest, need in self.elsewhere.items() if not kept_by_git(self.git, need)}
        if self.there is not None:
            self.progress.update("fsck", "asking the remote")
            self.present = self.there.present([*self.right, *self.elsewhere])
        elif default_remote(self.project) is not None:
            return []  # a clone need not hold everything
        lost = [need for digest, need in self.elsewhere.items() if digest not in self.present]
        faults = [self._mended(need, "missing") for need in lost]
        for need in lost:
            del self.elsewhere[need.digest]
        return faults

    def _mended(self, need: Need, kind: Kind) -> Fault:
        """The fault, healed if that was asked for and a good copy exists."""
        target = object_in(self.verifier.caches[0], need.digest) if kind == "missing" else self.verifier.path(
            need.digest)
        if self.options.heal and heal_here(self.project, need, target, self.source):
            self.right.add(need.digest)
            return Fault(kind, need.digest, need.path, need.version, "healed from a good copy", healed=True)
        return Fault(kind, need.digest, need.path, need.version, _advice(self.project, need, kind, self.options))

    def on_remote(self) -> list[Fault]:
        """Read what the remote has, and what was not read before."""
        there = self.there
        if there is None:
            return []
        faults: list[Fault] = []
        for count, digest in enumerate(sorted(self.present), 1):
            need = self.all[digest]
            self.progress.update("fsck", f"remote: {need.path}", count, len(self.present))
            if self.memory.knows(digest, there) or _reads_right(there, digest, self.memory):
                self.memory.keep(digest, there)
                continue
            healed = self.options.heal and digest in self.right and heal_there(
                there, digest, self.verifier.path(digest))
            advice = "healed from this machine's copy" if healed else (
                "ovt fsck --remote --heal" if digest in self.right else "push it from a machine that has it: ovt push")
            faults.append(Fault("remote-corrupt", digest, need.path, need.version, advice, healed=healed))
        return faults


def _reads_right(there: RemoteObjects, digest: str, memory: RemoteMemory) -> bool:
    found = hashlib.md5(usedforsecurity=False)
    with there.opened(digest) as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            memory.read_bytes += len(chunk)
    return found.hexdigest() == digest.removesuffix(".dir")


def _advice(project: Project, need: Need, kind: Kind, options: Options) -> str:
    if options.heal:
        return "no good copy found here or on the remote; look on other machines, then: ovt push, from there"
    if kind == "corrupt":
        return "ovt fsck --heal" if default_remote(project) is None else "ovt fsck --remote --heal"
    if need.path.partition("/")[0] in {"build", "model"}:
        again = "" if need.version == "workspace" else f"ovt checkout {need.version[:10]} && "
        return f"make it again: {again}ovt run"
    return "ovt fsck --heal looks for it in the working tree; else push it from a machine that has it: ovt push"

