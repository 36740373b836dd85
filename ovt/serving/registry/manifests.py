"""What a published bundle consists of, and what an alias points at, as JSON."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

import msgspec

from ovt.errors import MissingError
from ovt.versions.promotions import check_alias

KEPT = 100
DIGEST = re.compile(r"[0-9a-f]{64}")


class File(msgspec.Struct, frozen=True):
    """A file of a bundle."""

    path: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """All files of a bundle, by path."""

    key: str
    """KEY of the version's inputs."""
    files: list[File]
    format: str = "ovt.manifest/1"

    def encoded(self) -> bytes:
        """Its bytes: the same bundle gives the same."""
        return msgspec.json.encode(self, order="sorted")


class Move(msgspec.Struct, frozen=True):
    """What an alias meant once."""

    bundle: str
    serial: int
    commit: str
    variants: dict[str, str] = {}


class Pointer(msgspec.Struct, frozen=True):
    """What an alias means, and what it meant before: going back needs no export."""

    bundle: str
    """Digest of a manifest."""
    serial: int
    """The promotion (or rollback) that moved it here; only a higher one moves it on."""
    tag: str
    """The annotated tag of that promotion in Git."""
    commit: str
    variants: dict[str, str] = {}
    """Digests of the bundles of the model's further variants, by name: they move together."""
    earlier: list[Move] = []
    """The latest last; not more than `KEPT`."""
    format: str = "ovt.alias/1"

    def moves(self) -> list[Move]:
        """All that the alias meant, now the last."""
        return [*self.earlier, Move(self.bundle, self.serial, self.commit, self.variants)]

    def of(self, commit: str) -> Move | None:
        """What the alias meant last when it meant a commit."""
        return next((move for move in reversed(self.moves()) if move.commit == commit), None)

    def after(self, present: Pointer | None) -> Pointer:
        """This pointer with the history of the one that it replaces."""
        return msgspec.structs.replace(self, earlier=present.moves()[-KEPT:] if present else [])

    def encoded(self) -> bytes:
        """Its bytes."""
        return msgspec.json.encode(self, order="sorted")


def digest_of(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def object_name(digest: str) -> str:
    """Where the content with this hash lies."""
    return f"objects/{digest[:2]}/{digest[2:]}"


def bundle_name(digest: str) -> str:
    """Where a bundle's manifest lies."""
    return f"bundles/{digest}.json"


def alias_name(alias: str) -> str:
    """Where an alias lies.

    Raises:
        UsageError: it is no name for one.
    """
    return f"aliases/{check_alias(alias)}.json"


def read_manifest(content: bytes, digest: str, where: str) -> Manifest:
    """A manifest from its bytes.

    Raises:
        MissingError: they are damaged, or name a file outside the bundle.
    """
    if digest_of(content) != digest:
        raise MissingError(f"bundle {digest[:12]} is damaged", at=where, why="its manifest has another hash",
                           fix="publish it again", command="ovt publish")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise MissingError(f"bundle {digest[:12]} cannot be read", at=where, why=str(error),
                           fix="a newer ovt may have published it") from None
    for file in manifest.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts or not DIGEST.fullmatch(file.sha256):
            raise MissingError(f"bundle {digest[:12]} names `{file.path}`", at=where,
                               why="no file of a bundle lies outside it", fix="do not trust this place")
    return manifest


def read_pointer(content: bytes, alias: str, where: str) -> Pointer:
    """An alias from its bytes.

    Raises:
        MissingError: they are damaged.
    """
    try:
        pointer = msgspec.json.decode(content, type=Pointer)
    except msgspec.DecodeError as error:
        raise MissingError(f"alias `{alias}` cannot be read", at=where, why=str(error),
                           fix="promote again", command=f"ovt promote REV --to {alias}") from None
    if not DIGEST.fullmatch(pointer.bundle):
        raise MissingError(f"alias `{alias}` names no bundle", at=where, fix="promote again",
                           command=f"ovt promote REV --to {alias}")
    return pointer
