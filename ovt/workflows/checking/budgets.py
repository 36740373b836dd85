"""Size and latency of a version's model, measured only where the policy has a budget for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project
    from ovt.quality.policy.expectations import Budget
    from ovt.versions.history import Version

MEGABYTE = 1_000_000
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
        from ovt.serving.cost import HOW

        yield Budget("latency", asked.latency_ms, _latency_ms(project, version), HOW)


def _size_mb(project: Project, version: Version) -> float:
    from ovt.workflows.sharing.models import model_files

    return sum(path.stat().st_size for path in model_files(project, version).values()) / MEGABYTE


def _latency_ms(project: Project, version: Version) -> float:
    from ovt.errors import MissingError
    from ovt.progress import Silent
    from ovt.serving.cost import SAMPLE, p50_ms
    from ovt.serving.loading import load
    from ovt.workflows.shipping.export import cached_bundle
    from ovt.workflows.shipping.records import test_records

    _, lines = test_records(project, version, SAMPLE)
    if not lines:
        raise MissingError("there is no test record to time the model on", at="ovt.yaml: check.latency_ms",
                           fix="tag some records `test`")
    return p50_ms(load(cached_bundle(project, version, Silent())), lines)
