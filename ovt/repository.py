"""The Python API: `import ovt; repo = ovt.open(".")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.project import Project

if TYPE_CHECKING:
    import pandas as pd

    from ovt.data.store import Store
    from ovt.quality.slicediff import Flip, SliceDiff
    from ovt.versions.history import Version
    from ovt.workflows.run import RunResult


def open_repository(path: str | Path = ".") -> Repository:
    """Open the project that `path` is in.

    Example:
        >>> import ovt
        >>> ovt.open("/nowhere")
        Traceback (most recent call last):
        ...
        ovt.errors.MissingError: not an ovt project
          at   /nowhere
          why  no ovt.yaml and no schema here or above
          fix  start one here, or name one with -C DIR
          try  ovt init

    Raises:
        MissingError: it is in no ovt project.
    """
    return Repository(Project.find(Path(path)))


class Repository:
    """A project, for notebooks and scripts; the same functions that the command line calls."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __repr__(self) -> str:
        return f"ovt.open({str(self.project.root)!r})"

    def run(self, *, force: bool = False) -> RunResult:
        """Bring labels, model and reports up to date."""
        from ovt.progress import Silent
        from ovt.workflows.run import run_all

        return run_all(Project(self.project.root), Silent(), force=force)

    def diff(self, a: str = "HEAD", b: str = "workspace") -> SliceDiff:
        """Compare two versions; `.to_pandas()` of the result is a table."""
        from ovt.workflows.compare import compare

        return compare(self.project, a, b)

    def flips(self, a: str, b: str, task: str, slice_name: str | None = None) -> list[Flip]:
        """The test items that one version gets right and the other wrong."""
        from ovt.workflows.compare import flips

        return flips(self.project, a, b, task, slice_name)

    def log(self, limit: int = 50) -> list[Version]:
        """The versions that lead to HEAD, newest first."""
        from ovt.versions.history import history

        return history(self.project, limit=limit)

    def quality(self, revision: str = "workspace") -> dict[str, Any] | None:
        """A version's `quality.json`; None if it has no model yet."""
        return self._report(revision, "quality.json")

    def sources(self, revision: str = "workspace") -> dict[str, Any] | None:
        """A version's `sources.json`: the label models chosen and a row per source."""
        return self._report(revision, "sources.json")

    def predictions(self, revision: str = "workspace") -> pd.DataFrame:
        """One row per task and record of dev and test; labels are lists over the record's items."""
        return self._frame(revision, "build/predictions.parquet")

    def tags(self, revision: str = "workspace") -> pd.DataFrame:
        """Each record's id, split and tags."""
        return self._frame(revision, "build/tags.parquet")

    def store(self) -> Store:
        """The workspace's row store."""
        from ovt.data.store import Store

        return Store.open(self.project.build / "store")

    def _report(self, revision: str, name: str) -> dict[str, Any] | None:
        from ovt.versions.artifacts import read_report
        from ovt.versions.history import resolve

        return read_report(self.project, resolve(self.project, revision), name)

    def _frame(self, revision: str, output: str) -> pd.DataFrame:
        import pandas as pd

        from ovt.versions.artifacts import output_path
        from ovt.versions.history import resolve

        return pd.read_parquet(output_path(self.project, resolve(self.project, revision), output))
