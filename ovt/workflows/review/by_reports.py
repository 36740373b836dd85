"""Two versions compared by their reports, where the predictions of one are not on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.quality.slicediff import SliceDiff
    from ovt.versions.history import Version


def compare_by_reports(project: Project, a: str, b: str) -> SliceDiff | None:
    """Compare version B with version A by what Git has of them; None where one has no report either.

    Raises:
        UsageError: an unknown revision.
    """
    from dataclasses import replace

    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.reported import compare_reports
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    versions = [resolve(project, spec) for spec in (a, b)]
    reports = [read_report(project, version, "quality.json") if version.state == "ready" else None
               for version in versions]
    if reports[0] is None or reports[1] is None:
        return None
    diff = compare_reports(reports[0], reports[1], a, b, Policy.of(project.settings.check))
    sides = [replace(side, commit=version.commit, subject=version.subject)
             for side, version in zip((diff.a, diff.b), versions, strict=True)]
    absent = [version.spec for version in versions if not _predictions_here(project, version)]
    told = f"the predictions of {' and '.join(absent)} are not on this machine: ovt pull {' '.join(absent)}"
    return replace(diff, a=sides[0], b=sides[1], notes=(*diff.notes, told))


def _predictions_here(project: Project, version: Version) -> bool:
    from ovt.errors import MissingError
    from ovt.versions.artifacts import output_path
    from ovt.workflows.review.opened import PREDICTIONS

    try:
        output_path(project, version, PREDICTIONS)
    except MissingError:
        return False
    return True
