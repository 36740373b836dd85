"""The one door to data: everything the app shows comes through a `Gateway`, so that tests can open another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ovt_tui.explaining import Explaining, ProjectExplaining
from ovt_tui.records import find_record
from ovt_tui.supervising import ProjectSupervising, Supervising

if TYPE_CHECKING:
    import threading

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.slicediff import Flip, SliceDiff
    from ovt.schema.spec import Schema
    from ovt.versions.history import Version
    from ovt.workflows.background.jobs import JobStatus
    from ovt_tui.errands import Fetched, Recorded

WORKSPACE = "workspace"


class Gateway(Explaining, Supervising, Protocol):
    """What the app asks for.

    Every method may be slow and may raise an `OvtError`; none is called on the app's own thread.
    """

    def compare(self, a: str, b: str) -> SliceDiff:
        """Two versions, slice by slice: the value that `ovt diff` prints."""

    def flips(self, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
        """The items of a slice that one version gets right and the other wrong."""

    def record(self, record_id: str) -> dict[str, Any] | None:
        """The record as it stands in the data of the working tree; None if it is not there."""

    def schema(self) -> Schema:
        """The schema of the working tree."""

    def versions(self, limit: int) -> list[Version]:
        """The workspace and the newest commits of all branches that touch the project."""

    def lineage(self, spec: str, limit: int) -> list[Version]:
        """A version and those it grew from, newest first."""

    def report(self, spec: str, name: str) -> dict[str, Any] | None:
        """A report of a version, such as `quality.json`; None where it has none."""

    def jobs(self) -> list[JobStatus]:
        """What trains in the background, or did of late; oldest first."""

    def changes(self) -> list[str]:
        """Files and folders whose content is in no version yet, and stages that must run, in words."""

    def run(self, progress: Progress, stop: threading.Event) -> Recorded:
        """`ovt run`; interrupted once `stop` is set."""

    def commit(self, message: str, progress: Progress, stop: threading.Event) -> Recorded:
        """`ovt commit`; the run before it is interrupted once `stop` is set."""

    def fetch(self, spec: str, progress: Progress, stop: threading.Event) -> Fetched:
        """Get the report and the results of a version from where they were pushed to."""


class ProjectGateway(ProjectExplaining, ProjectSupervising):
    """The gateway to a real project."""

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._resolved: dict[str, Version] = {}

    def compare(self, a: str, b: str) -> SliceDiff:
        """Two versions, slice by slice."""
        from ovt.workflows.review.compare import compare

        # Nothing is fetched behind a screen: DVC would draw on it, and nobody asked for the network.
        return compare(self._project, a, b, fetch=False)

    def flips(self, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
        """The flips of a slice."""
        from ovt.workflows.review.compare import flips

        return flips(self._project, a, b, task, slice_)

    def record(self, record_id: str) -> dict[str, Any] | None:
        """The record from the data of the working tree, whole: with its labels and tags."""
        return find_record(self._project.folder("data"), record_id, self._project.schema)

    def schema(self) -> Schema:
        """The schema of the working tree."""
        return self._project.schema

    def versions(self, limit: int) -> list[Version]:
        """The workspace, then the commits of all branches and tags."""
        from ovt.storage.git import git_of
        from ovt.versions.history import history, resolve

        git = git_of(self._project.root)
        tips = {oid for prefix in ("refs/heads/", "refs/remotes/", "refs/tags/") for oid in git.refs(prefix).values()}
        commits = history(self._project, sorted(tips) or ["HEAD"], limit)
        return [resolve(self._project, WORKSPACE), *self._known(commits)]

    def lineage(self, spec: str, limit: int) -> list[Version]:
        """A version and those it grew from."""
        from ovt.versions.history import history, resolve

        if spec == WORKSPACE:
            return [resolve(self._project, WORKSPACE), *self._known(history(self._project, ("HEAD",), limit - 1))]
        return self._known(history(self._project, (spec,), limit))

    def report(self, spec: str, name: str) -> dict[str, Any] | None:
        """A report of a version."""
        from ovt.versions.artifacts import read_report
        from ovt.versions.history import resolve

        return read_report(self._project, self._resolved.get(spec) or resolve(self._project, spec), name)

    def jobs(self) -> list[JobStatus]:
        """The queue of the repository."""
        from ovt.workflows.background.jobs import status

        return list(status(self._project).jobs)

    def changes(self) -> list[str]:
        """What `ovt commit` would record, and what it would run first."""
        from ovt.storage.git import git_of
        from ovt.workflows.committing.commit import committable
        from ovt.workflows.status import look

        files = committable(git_of(self._project.root), self._project, with_results=False)
        found = look(self._project)
        stale = [f"{stage} will run: {why}" for stage, why in found.stale.items() if why]
        return [*(f"{folder}/ changed" for folder in found.changed), *(f"{path} changed" for path in files), *stale]

    def run(self, progress: Progress, stop: threading.Event) -> Recorded:
        """`ovt run` in a process of its own."""
        return self._record(("run",), progress, stop)

    def commit(self, message: str, progress: Progress, stop: threading.Event) -> Recorded:
        """`ovt commit` in a process of its own."""
        return self._record(("commit", message), progress, stop)

    def _record(self, errand: tuple[str, ...], progress: Progress, stop: threading.Event) -> Recorded:
        from ovt.project import Project
        from ovt_tui.errands import Recorded, run_errand

        done = Recorded(**run_errand(self._project.root, errand, progress, stop))
        self._project = Project(self._project.root)  # what was read of schema and settings may be old now
        return done

    def fetch(self, spec: str, progress: Progress, stop: threading.Event) -> Fetched:
        """`ovt pull` in a process of its own, but nothing is put into the working tree."""
        from ovt_tui.errands import Fetched, run_errand

        done = Fetched(**run_errand(self._project.root, ("fetch", spec), progress, stop))
        self._resolved.pop(spec, None)
        return done

    def _known(self, commits: list[Version]) -> list[Version]:
        """Keep commits that have a report: theirs cannot change, so Git need not be asked about each again."""
        self._resolved.update({one.commit: one for one in commits if one.commit and one.state == "ready"})
        return commits
