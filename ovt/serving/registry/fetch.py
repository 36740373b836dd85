"""Fetching what an alias means, every byte checked: for production, where there is neither Git nor DVC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.serving.manifest import sha256
from ovt.serving.registry.manifests import (
    DIGEST,
    Manifest,
    Pointer,
    alias_name,
    bundle_name,
    object_name,
    read_manifest,
    read_pointer,
)
from ovt.storage.files import scratch_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.storage.buckets.interface import Bucket

ATTEMPTS = 2
"""For an object that arrives damaged."""


def read_alias(bucket: Bucket, alias: str) -> Pointer:
    """What an alias means now.

    Raises:
        MissingError: there is no such alias.
    """
    name = alias_name(alias)
    found = bucket.read(name)
    if found is None:
        known = sorted(other.removeprefix("aliases/").removesuffix(".json") for other in bucket.names("aliases/"))
        raise MissingError(f"nothing is promoted to `{alias}`", at=bucket.url,
                           why=f"there are {', '.join(known)}" if known else "there is no alias yet",
                           command=f"ovt promote REV --to {alias}")
    return read_pointer(found.content, alias, f"{bucket.url}/{name}")


def fetch(bucket: Bucket, which: str, cache: Path, variant: str | None = None) -> Path:
    """The folder of a bundle, fetched unless it is in the cache.

    Args:
        bucket: where it was published.
        which: an alias, or a bundle's digest.
        cache: a folder of bundles by digest; a bundle is in it whole or not at all.
        variant: of an alias, a further variant of the model.

    Raises:
        MissingError: it is not there, or arrives damaged.
    """
    digest = which if DIGEST.fullmatch(which) else _meant(bucket, which, variant)
    final = cache / digest
    if final.is_dir():
        return final
    name = bundle_name(digest)
    found = bucket.read(name)
    if found is None:
        raise MissingError(f"bundle {digest[:12]} is not there", at=bucket.url, fix="publish it",
                           command=f"ovt publish {bucket.url}")
    manifest = read_manifest(found.content, digest, f"{bucket.url}/{name}")
    with scratch_folder(cache, ".fetching") as scratch:
        _download(bucket, manifest, scratch)
        if not final.is_dir():  # else someone was faster
            _settle(scratch, final)
    return final


def _meant(bucket: Bucket, alias: str, variant: str | None) -> str:
    pointer = read_alias(bucket, alias)
    if variant is None:
        return pointer.bundle
    if variant not in pointer.variants:
        known = ", ".join(pointer.variants)
        raise MissingError(f"`{alias}` has no variant `{variant}`", at=bucket.url,
                           why=f"there are {known}" if known else "its model has no variants",
                           fix="leave the variant out for the first")
    return pointer.variants[variant]


def _download(bucket: Bucket, manifest: Manifest, folder: Path) -> None:
    for file in manifest.files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(ATTEMPTS):
            if not bucket.get(object_name(file.sha256), place):
                raise MissingError(f"`{file.path}` of the bundle is not there", at=bucket.url,
                                   why=f"object {file.sha256[:12]} is missing", fix="publish it again",
                                   command=f"ovt publish {bucket.url} --again")
            if sha256(place) == file.sha256:
                break
        else:
            raise MissingError(f"`{file.path}` of the bundle is damaged", at=bucket.url,
                               why="it has another hash than its name says", fix="publish it again",
                               command=f"ovt publish {bucket.url} --again")


def _settle(scratch: Path, final: Path) -> None:
    """Give the whole folder its name in one step; the scratch folder is expected to be there to be removed."""
    whole = scratch / ".whole"
    inner = [path for path in scratch.iterdir() if path != whole]
    whole.mkdir()
    for path in inner:
        path.rename(whole / path.name)
    try:
        whole.rename(final)
    except OSError:
        if not final.is_dir():  # not the other process that was faster
            raise
