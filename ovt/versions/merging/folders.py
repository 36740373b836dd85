"""Folders that DVC tracks: two listings of files and what they share to one, a `.dvc` file and new cache objects.

A file that one side changed is that side's; a file of JSON lines that both
changed is merged row by row. Only what is merged is read: objects that one
side alone brought need to be in the cache for their size alone.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.fingerprint import folder_listing, md5_of, pointer_hash, prints_of
from ovt.storage.lock import adding_objects
from ovt.storage.objects import cache_folder, listing, object_path
from ovt.versions.merging.conflict import Conflict, Merged, changed_side
from ovt.versions.merging.rows import merge_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.project import Project
    from ovt.versions.merging.conflict import Side
    from ovt.versions.merging.lines import Content

ROWS = (".jsonl", ".ndjson")
MODE = 0o444
"""As DVC leaves its objects: a linked file that is edited in place would change the past."""
_FIELD = r"(?m)^(?P<head>(?:- |  ){field}: ).*$"


def merge_pointer(
    project: Project, name: str, contents: tuple[bytes, bytes, bytes], prefer: Side | None,
) -> Merged:
    """Merge a `.dvc` file by what lies behind it.

    Args:
        project: whose cache has the objects; the merged ones are written there.
        name: of the file, `supervision.dvc`.
        contents: before, here, there; empty where a side has none.
        prefer: whose word stands where both changed the same thing.

    Raises:
        MissingError: the cache lacks an object that the merge needs.
        ProjectError: one of them is no `.dvc` file.
    """
    side = changed_side(*contents)
    if side is not None:
        return Merged(contents[1] if side == "ours" else contents[2])
    folder = name.removesuffix(".dvc")
    digests = [pointer_hash(content, name) if content else None for content in contents]
    side = changed_side(*digests)
    if side is not None:
        return Merged(contents[1] if side == "ours" else contents[2])
    files = [_files(project, digest, folder) for digest in digests]
    with adding_objects(cache_folder(project), "merging"):
        merged, conflicts = _merge_files(project, folder, files, prefer)
        digest = _write_listing(project, merged)
    size = sum(_size(project, found, f"{folder}/{path}") for path, found in merged.items())
    return Merged(pointing_to(contents[1], digest, size, len(merged)), tuple(conflicts))


def pointing_to(pointer: bytes, digest: str, size: int, count: int) -> bytes:
    """A `.dvc` file that names another version of its folder; its other lines stay."""
    text = pointer.decode()
    for field, value in (("md5", digest), ("size", size), ("nfiles", count)):
        text = re.sub(_FIELD.format(field=field), rf"\g<head>{value}", text, count=1)
    return text.encode()


def keep_folder(project: Project, folder: str) -> str:
    """Put a folder's files, as they lie in the working tree, into the cache; its hash. No `.dvc` file is touched."""
    with adding_objects(cache_folder(project), "merging"):
        return _keep(project, folder)


def _keep(project: Project, folder: str) -> str:
    root = project.root / folder
    files = prints_of(project).listing(root)
    for path, digest in files:
        target = object_path(project, digest)
        if target.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix="merge.", suffix=".tmp", dir=target.parent)
        os.close(handle)
        shutil.copyfile(root / path, scratch)
        _put(project, digest, Path(scratch))
    return _write_listing(project, dict(files))


def _files(project: Project, digest: str | None, folder: str) -> dict[str, str]:
    if digest is None:
        return {}
    found = listing(project, digest)
    if found is None:
        raise _not_here(f"{folder}/")
    return found


def _merge_files(
    project: Project, folder: str, sides: list[dict[str, str]], prefer: Side | None,
) -> tuple[dict[str, str], list[Conflict]]:
    base, ours, theirs = sides
    merged: dict[str, str] = {}
    conflicts: list[Conflict] = []
    for path in sorted({*ours, *theirs}):
        before, here, there = base.get(path), ours.get(path), theirs.get(path)
        side = changed_side(before, here, there)
        if side is None and here and there and path.endswith(ROWS):
            merged[path], found = _merge_content(project, f"{folder}/{path}", (before, here, there), prefer)
            conflicts += found
            continue
        if side is None and prefer is None:
            words = ["changed" if found else "removed" for found in (here, there)]
            conflicts.append(Conflict(f"file {folder}/{path}", words[0], words[1]))
        chosen = {"ours": here, "theirs": there, None: here or there}[side or prefer]
        if chosen:
            merged[path] = chosen
    return merged, conflicts


def _merge_content(
    project: Project, path: str, digests: tuple[str | None, str, str], prefer: Side | None,
) -> tuple[str, list[Conflict]]:
    """Merge one file of JSON lines; the hash of the result, which is in the cache."""
    parent = object_path(project, digests[1]).parent.parent
    with ExitStack() as stack:
        contents = [_content(stack, project, digest, path) for digest in digests]
        handle, scratch = tempfile.mkstemp(prefix="merge.", suffix=".tmp", dir=parent)
        stack.callback(Path(scratch).unlink, missing_ok=True)
        digest = hashlib.md5(usedforsecurity=False)
        with os.fdopen(handle, "wb") as file:

            def write(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            conflicts = merge_rows(contents[0], contents[1], contents[2], write, prefer)
            file.flush()
            os.fsync(file.fileno())
        _put(project, digest.hexdigest(), Path(scratch))
    return digest.hexdigest(), conflicts


def _content(stack: ExitStack, project: Project, digest: str | None, path: str) -> Content:
    """The bytes of an object, mapped: what is not looked at is not read."""
    if digest is None:
        return b""
    try:
        file = stack.enter_context(object_path(project, digest).open("rb"))
    except FileNotFoundError:
        raise _not_here(path) from None
    if not os.fstat(file.fileno()).st_size:
        return b""
    return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _write_listing(project: Project, files: Mapping[str, str]) -> str:
    content = folder_listing(files.items())
    digest = f"{md5_of(content)}.dir"
    target = object_path(project, digest)
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix="merge.", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _put(project, digest, Path(scratch))
    return digest


def _put(project: Project, digest: str, scratch: Path) -> None:
    target = object_path(project, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file():
        scratch.chmod(MODE)
        scratch.replace(target)


def _size(project: Project, digest: str, path: str) -> int:
    try:
        return object_path(project, digest).stat().st_size
    except FileNotFoundError:
        raise _not_here(path) from None


def _not_here(path: str) -> MissingError:
    return MissingError(f"`{path}` of both branches is needed to merge them", at=path,
                        why="a version of it is not in DVC's cache", fix="fetch the branch's data, then go on",
                        command="ovt pull BRANCH && ovt resolve")
