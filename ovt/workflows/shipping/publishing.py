"""`ovt publish`: a version's bundle where production finds it, and aliases moved to what Git says they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError
from ovt.versions.promotions import current
from ovt.workflows.shipping.promoting import ready_version

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.serving.registry.manifests import Pointer
    from ovt.serving.registry.publish import Published
    from ovt.storage.buckets.interface import Bucket
    from ovt.versions.history import Version
    from ovt.versions.promotions import Promotion


@dataclass(frozen=True)
class Sent:
    """What `ovt publish` did."""

    url: str
    commit: str
    bundle: Published
    aliases: tuple[str, ...]
    """Those that mean this version, and now do so there too."""
    variants: tuple[str, ...] = ()
    """Further variants of the model that went with it."""
    stale: tuple[str, ...] = ()
    """Those of them that were trained on other data."""


def publish(
    project: Project, revision: str, progress: Progress, *, url: str | None = None, again: bool = False,
) -> Sent:
    """Send a version's bundle, then move the aliases that mean this version.

    An alias is moved by a promotion alone: publishing a version that nobody promoted moves none.

    Args:
        project: the project.
        revision: a commit, or an alias.
        progress: hears what is sent.
        url: where to; None: `publish.to` of ovt.yaml.
        again: send what is there already, too.

    Raises:
        UsageError: no place to publish to, an unknown revision, the working tree.
        MissingError: no model yet, or the place cannot be reached: the same command goes on from there.
    """
    bucket = _bucket(project, url)
    aliases = current(project)
    named = aliases.get(revision)
    version = ready_version(project, named.commit if named else revision)
    commit = version.commit or ""
    sent, variants = _send(project, bucket, commit, progress, again=again)
    moved = [alias for alias, promotion in aliases.items() if promotion.commit == commit]
    for alias in moved:
        _move(bucket, aliases[alias], sent.digest, variants)
    return Sent(bucket.url, commit, sent, tuple(moved), tuple(variants), stale_variants(project, version))


def follow(project: Project, promotion: Promotion, progress: Progress) -> str | None:
    """Move an alias where `publish.to` says, to a bundle that is there or is sent first; None if it says nothing."""
    from ovt.serving.registry.manifests import alias_name, read_pointer

    if project.settings.publish.to is None:
        return None
    bucket = _bucket(project, None)
    name = alias_name(promotion.alias)
    present = bucket.read(name)
    pointer = read_pointer(present.content, promotion.alias, f"{bucket.url}/{name}") if present else None
    known = pointer.of(promotion.commit) if pointer else None
    if known is not None:
        digest, variants = known.bundle, known.variants
    else:
        sent, variants = _send(project, bucket, promotion.commit, progress)
        digest = sent.digest
    return f"{bucket.url}/{name} → {_move(bucket, promotion, digest, variants).bundle[:12]}"


def stale_variants(project: Project, version: Version) -> tuple[str, ...]:
    """Further variants of a version's model that were trained on other data than the served one."""
    return tuple(name for name, about in _variants(project, version).items() if about.get("stale"))


def _variants(project: Project, version: Version) -> dict[str, Any]:
    from ovt.versions.artifacts import read_report

    report = read_report(project, version, "quality.json") or {}
    found: dict[str, Any] = (report.get("variants") or {}).get("others", {})
    return found


def _bucket(project: Project, url: str | None) -> Bucket:
    from ovt.storage.buckets.addresses import bucket_at

    settings = project.settings.publish
    place = url or settings.to
    if place is None:
        raise UsageError("there is no place to publish to", fix="name one, or set `publish: {to: …}` in ovt.yaml",
                         command="ovt publish s3://bucket/prefix")
    return bucket_at(place, settings.endpoint)


def _send(
    project: Project, bucket: Bucket, commit: str, progress: Progress, *, again: bool = False,
) -> tuple[Published, dict[str, str]]:
    """Send the bundle and those of the further variants; what the first was, and the digests of the others."""
    from ovt.serving.registry.publish import publish as send
    from ovt.workflows.shipping.export import cached_bundle

    version = ready_version(project, commit)
    digests = {}
    for name in _variants(project, version):
        folder = cached_bundle(project, version, progress, name)
        digests[name] = send(bucket, folder, version.key, progress, again=again).digest
    return send(bucket, cached_bundle(project, version, progress), version.key, progress, again=again), digests


def _move(bucket: Bucket, promotion: Promotion, digest: str, variants: dict[str, str]) -> Pointer:
    from ovt.serving.registry.manifests import Pointer
    from ovt.serving.registry.publish import point

    return point(bucket, promotion.alias, Pointer(
        digest, promotion.serial, promotion.tag, promotion.commit, variants))
