"""What `ovt serve` serves: a bundle's folder, a version of this repository, or what an alias means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.progress import Progress
    from ovt.project import Project

REMOTE = "://"


@dataclass(frozen=True)
class Asked:
    """What the person asked for."""

    place: str | None = None
    """A bundle's folder, or a place that versions are published to."""
    revision: str | None = None
    alias: str | None = None
    variant: str | None = None
    """Of the model instead of the first."""
    endpoint: str | None = None
    """Of an S3 server that is not Amazon's."""


def origin_of(asked: Asked, project: Callable[[], Project], progress: Progress, cache: Path) -> Callable[[], Path]:
    """Where the bundle lies that should be served, asked again and again while serving.

    Args:
        asked: what to serve.
        project: this folder's project; called only where it is needed, since production has none.
        progress: hears of an export.
        cache: where bundles that are fetched are kept.

    Raises:
        UsageError: more than one thing was asked for, or a published place without an alias.
        MissingError: there is no such folder.
    """
    if asked.revision is not None and (asked.place or asked.alias):
        raise UsageError("`--rev` goes with nothing else", why="it says all", command="ovt serve --rev HEAD")
    if asked.place is None:
        return _here(asked, project(), progress)
    if _is_bundle(asked.place):
        if asked.alias:
            raise UsageError(f"`{asked.place}` is one bundle", why="an alias chooses among published ones",
                             command=f"ovt serve {asked.place}")
        return lambda: Path(asked.place or "")
    return _published(asked, cache)


def _here(asked: Asked, project: Project, progress: Progress) -> Callable[[], Path]:
    from ovt.versions.promotions import check_alias, current
    from ovt.workflows.review.network import model_version
    from ovt.workflows.shipping.export import cached_bundle

    if asked.alias is None:
        version = model_version(project, asked.revision)
        folder = cached_bundle(project, version, progress, asked.variant)
        return lambda: folder
    alias = check_alias(asked.alias)

    def of_alias() -> Path:
        promotion = current(project).get(alias)
        if promotion is None:
            raise MissingError(f"nothing is promoted to `{alias}`", fix="promote a version first",
                               command=f"ovt promote HEAD --to {alias}")
        return cached_bundle(project, model_version(project, promotion.commit), progress, asked.variant)

    return of_alias


def _published(asked: Asked, cache: Path) -> Callable[[], Path]:
    from ovt.serving.registry.fetch import fetch
    from ovt.storage.buckets.addresses import bucket_at

    place = asked.place or ""
    if REMOTE not in place and not Path(place).is_dir():
        raise MissingError("there is no such folder", at=place, fix="a bundle, or where versions are published",
                           command="ovt export --output bundle")
    if asked.alias is None:
        raise UsageError(f"`{place}` is no bundle", why="of a place with many, an alias says which",
                         command=f"ovt serve {place} --alias production")
    bucket, alias = bucket_at(place, asked.endpoint), asked.alias
    return lambda: fetch(bucket, alias, cache, asked.variant)


def _is_bundle(place: str) -> bool:
    from ovt.serving.manifest import MANIFEST

    return REMOTE not in place and (Path(place) / MANIFEST).is_file()
