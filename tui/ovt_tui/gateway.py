"""The one door to data: everything the app shows comes through a `Gateway`, so that tests can open another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ovt_tui.records import find_record

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.quality.slicediff import Flip, SliceDiff, SourceVote
    from ovt.schema.spec import Schema
    from ovt.versions.history import Version

WORKSPACE = "workspace"


class Gateway(Protocol):
    """What the app asks for.

    Every method may be slow and may raise an `OvtError`; none is called on the app's own thread.
    """

    def compare(self, a: str, b: str) -> SliceDiff:
        """Two versions, slice by slice: the value that `ovt diff` prints."""

    def flips(self, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
        """The items of a slice that one version gets right and the other wrong."""

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> list[SourceVote]:
        """What each source says about an item in a version."""

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


class ProjectGateway:
    """The gateway to a real project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._resolved: dict[str, Version] = {}

    def compare(self, a: str, b: str) -> SliceDiff:
        """Two versions, slice by slice."""
        from ovt.workflows.compare import compare

        return compare(self._project, a, b)

    def flips(self, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
        """The flips of a slice."""
        from ovt.workflows.compare import flips

        return flips(self._project, a, b, task, slice_)

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> list[SourceVote]:
        """What each source says about an item."""
        from ovt.workflows.compare import votes_on

        return votes_on(self._project, spec, task, record_id, position)

    def record(self, record_id: str) -> dict[str, Any] | None:
        """The record from the data of the working tree.

        An older version's data may lie in DVC's cache alone; reading it would
        mean to restore a whole folder for one record.
        """
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

    def _known(self, commits: list[Version]) -> list[Version]:
        """Keep commits that have a report: theirs cannot change, so Git need not be asked about each again."""
        self._resolved.update({one.commit: one for one in commits if one.commit and one.state == "ready"})
        return commits
