"""Putting an object right from a good second copy: a file of a working tree, the remote, or this machine's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.storage.git import git_of
from ovt.storage.lock import adding_objects
from ovt.storage.objects import cache_folder
from ovt.versions.safety.integrity import heal_from_files, put_right, rebuilt_listing
from ovt.versions.safety.pointers import worktrees

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.storage.remotes.objects import RemoteObjects
    from ovt.versions.safety.pointers import Need


def heal_here(project: Project, need: Need, target: Path, source: RemoteObjects | None) -> bool:
    """Put an object of this machine's cache right; False if no good copy was found.

    Args:
        project: where.
        need: the object, and what it is in a working tree.
        target: its file in the cache; replaced in one step, or left as it is.
        source: the remote, if there is one.

    Raises:
        OSError: the disk is full, or the cache cannot be written to.
        MissingError: the remote cannot be reached.
    """
    lying = [top / need.path for top in worktrees(git_of(project.root))]
    with adding_objects(cache_folder(project), "ovt fsck"):
        if need.digest.endswith(".dir"):
            if any(rebuilt_listing(folder, need.digest, target) for folder in lying):
                return True
        elif heal_from_files(lying, target, need.digest):
            return True
        if source is None or need.digest not in source.present([need.digest]):
            return False
        with source.opened(need.digest) as content:
            return put_right(content, target, need.digest)


def heal_there(there: RemoteObjects, digest: str, source: Path) -> bool:
    """Put an object of the remote right from a file that was found right.

    Raises:
        MissingError: the remote cannot be reached or written to.
    """
    there.put(source, digest)
    return True
