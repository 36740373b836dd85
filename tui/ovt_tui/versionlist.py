"""What the list of versions says about each: how good it was, and on which exam."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ovt.versions.history import Version
from ovt.versions.queue import OPEN
from ovt_tui.stageboard import bar
from ovt_tui.trend import metric_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.workflows.background.jobs import JobStatus

Quality = Mapping[str, Any]


def spec_of(version: Version) -> str:
    """What to ask for when this version is meant: its commit, or `workspace`."""
    return version.commit or version.spec


def label(version: Version) -> str:
    """Its branches and tags, or else the start of its commit."""
    if version.commit is None:
        return version.spec
    short = version.commit[:7]
    return f"{short} {' '.join(version.refs)}" if version.refs else short


def day(version: Version) -> str:
    """When it was committed, to the minute, UTC; the workspace is now."""
    if version.commit is None:
        return ""
    return datetime.fromtimestamp(version.when, UTC).strftime("%Y-%m-%d %H:%M") if version.when else ""


def model_state(version: Version, job: JobStatus | None = None) -> str:
    """Whether there is a model, with a word for each case."""
    if version.state == "ready":
        return "ready"
    if job is not None and job.job.state in {"running", "waiting", "failed"}:
        return f"{job.job.state} {100 * job.progress.fraction:.0f} %" if job.progress else job.job.state
    if version.state == "pending":
        return f"pending {100 * version.progress:.0f} %" if version.progress is not None else "pending"
    return "no model"


def job_text(found: JobStatus) -> str:
    """A job in one line: what it does now, or why it failed, and what to type to read more."""
    job, now = found.job, found.progress
    doing = f"{bar(now.fraction)} {now.stage}: {now.message}" if now else job.why
    return " · ".join(filter(None, (f"job {job.number} {job.state}", doing, f"ovt jobs log {job.number}")))


def jobs_by_key(jobs: Sequence[JobStatus]) -> dict[str, JobStatus]:
    """The newest job for each set of inputs."""
    return {found.job.key: found for found in sorted(jobs, key=lambda found: found.job.number)}


def any_open(jobs: Sequence[JobStatus]) -> bool:
    """Whether a job waits or runs, so that it is worth looking again."""
    return any(found.job.state in OPEN for found in jobs)


def with_jobs(versions: Sequence[Version], jobs: Sequence[JobStatus]) -> list[Version]:
    """The versions, and below the workspace the open jobs of commits that are not among them."""
    known = {version.key for version in versions}
    rows = [_row_of(found) for found in jobs if found.job.state in OPEN and found.job.key not in known]
    at = next((index for index, version in enumerate(versions) if version.commit is not None), len(versions))
    return [*versions[:at], *rows, *versions[at:]]


def _row_of(found: JobStatus) -> Version:
    job = found.job
    subject = f"job {job.number}, queued from {job.branch}" if job.branch else f"job {job.number}"
    return Version(job.commit[:12], job.commit, job.key, subject, "", round(job.queued), (), "pending",
                   found.progress.fraction if found.progress else None, None)


def overall(report: Quality | None) -> str:
    """The primary metric of each task on all test records."""
    found = (
        metric_of(section.get("overall", {}), primary) for _, primary, section in _tests(report)
    )
    return " ".join(f"{value:.3f}" for value in found if value is not None)


def worst_slice(report: Quality | None, least: int = 30) -> str:
    """The slice with the lowest primary metric among those with enough test records to be believed."""
    found = [
        (value, name)
        for _, primary, section in _tests(report)
        for name, entry in section.get("slices", {}).items()
        if (value := metric_of(entry, primary)) is not None and entry.get("n", 0) >= least
    ]
    return "{:.3f} {}".format(*min(found)) if found else ""


def exam(report: Quality | None, reference: Quality | None) -> str:
    """Whether it was examined on the same test set as the version it would be compared with."""
    if not report or not reference:
        return ""
    return "= same" if report.get("eval_set") == reference.get("eval_set") else "≠ other"


def _tests(report: Quality | None) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(task, primary metric, test section) of each task."""
    tasks = (report or {}).get("tasks", {})
    return [
        (task, entry.get("primary", "accuracy"), entry.get("splits", {}).get("test", {}))
        for task, entry in sorted(tasks.items())
    ]
