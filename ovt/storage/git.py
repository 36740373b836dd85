"""Git, through its own program: objects read by one `git cat-file --batch`, refs and commits written by plumbing.

Reading starts as few processes as possible (each costs some 2 ms) and imports
nothing. Writing creates whole objects first and moves a ref last, so that a
killed process leaves what was there before.

Children never inherit the variables by which Git tells a hook which
repository and which index it is in: a hook's child that works in a worktree
would otherwise write to the wrong one.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast

from ovt.errors import MissingError, OvtError
from ovt.storage.git_locks import patiently
from ovt.storage.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

FOLDER = "40000"
REPOSITORY_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REFLOG_ACTION", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
})


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child: without the variables that tie it to one repository or index."""
    kept = {name: value for name, value in os.environ.items() if name not in REPOSITORY_VARIABLES}
    return {**kept, **(extra or {})}


def blob_id(content: bytes) -> str:
    """The object id that `git hash-object` gives these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class GitError(OvtError):
    """A `git` command failed; `what` has its last words."""

    exit_code = MissingError.exit_code


@dataclass(frozen=True)
class Entry:
    """One file of a tree or of the index."""

    mode: str
    """`100644`, `100755`, `120000` (link), `160000` (submodule)."""
    oid: str
    """Object id of its content."""
    path: str
    """Relative to the folder that was asked about, with forward slashes."""


@dataclass(frozen=True)
class Commit:
    """What `git log` tells about one commit."""

    oid: str
    tree: str
    when: int
    author: str
    subject: str
    refs: tuple[str, ...]


class Git:
    """Git as seen from one folder; a context manager because of the process that reads objects."""

    def __init__(self, folder: Path, handed: Mapping[str, str] | None = None) -> None:
        """Git in a folder.

        Args:
            folder: where its commands start.
            handed: variables that every command gets: those of a push's quarantine, which are scrubbed otherwise.
        """
        self.folder = folder
        self._handed = dict(handed or {})
        self._reader: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        if self._reader is not None:
            with suppress(BrokenPipeError):
                cast("IO[bytes]", self._reader.stdin).close()
            cast("IO[bytes]", self._reader.stdout).close()
            self._reader.wait()
            self._reader = None

    def run(
        self, *arguments: str, content: bytes | None = None, environment: Mapping[str, str] | None = None,
        codes: Sequence[int] = (0,),
    ) -> bytes:
        """Run `git` and return what it wrote to stdout.

        Raises:
            GitError: its exit code is not one of `codes`.
        """
        done = patiently(lambda: self.attempt(*arguments, content=content, environment=environment))
        if done.returncode not in codes:
            last = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
            raise GitError(f"git {arguments[0]} failed", at=str(self.folder), why=last[-1])
        return done.stdout

    def attempt(
        self, *arguments: str, content: bytes | None = None, environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `git`, whatever comes of it."""
        added = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **self._handed, **(environment or {})}
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self.folder, input=content or b"", capture_output=True, check=False,
                env=clean_environment(added),
            )
        except FileNotFoundError:
            raise MissingError("`git` is not on PATH", fix="install Git 2.25 or newer") from None

    def text(self, *arguments: str) -> str:
        """`run`, as text without the final newline."""
        return os.fsdecode(self.run(*arguments)).rstrip("\n")

    # -- reading ---------------------------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """Where this working tree keeps what.

        Raises:
            MissingError: the folder is in no Git repository.
        """
        done = self.attempt("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--show-prefix")
        if done.returncode:
            raise MissingError("not a Git repository", at=str(self.folder), fix="start one", command="git init")
        top, git_dir, common, prefix = os.fsdecode(done.stdout).split("\n")[:4]
        # --git-common-dir is relative to the folder that asks, unlike the other two.
        return Layout(Path(top), Path(git_dir), (self.folder / common).resolve(), prefix)

    def resolve(self, spec: str) -> str | None:
        """The commit that a revision names."""
        done = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spec}^{{commit}}")
        return done.stdout.decode().strip() or None if done.returncode == 0 else None

    def read(self, name: str) -> bytes | None:
        """The content of an object: an id, or `REV:path` with the path from the repository's root (or `./path`)."""
        found = self._ask(name)
        return None if found is None else found[2]

    def object_id(self, name: str) -> str | None:
        """The id of what `name` names (see `read`)."""
        found = self._ask(name)
        return None if found is None else found[0]

    def entries(self, tree: str) -> dict[str, Entry]:
        """What a tree holds directly, by name; empty if there is no such tree. Folders have the mode `40000`."""
        found = self._ask(tree)
        if found is None or found[1] != "tree":
            return {}
        return {entry.path: entry for entry in _tree_entries(found[2], len(found[0]) // 2)}

    def files(self, tree: str, below: str = "") -> Iterator[Entry]:
        """All files of a tree, in the order of their paths; `below` is put before each path."""
        for entry in self.entries(tree).values():
            path = f"{below}{entry.path}"
            if entry.mode == FOLDER:
                yield from self.files(entry.oid, f"{path}/")
            else:
                yield replace(entry, path=path)

    def _ask(self, name: str) -> tuple[str, str, bytes] | None:
        """Id, kind and content of an object, through the one reading process."""
        if "\n" in name:  # the batch protocol is one name a line
            return None
        with self._turn:
            try:
                return self._exchange(name)
            except (BrokenPipeError, EOFError):  # it was killed; a fresh one knows no less
                self.close()
                return self._exchange(name)

    def _exchange(self, name: str) -> tuple[str, str, bytes] | None:
        if self._reader is None:
            self._reader = subprocess.Popen(
                ["git", "cat-file", "--batch"], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=clean_environment({"LC_ALL": "C", **self._handed}),
            )
        stdin, stdout = cast("IO[bytes]", self._reader.stdin), cast("IO[bytes]", self._reader.stdout)
        stdin.write(os.fsencode(name) + b"\n")
        stdin.flush()
        head = stdout.readline()
        if not head:
            raise EOFError
        fields = head.rstrip(b"\n").rsplit(b" ", 2)
        if len(fields) != 3 or not fields[2].isdigit():
            return None  # "NAME missing" or "NAME ambiguous"
        content = stdout.read(int(fields[2]))
        stdout.read(1)
        return fields[0].decode(), fields[1].decode(), content

    def index(self, *paths: str, index_file: str | None = None) -> list[Entry]:
        """All files below `paths` as they are staged, in the index that a hook was given."""
        out = self.run("ls-files", "--stage", "-z", "--", *paths, environment=_index(index_file))
        return [_staged(line) for line in out.split(b"\0") if line]

    def staged(self, *, index_file: str | None = None) -> list[str]:
        """Paths below the folder, relative to it, that the next commit would change; deleted ones left out."""
        base = "HEAD" if self.resolve("HEAD") else self.text("hash-object", "-t", "tree", os.devnull)
        out = self.run("diff-index", "--cached", "--name-only", "--no-renames", "--diff-filter=d", "--relative", "-z",
                       base, environment=_index(index_file))
        return [os.fsdecode(path) for path in out.split(b"\0") if path]

    def log(self, revisions: Sequence[str], *, limit: int, paths: Sequence[str] = ()) -> list[Commit]:
        """Commits reachable from `revisions`, newest first, those that touch `paths`."""
        out = self.run(
            "log", "-z", f"--max-count={limit}", "--format=%H%x1f%T%x1f%at%x1f%D%x1f%an%x1f%s", "--no-show-signature",
            "--decorate-refs=refs/heads/*", "--decorate-refs=refs/tags/*", "--decorate-refs=refs/remotes/*",
            "--end-of-options", *revisions, "--", *paths,
        )
        return [_commit(record) for record in out.decode(errors="replace").split("\0") if record]

    def refs(self, prefix: str) -> dict[str, str]:
        """Full names of the refs below `prefix` and what they point to."""
        out = self.text("for-each-ref", "--format=%(objectname) %(refname)", prefix)
        return {name: oid for oid, name in (line.split(" ", 1) for line in out.splitlines())}

    def config(self, key: str) -> str | None:
        """One value of Git's configuration."""
        done = self.attempt("config", "--get", key)
        return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else None

    # -- writing ---------------------------------------------------------------------------------------------------

    def write_blob(self, content: bytes) -> str:
        """Store bytes as they are (no filter) and return their id."""
        return self.run("hash-object", "-w", "--stdin", content=content).decode().strip()

    def write_tree(self, files: Mapping[str, bytes]) -> str:
        """Store a tree of plain files by path; folders are made as needed."""
        here: list[tuple[bytes, str]] = []
        below: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            folder, slash, rest = path.partition("/")
            if slash:
                below.setdefault(folder, {})[rest] = content
            else:
                here.append((os.fsencode(path), f"100644 blob {self.write_blob(content)}"))
        here += [(os.fsencode(name), f"040000 tree {self.write_tree(inner)}") for name, inner in below.items()]
        listing = b"".join(head.encode() + b"\t" + name + b"\0" for name, head in here)
        return self.run("mktree", "-z", content=listing).decode().strip()

    def write_commit(self, tree: str, message: str, parents: Iterable[str] = ()) -> str:
        """Store a commit, by the user if Git knows one, else by ovt."""
        arguments = [part for parent in parents for part in ("-p", parent)]
        who = {} if self.config("user.email") or "GIT_AUTHOR_EMAIL" in os.environ else {
            f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", "ovt"), ("EMAIL", "ovt@localhost"))
        }
        return self.run("commit-tree", tree, *arguments, content=message.encode(), environment=who).decode().strip()

    def create_ref(self, name: str, oid: str) -> bool:
        """Make a ref that does not exist yet; False (and nothing changed) if it does."""
        return self.attempt("update-ref", name, oid, "0" * len(oid)).returncode == 0


_OPEN: dict[Path, Git] = {}
MOST_OPEN = 8


def git_of(folder: Path) -> Git:
    """Git as seen from a folder, with one reading process kept until this process ends."""
    found = _OPEN.get(folder)
    if found is None:
        while len(_OPEN) >= MOST_OPEN:
            _OPEN.pop(next(iter(_OPEN))).close()
        found = _OPEN[folder] = Git(folder)
    return found


@atexit.register
def _close_all() -> None:
    for git in _OPEN.values():
        git.close()


def _index(index_file: str | None) -> dict[str, str]:
    return {"GIT_INDEX_FILE": index_file} if index_file else {}


def _tree_entries(content: bytes, width: int) -> Iterator[Entry]:
    start = 0
    while start < len(content):
        space, end = content.index(b" ", start), content.index(b"\0", start)
        oid = content[end + 1 : end + 1 + width].hex()
        yield Entry(content[start:space].decode(), oid, os.fsdecode(content[space + 1 : end]))
        start = end + 1 + width


def _staged(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, oid, _ = head.decode().split(" ")
    return Entry(mode, oid, os.fsdecode(path))


def _commit(record: str) -> Commit:
    oid, tree, when, decoration, author, subject = record.lstrip("\n").split("\x1f", 5)
    names = (name.strip().removeprefix("HEAD -> ").removeprefix("tag: ") for name in decoration.split(","))
    refs = tuple(name for name in names if name and name != "HEAD")
    return Commit(oid, tree, int(when), author, subject, refs)
