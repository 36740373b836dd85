"""The Python API: `import ovt; repo = ovt.open(".")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.project import Project

if TYPE_CHECKING:
    import pandas as pd

    from ovt.data.store import Store
    from ovt.quality.slicediff import Flip, SliceDiff
    from ovt.serving.model import Model
    from ovt.training.opened import OpenedModel
    from ovt.versions.history import Version
    from ovt.workflows.run import RunResult

QUALITY_COLUMNS = ("task", "split", "kind", "subset", "n", "items", "metric", "value", "low", "high", "primary",
                   "better")
"""Of the table that `Repository.quality` gives."""


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
        from ovt.workflows.review.compare import compare

        return compare(self.project, a, b)

    def flips(self, a: str, b: str, task: str, slice_name: str | None = None) -> list[Flip]:
        """The test items that one version gets right and the other wrong."""
        from ovt.workflows.review.compare import flips

        return flips(self.project, a, b, task, slice_name)

    def log(self, limit: int = 50) -> list[Version]:
        """The versions that lead to HEAD, newest first."""
        from ovt.versions.history import history

        return history(self.project, limit=limit)

    def quality(self, revision: str = "workspace", where: str | None = None) -> pd.DataFrame:
        """A version's metrics, one per row.

        Args:
            revision: a Git revision, or `workspace`.
            where: measure this subset alone: `nutrition & date:2019-09`, with `& | !` and brackets over slices and
                tags. Without it: all records, every slice and every tag of the report.

        Returns:
            Columns `task` (`(all tasks)` for exact match over all of a record), `split`, `kind` (`overall`, `slice`,
            `tag`, `where`), `subset` (empty for all records), `n` (records with gold), `items`, `metric`, `value`,
            `low`, `high` (the ends of a 95 % interval), `primary` (whether verdicts are made on it), `better`
            (`higher` or `lower`). Subsets without gold have no rows.

        Raises:
            MissingError: the version has no model, or its predictions are not on this machine.
            UsageError: the expression names no slice and no tag.
        """
        import pandas as pd

        from ovt.versions.history import resolve
        from ovt.workflows.review.quality import Asked, measured, quality_rows, read_quality

        version = resolve(self.project, revision)
        report = read_quality(self.project, version) if where is None else (
            measured(self.project, version, Asked(where)))
        return pd.DataFrame(quality_rows(report), columns=list(QUALITY_COLUMNS))

    def report(self, revision: str = "workspace") -> dict[str, Any] | None:
        """A version's `quality.json` as it is; None if it has no model yet."""
        return self._report(revision, "quality.json")

    def sources(self, revision: str = "workspace") -> dict[str, Any] | None:
        """A version's `sources.json`: the label models chosen and a row per source."""
        return self._report(revision, "sources.json")

    def predictions(self, revision: str = "workspace") -> pd.DataFrame:
        """What the version says about dev and test, beside the gold.

        Returns:
            One row per task and record, sorted by task, split and id. Columns `task`, `id`, `split`, `slices` and
            `tags` (lists of names), and lists over the record's items (one, or its tokens or members): `gold` (None:
            no gold), `predicted`, `confidence` (probability of what was predicted), `gold_probability`. A bitvector
            label is JSON of its sorted names, a select label a position. A version of several seeds has more columns.

        Raises:
            MissingError: the version has no model, or its predictions are not on this machine.
        """
        return self._frame(revision, "build/predictions.parquet")

    def tags(self, revision: str = "workspace") -> pd.DataFrame:
        """The records of a version.

        Returns:
            One row per record, in the order of the store: `id`, `split` (train, dev, test), `tags` (a sorted list of
            names, without the split).

        Raises:
            MissingError: the version was not compiled, or the table is not on this machine.
        """
        return self._frame(revision, "build/tags.parquet")

    def load(self, revision: str | None = None) -> Model:
        """A version's model, ready to predict: `repo.load("HEAD").predict(records)`; exported the first time.

        Args:
            revision: a Git revision, or `workspace`; by default the workspace if it has a model, else HEAD.

        Raises:
            MissingError: the version has no model, or it is not on this machine.
        """
        from ovt.progress import Silent
        from ovt.serving.loading import load
        from ovt.workflows.review.network import model_version
        from ovt.workflows.shipping.export import cached_bundle

        return load(cached_bundle(self.project, model_version(self.project, revision), Silent()))

    def model(self, revision: str | None = None) -> OpenedModel:
        """A version's model as torch modules: `.network`, `.embeddings["tokens"]`, `.represent(records)["query"]`.

        Args:
            revision: a Git revision, or `workspace`; by default the workspace if it has a model, else HEAD.

        Raises:
            MissingError: the version has no model, or it is not on this machine.
        """
        from ovt.workflows.review.network import open_model

        return open_model(self.project, revision)

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
