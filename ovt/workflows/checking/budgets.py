"""Size and latency of a version's model, measured only where the policy has a budget for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project
    from ovt.quality.policy.expectations import Budget
    from ovt.versions.history import Version

MEGABYTE = 1_000_000
SAMPLE = 101
"""Test records whose prediction is timed."""
SIZE = "files of model/ that are served, 1 MB is 1,000,000 bytes"


def measure_budgets(project: Project, version: Version) -> tuple[Budget, ...]:
    """What the policy has a budget for, measured.

    Raises:
        MissingError: the model, or the records to time it on, are not on this machine.
    """
    return tuple(_measured(project, version))


def _measured(project: Project, version: Version) -> Iterator[Budget]:
    from ovt.quality.policy.expectations import Budget

    asked = project.settings.check
    if asked.size_mb is not None:
        yield Budget("size", asked.size_mb, _size_mb(project, version), SIZE)
    if asked.latency_ms is not None:
        from ovt.training.latency import HOW

        yield Budget("latency", asked.latency_ms, _latency_ms(project, version), HOW)


def _size_mb(project: Project, version: Version) -> float:
    from ovt.workflows.sharing.models import model_files

    return sum(path.stat().st_size for path in model_files(project, version).values()) / MEGABYTE


def _latency_ms(project: Project, version: Version) -> float:
    import numpy as np

    from ovt.errors import MissingError
    from ovt.schema.spec import SPLITS
    from ovt.training.latency import p50_ms
    from ovt.workflows.review.votes import opened_store
    from ovt.workflows.sharing.models import opened_model

    with opened_store(project, version) as store, opened_model(project, version) as model:
        rows = np.flatnonzero(store.splits == SPLITS.index("test"))
        if not len(rows):
            raise MissingError("there is no test record to time the model on", at="ovt.yaml: check.latency_ms",
                               fix="tag some records `test`")
        spread = np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)
        return p50_ms(model, store, rows[spread])
