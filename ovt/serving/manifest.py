"""`bundle.json`: what a bundle is of, and the digest of each of its files; written last, checked first."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError
from ovt.storage.files import write_json

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "ovt.bundle/1"
MANIFEST = "bundle.json"
SIGNATURE = "signature.json"
QUALITY = "quality.json"
NETWORK, SMALL_NETWORK, PROGRAM = "model.onnx", "model.int8.onnx", "model.pt2"
BLOCK = 1 << 20


def write_manifest(folder: Path, about: dict[str, Any]) -> None:
    """List every file below the folder with its digest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    digests = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    write_json(folder / MANIFEST, {"format": FORMAT, **about, "files": digests})


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a bundle says about itself.

    Raises:
        MissingError: there is no bundle, or one of another format.
    """
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingError("there is no bundle here", at=str(folder), why=f"it has no {MANIFEST}",
                           fix="make one", command=f"ovt export --output {folder}") from None
    except ValueError as error:
        raise _damaged(folder, f"{MANIFEST} is no JSON: {error}") from None
    if found.get("format") != FORMAT:
        raise MissingError("the bundle has another format", at=str(folder / MANIFEST),
                           why=f"found {found.get('format')}, this ovt reads {FORMAT}", fix="export the version again",
                           command=f"ovt export --output {folder}")
    return found


def verify(folder: Path, manifest: dict[str, Any]) -> None:
    """Compare every file with its digest.

    Raises:
        MissingError: one is not there, or is not what was exported.
    """
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise _damaged(folder, f"`{name}` is not there")
        if sha256(path) != digest:
            raise _damaged(folder, f"`{name}` is not what was exported")


def sha256(path: Path) -> str:
    """Of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _damaged(folder: Path, why: str) -> MissingError:
    return MissingError("the bundle is damaged", at=str(folder), why=why, fix="export it again, or fetch it again",
                        command=f"ovt export --output {folder}")
