"""Which objects of DVC's cache a version is made of: what has to be pushed, pulled and kept for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.documents import parse_document
from ovt.functions.pins import LOCK, parse_pins
from ovt.stages.pipeline import TUNING_LOCK
from ovt.storage.fingerprint import pointer_hash
from ovt.storage.git import git_of
from ovt.versions.artifacts import output_hashes
from ovt.versions.key import BULK, pretrained_of
from ovt.versions.source import source_of

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version
    from ovt.versions.source import Source

PRODUCTS = "embeddings"
"""Vectors that `ovt embed` made, each file tracked for itself."""
REPORTS = "reports/"
"""Outputs below it are in Git, not in DVC's cache."""


def data_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each bulk folder, embedding and pretrained file in use that the version tracks, by name."""
    found = {}
    source = source_of(project, version.commit)
    for name in (*BULK, *products_of(source), *pretrained_of(source)):
        path = f"{name}.dvc"
        content = _committed(project, version, path)
        digest = pointer_hash(content, path) if content is not None else None
        if digest:
            found[name] = digest
    return found


def products_of(source: Source) -> list[str]:
    """Files of vectors that a version has as products."""
    return [path.removesuffix(".dvc") for path in source.blobs(PRODUCTS) if path.endswith(".dvc")]


def output_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each output of the version that its cache holds, by path."""
    return {path: digest for path, digest in output_hashes(project, version).items() if not path.startswith(REPORTS)}


def model_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each earlier model whose predictions the version's functions use, by revision."""
    content = _committed(project, version, LOCK)
    return {revision: pin.model for revision, pin in parse_pins(content.decode()).items()} if content else {}


def parent_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of the model that the version's training starts from, as `parent`; empty if from scratch."""
    content = _committed(project, version, TUNING_LOCK)
    value = parse_document(content.decode(), TUNING_LOCK).value if content else None
    parent = value.get("parent") if isinstance(value, dict) else None
    return {"parent": parent} if isinstance(parent, str) else {}


def needed_objects(project: Project, version: Version) -> frozenset[str]:
    """All of them: data, earlier models that are sources or parents and, if the version has a model, its outputs."""
    return frozenset({
        *data_objects(project, version).values(), *model_objects(project, version).values(),
        *parent_objects(project, version).values(),
        *output_objects(project, version).values(),
    })


def _committed(project: Project, version: Version, path: str) -> bytes | None:
    if version.commit is None:
        file = project.root / path
        return file.read_bytes() if file.is_file() else None
    git = git_of(project.root)
    return git.read(f"{version.commit}:{git.layout.prefix}{path}")
