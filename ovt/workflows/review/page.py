"""Everything that the HTML report of a version shows, gathered; what is not at hand is left out and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.workflows.review.quality import PREDICTIONS, forms_of, read_quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ovt.project import Project
    from ovt.quality.slicediff import SliceDiff
    from ovt.quality.trend import Point
    from ovt.render.page.html import Page
    from ovt.render.page.plots import Bin
    from ovt.versions.history import Version

WORKSPACE = "workspace"
VERSIONS = 20
"""In the plots over time."""


def html_report(project: Project, revisions: str | None) -> str:
    """The page of one version, compared with the version before it, or with A of `A..B`.

    Raises:
        UsageError: an unknown revision.
        MissingError: the version has no model yet.
    """
    from ovt.render.page.html import page

    return page(gather(project, revisions))


def gather(project: Project, revisions: str | None) -> Page:
    """See `html_report`."""
    from ovt.render.page.html import Page
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    base, spec = _sides(project, revisions)
    version = resolve(project, spec)
    report = read_quality(project, version)
    notes: list[str] = []
    diff = _compared(project, base, spec, notes)
    versions = _history(project, version)
    return Page(
        title="Quality report", version=version, report=report, sources=read_report(project, version, "sources.json"),
        diff=diff, history=versions, trends=_trends(project, versions, report),
        calibration=_calibration(project, version, report, notes), least=project.settings.check.min_support,
        notes=notes,
    )


def _sides(project: Project, revisions: str | None) -> tuple[str | None, str]:
    """The version before, if it is known by name, and the version."""
    from ovt.versions.history import resolve
    from ovt.workflows.review.compare import default_sides

    if revisions is None:
        revisions = WORKSPACE if resolve(project, WORKSPACE).report is not None else "HEAD"
    try:
        if ".." in revisions:
            return default_sides(project, revisions, None)
        return default_sides(project, None, revisions)
    except OvtError:
        return None, revisions


def _compared(project: Project, base: str | None, spec: str, notes: list[str]) -> SliceDiff | None:
    from ovt.workflows.review.compare import compare

    if base is None:
        return None
    try:
        return compare(project, base, spec)
    except OvtError as error:
        notes.append(f"No comparison with {base}: {error.what}.")
        return None


def _history(project: Project, version: Version) -> list[Version]:
    """Oldest first, the version last."""
    from ovt.versions.history import history

    before = history(project, (version.commit or "HEAD",), VERSIONS)[::-1]
    if version.commit is not None or (before and before[-1].key == version.key):
        return before
    return [*before, version]


def _trends(project: Project, versions: Sequence[Version], report: Mapping[str, Any]) -> dict[str, list[Point]]:
    from ovt.quality.trend import Series, point
    from ovt.versions.artifacts import read_report

    reports = [read_report(project, version, "quality.json") for version in versions]
    least = project.settings.check.min_support
    return {task: [point(one, Series(task, None), least, pending=version.state == "pending")
                   for one, version in zip(reports, versions, strict=True)] for task in report["tasks"]}


def _calibration(
    project: Project, version: Version, report: dict[str, Any], notes: list[str],
) -> dict[str, list[Bin]]:
    """By task, the reliability diagram on test."""
    from ovt.quality.predictions import read_predictions
    from ovt.quality.reliability import reliability
    from ovt.render.page.plots import Bin
    from ovt.versions.artifacts import output_path

    try:
        path = output_path(project, version, PREDICTIONS)
    except OvtError as error:
        notes.append(f"No calibration plots: {error.what} ({error.command or 'ovt pull'}).")
        return {}
    return {
        task: [Bin(one.confidence, one.accuracy, one.n) for one in reliability(part)]
        for task, part in read_predictions(path, forms_of(report)).items()
    }
