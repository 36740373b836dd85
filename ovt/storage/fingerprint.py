"""What DVC's hash of a file or folder is, computed without DVC.

A file's fingerprint is the MD5 of its bytes. A folder's is the MD5 of the
JSON list of its files' hashes and paths, and ends in `.dir`. `.dvcignore` is
respected. A contract test compares both with what the real DVC writes.

A file is read once: size, times and inode are remembered beside its hash,
under the rules that Git uses for its index (a file touched within the clock's
tick before it was hashed is not trusted).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError
from ovt.storage.dvcignore import IGNORE_FILE, Ignore
from ovt.storage.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ovt.project import Project

CACHE_FILE = "fingerprints.json"
CHUNK = 1 << 20
TICK_NS = 50_000_000
"""A file younger than this when it is hashed may change again without its times showing it."""

Stat = tuple[int, int, int, int]


def md5_of(content: bytes) -> str:
    """DVC's hash of a file with this content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def folder_md5(files: Iterable[tuple[str, str]]) -> str:
    """DVC's hash of a folder from the (path, hash) of each of its files, paths relative to the folder."""
    return md5_of(folder_listing(files)) + ".dir"


def folder_listing(files: Iterable[tuple[str, str]]) -> bytes:
    """The content of DVC's `.dir` object for these files."""
    rows = [{"md5": digest, "relpath": path} for path, digest in sorted(files)]
    return json.dumps(rows, sort_keys=True).encode()


def fingerprint(project: Project, path: Path) -> str | None:
    """DVC's hash of a file or folder of the project; None if it is not there, or the folder holds no file."""
    prints = prints_of(project)
    try:
        return prints.of(path)
    finally:
        prints.save()


def tracked_hash(pointer: Path) -> str | None:
    """The hash that a `.dvc` file holds.

    Raises:
        ProjectError: it cannot be parsed.
    """
    return pointer_hash(pointer.read_bytes(), pointer.name) if pointer.is_file() else None


def pointer_hash(content: bytes, name: str) -> str | None:
    """The hash in the content of a `.dvc` file (see `tracked_hash`)."""
    from ovt.documents import parse_document

    value = parse_document(content.decode(errors="replace"), name).value
    outs = value.get("outs") if isinstance(value, dict) else None
    if not isinstance(outs, list) or not outs or not isinstance(outs[0], dict):
        raise ProjectError(f"`{name}` is no DVC file", at=name, why="it has no `outs`", fix="let DVC write it again",
                           command=f"ovt add {name.removesuffix('.dvc')}")
    digest = outs[0].get("md5")
    return str(digest) if digest else None


_OPEN: dict[Path, Prints] = {}


def prints_of(project: Project) -> Prints:
    """The project's remembered hashes; one object per process and project."""
    found = _OPEN.get(project.root)
    if found is None:
        found = _OPEN[project.root] = Prints(project.root, project.private / "cache" / CACHE_FILE)
    return found


class Prints:
    """Hashes of a project's files, each computed once per state of the file."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self._store = store
        self._known: dict[str, list[Any]] = _load(store)
        self._dirty = False
        self._ignore: tuple[Stat | None, Ignore] | None = None

    def of(self, path: Path) -> str | None:
        """See `fingerprint`."""
        if path.is_dir():
            listing = self.listing(path)
            return folder_md5(listing) if listing else None
        return self.file(path) if path.is_file() else None

    def listing(self, folder: Path) -> list[tuple[str, str]]:
        """(path below the folder, hash) of each file that DVC would track, sorted."""
        return sorted((path.relative_to(folder).as_posix(), self.file(path)) for path in self.files(folder))

    def files(self, folder: Path) -> Iterator[Path]:
        """The files below a folder that DVC would track; linked folders are not followed."""
        ignored = self._current_ignore()
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                if not ignored(path.relative_to(self.root).as_posix()):
                    yield path

    def file(self, path: Path) -> str:
        """The MD5 of one file."""
        key, state = str(path), _stat(path)
        return self._recall(key, state) or self._keep(key, path, state, file_md5(path))

    def blobs(self, paths: Iterable[Path], compute: Callable[[list[Path]], dict[Path, str]]) -> dict[Path, str]:
        """Git's blob id of each file; `compute` is asked for those that are not known."""
        attributes = self.root / ".gitattributes"
        # Line endings are normalised by attributes: another file of them, other ids.
        stamp = f"blob {_stat(attributes) if attributes.is_file() else ''} "
        states = {path: _stat(path, follow=False) for path in paths}
        found = {path: self._recall(f"{stamp}{path}", state) for path, state in states.items()}
        unknown = [path for path, value in found.items() if value is None]
        fresh = compute(unknown) if unknown else {}
        for path, value in fresh.items():
            self._keep(f"{stamp}{path}", path, states[path], value)
        return {path: value or fresh[path] for path, value in found.items()}

    def _recall(self, key: str, state: Stat) -> str | None:
        known = self._known.get(key)
        return str(known[4]) if known is not None and tuple(known[:4]) == state else None

    def _keep(self, key: str, path: Path, state: Stat, value: str) -> str:
        settled = time.time_ns() - max(state[1], state[2]) > TICK_NS
        if settled and state in {_stat(path), _stat(path, follow=False)}:
            self._known[key] = [*state, value]
            self._dirty = True
        return value

    def save(self) -> None:
        """Keep what was learnt; a lost race with another process costs a second reading, nothing else."""
        if not self._dirty:
            return
        self._dirty = False
        if len(self._known) > 50_000:
            self._known = dict(list(self._known.items())[-25_000:])
        try:
            write_bytes(self._store, json.dumps(self._known, separators=(",", ":")).encode())
        except OSError:
            return  # a read-only folder: slower, not wrong

    def _current_ignore(self) -> Ignore:
        path = self.root / IGNORE_FILE
        state = _stat(path) if path.is_file() else None
        if self._ignore is None or self._ignore[0] != state:
            self._ignore = (state, Ignore(path.read_text(encoding="utf-8") if state else ""))
        return self._ignore[1]


def _stat(path: Path, *, follow: bool = True) -> Stat:
    found = path.stat(follow_symlinks=follow)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def file_md5(path: Path) -> str:
    """DVC's hash of a file, read in pieces."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _load(store: Path) -> dict[str, list[Any]]:
    try:
        value = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
