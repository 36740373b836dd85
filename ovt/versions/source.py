"""A version's files, whether they lie in a commit's tree or in the working tree: read, listed and hashed alike.

Both answer in the same terms (Git's blob ids, DVC's hashes), so that a key
computed from a commit without a checkout equals that of the same files in the
workspace.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from ovt.storage.dvcignore import IGNORE_FILE, Ignore
from ovt.storage.fingerprint import folder_md5, md5_of, pointer_hash, prints_of
from ovt.storage.git import FOLDER, blob_id, git_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ovt.project import Project
    from ovt.storage.git import Entry, Git

SUBMODULE = "160000"


class Source(Protocol):
    """Where a version's files are; all paths are relative to the project."""

    def read(self, path: str) -> bytes | None:
        """The content of a file as it is in Git."""

    def blobs(self, path: str) -> dict[str, str]:
        """Blob id of a file, or of each file below a folder, by path; what `.dvcignore` names is left out."""

    def digest(self, path: str) -> str | None:
        """DVC's hash of a file or folder: what DVC tracks, else what Git has."""


def source_of(project: Project, commit: str | None) -> Source:
    """The files of a commit; of the working tree where there is none."""
    if commit is None:
        return WorkspaceSource(project)
    git = git_of(project.root)
    prefix = git.layout.prefix.rstrip("/")
    tree = f"{commit}:{prefix}" if prefix else f"{commit}^{{tree}}"
    return TreeSource(git, git.object_id(tree) or tree)


class TreeSource:
    """The project's part of a commit's tree."""

    def __init__(self, git: Git, tree: str) -> None:
        self.git = git
        self.tree = tree
        self._root = git.entries(tree)
        ignore = self.read(IGNORE_FILE)
        self._ignored = Ignore(ignore.decode(errors="replace") if ignore else "")

    def read(self, path: str) -> bytes | None:
        """See `Source.read`."""
        entry = self._entry(path)
        return self.git.read(entry.oid) if entry is not None and entry.mode != FOLDER else None

    def blobs(self, path: str) -> dict[str, str]:
        """See `Source.blobs`."""
        return {entry.path: entry.oid for entry in self._below(path)}

    def digest(self, path: str) -> str | None:
        """See `Source.digest`."""
        pointer = self.read(f"{path}.dvc")
        if pointer is not None:
            return pointer_hash(pointer, f"{path}.dvc")
        entry = self._entry(path)
        if entry is None:
            return None
        if entry.mode != FOLDER:
            return self._md5(entry)
        files = [(found.path.removeprefix(f"{path}/"), self._md5(found)) for found in self._below(path)]
        return folder_md5(files) if files else None

    def _entry(self, path: str) -> Entry | None:
        *folders, name = path.split("/")
        here = self._root
        for folder in folders:
            found = here.get(folder)
            if found is None or found.mode != FOLDER:
                return None
            here = self.git.entries(found.oid)
        return here.get(name)

    def _below(self, path: str) -> list[Entry]:
        top = self._entry(path)
        if top is None:
            return []
        if top.mode != FOLDER:
            return [type(top)(top.mode, top.oid, path)]
        return [
            entry for entry in self.git.files(top.oid, f"{path}/")
            if entry.mode != SUBMODULE and not self._ignored(entry.path)
        ]

    def _md5(self, entry: Entry) -> str:
        return md5_of(self.git.read(entry.oid) or b"")


class WorkspaceSource:
    """The working tree."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._prints = prints_of(project)

    def read(self, path: str) -> bytes | None:
        """See `Source.read`."""
        file = self.project.root / path
        return file.read_bytes() if file.is_file() else None

    def blobs(self, path: str) -> dict[str, str]:
        """See `Source.blobs`."""
        top = self.project.root / path
        files = list(self._prints.files(top)) if top.is_dir() else [top] if top.is_file() else []
        shown = {self.project.shown(file): file for file in files}
        found = self._prints.blobs(shown.values(), self._hash_objects)
        return {name: found[file] for name, file in shown.items()}

    def digest(self, path: str) -> str | None:
        """See `Source.digest`; a folder that was never fetched has the hash that its `.dvc` file names."""
        here = self._prints.of(self.project.root / path)
        if here is not None:
            return here
        pointer = self.read(f"{path}.dvc")
        return pointer_hash(pointer, f"{path}.dvc") if pointer is not None else None

    def save(self) -> None:
        """Keep the hashes that were computed."""
        self._prints.save()

    def _hash_objects(self, files: Iterable[Path]) -> dict[Path, str]:
        """What `git add` would store: line endings as `.gitattributes` says, a link as its target."""
        plain = [file for file in files if not file.is_symlink() and "\n" not in str(file)]
        links = {file: blob_id(os.fsencode(file.readlink())) for file in files if file.is_symlink()}
        odd = {file: blob_id(file.read_bytes()) for file in files if "\n" in str(file) and not file.is_symlink()}
        if not plain:
            return {**links, **odd}
        git = git_of(self.project.root)
        # Names on stdin are taken from the repository's root, wherever the command is started.
        names = b"".join(os.fsencode(f"{git.layout.prefix}{self.project.shown(file)}\n") for file in plain)
        out = git.run("hash-object", "--stdin-paths", content=names).decode().split()
        return {**links, **odd, **dict(zip(plain, out, strict=True))}
