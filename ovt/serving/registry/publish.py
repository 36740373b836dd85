"""Sending a bundle, and moving an alias to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.serving.manifest import sha256
from ovt.serving.registry.manifests import (
    File,
    Manifest,
    Pointer,
    alias_name,
    bundle_name,
    digest_of,
    object_name,
    read_pointer,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.storage.buckets.interface import Bucket


@dataclass(frozen=True)
class Published:
    """What came of it."""

    digest: str
    """Of the manifest."""
    sent: int
    """Objects that were not there yet."""
    bytes: int
    """In them."""
    total: int
    """Files of the bundle."""


def publish(bucket: Bucket, folder: Path, key: str, progress: Progress, *, again: bool = False) -> Published:
    """Send a bundle; what is there already (from an attempt that was cut off, or another bundle) is not sent again.

    Args:
        bucket: where to.
        folder: the bundle.
        key: KEY of the version's inputs.
        progress: hears what is sent.
        again: send everything, so that what was damaged there is whole.

    Raises:
        MissingError: the bucket cannot be reached or written; what was sent stays, and is not visible.
    """
    manifest = manifest_of(folder, key)
    content = manifest.encoded()
    digest = digest_of(content)
    sent = volume = 0
    if again or bucket.size(bundle_name(digest)) is None:
        for number, file in enumerate(manifest.files, 1):
            name = object_name(file.sha256)
            if again or bucket.size(name) != file.size:
                progress.update("publish", file.path, number, len(manifest.files))
                bucket.put(name, folder / file.path)
                sent, volume = sent + 1, volume + file.size
        bucket.write(bundle_name(digest), content)
    return Published(digest, sent, volume, len(manifest.files))


def manifest_of(folder: Path, key: str) -> Manifest:
    """The files of a bundle's folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [File(path.relative_to(folder).as_posix(), sha256(path), path.stat().st_size) for path in paths]
    return Manifest(key, files)


def point(bucket: Bucket, alias: str, pointer: Pointer) -> Pointer:
    """Move an alias on; one that a later promotion moved stays where it is.

    Returns:
        What the alias means afterwards.
    """
    name = alias_name(alias)
    while True:
        present = bucket.read(name)
        found = read_pointer(present.content, alias, f"{bucket.url}/{name}") if present else None
        if found is not None and found.serial >= pointer.serial:
            return found
        moved = pointer.after(found)
        if bucket.replace(name, moved.encoded(), present.stamp if present else None):
            return moved
