"""Which objects of DVC's cache a version is made of: what has to be pushed, pulled and kept for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.functions.pins import LOCK, parse_pins
from ovt.storage.fingerprint import pointer_hash
from ovt.storage.git import git_of
from ovt.versions.artifacts import output_hashes
from ovt.versions.key import BULK

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version

REPORTS = "reports/"
"""Outputs below it are in Git, not in DVC's cache."""


def data_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each bulk folder that the version tracks, by name."""
    found = {}
    for name in BULK:
        path = f"{name}.dvc"
        content = _committed(project, version, path)
        digest = pointer_hash(content, path) if content is not None else None
        if digest:
            found[name] = digest
    return found


def output_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each output of the version that its cache holds, by path."""
    return {path: digest for path, digest in output_hashes(project, version).items() if not path.startswith(REPORTS)}


def model_objects(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each earlier model whose predictions the version's functions use, by revision."""
    content = _committed(project, version, LOCK)
    return {revision: pin.model for revision, pin in parse_pins(content.decode()).items()} if content else {}


def needed_objects(project: Project, version: Version) -> frozenset[str]:
    """All of them: data, earlier models that are sources and, if the version has a model, its outputs."""
    return frozenset({
        *data_objects(project, version).values(), *model_objects(project, version).values(),
        *output_objects(project, version).values(),
    })


def _committed(project: Project, version: Version, path: str) -> bytes | None:
    if version.commit is None:
        file = project.root / path
        return file.read_bytes() if file.is_file() else None
    git = git_of(project.root)
    return git.read(f"{version.commit}:{git.layout.prefix}{path}")
