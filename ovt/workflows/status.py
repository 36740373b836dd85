"""What `ovt status` tells: which stages are stale and why, and what trains in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.stages.pipeline import has_content, locked_stages, stage_specs
from ovt.workflows.committing.staleness import stale_reason
from ovt.workflows.review.scores import headline
from ovt.workflows.run import BULK

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.workflows.background.jobs import QueueStatus
    from ovt.workflows.shipping.embedding import Due


@dataclass(frozen=True)
class Status:
    """The workspace and the queue."""

    state: Literal["ready", "pending", "none"]
    """Whether the workspace's inputs have a model."""
    stale: dict[str, str | None]
    """Stage → why it must run; None: it is up to date."""
    changed: tuple[str, ...]
    """Bulk folders whose content differs from what DVC has recorded."""
    metrics: dict[str, float]
    """Task → primary metric on test, of the last results."""
    queue: QueueStatus
    due: tuple[Due, ...] = ()
    """Embeddings that are older than they may be."""
    stale_variants: tuple[str, ...] = ()
    """Further variants of the model that were trained on other data than the served one."""


def look(project: Project) -> Status:
    """Look at the workspace; nothing is run and nothing is written but the cache of hashes."""
    from ovt.storage.fingerprint import fingerprint, tracked_hash
    from ovt.versions.history import resolve
    from ovt.workflows.background.jobs import status

    workspace = resolve(project, "workspace")
    locked = locked_stages(project)
    stale = {name: stale_reason(project, spec, locked.get(name)) for name, spec in stage_specs(project).items()}
    changed = tuple(
        name for name in BULK
        if has_content(project.root / name)
        and (not (pointer := project.root / f"{name}.dvc").is_file()
             or tracked_hash(pointer) != fingerprint(project, project.root / name))
    )
    from ovt.workflows.shipping.embedding import due
    from ovt.workflows.shipping.publishing import stale_variants

    return Status(workspace.state, stale, changed, headline(project, workspace), status(project),
                  tuple(due(project)), stale_variants(project, workspace))
