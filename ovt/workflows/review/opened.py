"""A version that can be compared: its report read, its predictions found, those of further seeds with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.project import Project
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions
    from ovt.quality.slicediff import Side
    from ovt.versions.history import Version

WORKSPACE = "workspace"
PREDICTIONS = "build/predictions.parquet"


@dataclass(frozen=True)
class Opened:
    """A version whose report and predictions are here."""

    version: Version
    side: Side
    report: Mapping[str, Any]
    path: Path
    seeds: Mapping[int, Path]
    """Predictions of further seeds (`ovt.workflows.review.extra_seeds`)."""

    @cached_property
    def forms(self) -> dict[str, Form]:
        """How each of its tasks is scored; a select task counts like any other accuracy."""
        by_metric: dict[str, Form] = {"accuracy": "multiclass", "span_f1": "BIO", "f1_micro": "bitvector"}
        return {task: by_metric[about["primary"]] for task, about in self.report["tasks"].items()}

    @property
    def slices(self) -> frozenset[str]:
        """All its slices, whether they have a test record or not."""
        splits = [split for about in self.report["tasks"].values() for split in about["splits"].values()]
        return frozenset(name for split in splits for name in split["slices"])

    def predictions(self, tasks: set[str] | None = None) -> dict[str, GradedPredictions]:
        """Predictions on test of the tasks that have gold there, of all its seeds."""
        from ovt.quality.predictions import read_predictions
        from ovt.workflows.review.extra_seeds import with_kept_seeds

        forms = {task: form for task, form in self.forms.items() if tasks is None or task in tasks}
        parts = {task: part for task, part in read_predictions(self.path, forms).items() if part.graded.any()}
        return with_kept_seeds(parts, self.seeds, forms)


def open_version(project: Project, spec: str) -> Opened:
    """Open a version.

    Raises:
        UsageError: an unknown revision.
        MissingError: it has no model yet, or its predictions are not on this machine.
    """
    from ovt.quality.slicediff import Side
    from ovt.versions.artifacts import output_path, read_report
    from ovt.versions.history import resolve
    from ovt.workflows.review.extra_seeds import kept_seeds

    version = resolve(project, spec)
    report = read_report(project, version, "quality.json") if version.state == "ready" else None
    if report is None:
        raise _not_ready(version)
    side = Side(spec, version.commit, version.subject, report["model"], report["eval_set"])
    return Opened(version, side, report, output_path(project, version, PREDICTIONS), kept_seeds(project, version))


def _not_ready(version: Version) -> MissingError:
    if version.state == "pending":
        share = f"{100 * version.progress:.0f} % done" if version.progress is not None else "it is queued"
        return MissingError(f"`{version.spec}` is still being trained", at=version.spec, why=share, fix="wait for it",
                            command="ovt jobs wait")
    here = version.spec == WORKSPACE
    return MissingError(
        f"`{version.spec}` has no model yet", at=version.spec, why="nothing was trained for its inputs",
        fix="train it" if here else "check it out and train it",
        command="ovt run" if here else f"ovt run --rev {version.spec}",
    )
