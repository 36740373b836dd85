"""A version as a bundle: its model found, exported, and where asked for, tried in int8."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.versions.history import Version

WORKSPACE = "workspace"
VARIANTS = "variants"


@dataclass(frozen=True)
class Wanted:
    """What is exported beside the ONNX network."""

    torch: bool = False
    """A `torch.export` program."""
    mlflow: bool = False
    """The files of an MLflow model."""
    variant: str | None = None
    """A variant of the model instead of the first."""
    small: bool = True
    """Try int8."""


@dataclass(frozen=True)
class Exported:
    """A bundle that was written."""

    folder: Path
    version: Version
    manifest: dict[str, Any]
    size: int
    """Bytes of all its files."""


def export(project: Project, version: Version, folder: Path, wanted: Wanted, progress: Progress) -> Exported:
    """Write a version's bundle.

    Raises:
        MissingError: the version has no model, or it is not on this machine.
        UsageError: no such variant, or the folder holds something else.
    """
    from ovt.serving.bundle import Request, check_target, write_bundle
    from ovt.workflows.shipping.choosing import Choice
    from ovt.workflows.shipping.licences import licences_of
    from ovt.workflows.shipping.summary import quality_summary

    check_target(folder)
    progress.update("export", f"exporting {version.spec}")
    choice = Choice(project, version, progress) if wanted.small else None
    with exported_model(project, version, wanted.variant) as model:
        licences = licences_of(project, model)
        manifest = write_bundle(folder, model, Request(
            key=version.key, variant=wanted.variant, quality=quality_summary(project, version), torch=wanted.torch,
            mlflow=wanted.mlflow, choose_small=choice.choose if choice is not None else None, licences=licences,
        ))
    for path, found in licences.items():
        if not found:
            progress.note(f"`{path}` is part of the model and has no licence file beside it")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Exported(folder, version, manifest, size)


@contextmanager
def exported_model(project: Project, version: Version, variant: str | None) -> Iterator[Path]:
    """The folder of a version's model, or of a variant of it.

    Raises:
        MissingError: it is not on this machine.
        UsageError: no such variant.
    """
    from ovt.workflows.sharing.models import opened_model

    with opened_model(project, version) as model:
        if variant is None:
            yield model
            return
        found = model / VARIANTS / variant
        if not found.is_dir():
            known = [path.name for path in (model / VARIANTS).iterdir()] if (model / VARIANTS).is_dir() else []
            raise UsageError(f"`{version.spec}` has no variant `{variant}`", at="--variant",
                             why=nearest(variant, known) if known else "its model has no variants",
                             fix="leave --variant out for the first", command="ovt export --output bundle")
        yield found


def cached_bundle(project: Project, version: Version, progress: Progress, variant: str | None = None) -> Path:
    """A version's bundle in `.ovt/cache/bundles`, exported the first time it is asked for.

    Raises:
        MissingError: the version has no model, or it is not on this machine.
    """
    from ovt.serving.manifest import FORMAT, read_manifest
    from ovt.storage.files import safe_name
    from ovt.versions.artifacts import output_hashes

    if version.report is None:
        raise _no_model(version)
    model = output_hashes(project, version).get("model", "")
    which = f"-{safe_name(variant)}" if variant else ""
    folder = project.cache / "bundles" / f"{FORMAT.replace('/', '-')}-{version.key[:16]}-{model[:16]}{which}"
    try:
        read_manifest(folder)
    except MissingError:
        progress.note(f"exporting {version.spec} for this first time")
        export(project, version, folder, Wanted(small=False, variant=variant), progress)
    return folder


def _no_model(version: Version) -> MissingError:
    if version.state == "pending":
        return MissingError(f"`{version.spec}` is still being trained", at=version.spec, fix="wait for it",
                            command="ovt jobs wait")
    here = version.spec == WORKSPACE
    return MissingError(
        f"`{version.spec}` has no model yet", at=version.spec, why="nothing was trained for its inputs", fix="train it",
        command="ovt run" if here else f"ovt run --rev {version.spec}",
    )
