"""Two versions opened side by side: stores, votes, targets and predictions of both, read where they lie."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.functions.discover import Function
    from ovt.project import Project
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions
    from ovt.versions.history import Version
    from ovt.versions.source import Source

PREDICTIONS = "build/predictions.parquet"
CORRECTIONS = "supervision/corrections.jsonl"


@dataclass(frozen=True)
class Side:
    """One version with its results."""

    project: Project
    """Through which it is read; not necessarily at this version."""
    version: Version
    store: Store

    @cached_property
    def source(self) -> Source:
        """The files that it was made from."""
        from ovt.versions.source import source_of

        return source_of(self.project, self.version.commit)

    @cached_property
    def forms(self) -> dict[str, Form]:
        """How each task with gold is scored."""
        from ovt.versions.artifacts import read_report

        report: Mapping[str, Any] = read_report(self.project, self.version, "quality.json") or {"tasks": {}}
        by_metric: dict[str, Form] = {"accuracy": "multiclass", "span_f1": "BIO", "f1_micro": "bitvector"}
        return {task: by_metric[about["primary"]] for task, about in report["tasks"].items()}

    @cached_property
    def predictions(self) -> dict[str, GradedPredictions]:
        """Predictions on test of its first seed, by task.

        Raises:
            MissingError: they are not on this machine.
        """
        return self.predictions_in(self.path(PREDICTIONS))

    def predictions_in(self, path: Path) -> dict[str, GradedPredictions]:
        """Predictions on test in a file that another training of the same tasks wrote."""
        from ovt.quality.predictions import read_predictions

        return read_predictions(path, self.forms)

    def votes(self, task: str) -> Votes:
        """All that the label model saw; no votes where the version has no such task.

        Raises:
            MissingError: they are not on this machine.
        """
        from ovt.data.votes import Votes
        from ovt.storage.files import safe_name

        if task not in self.store.schema.tasks:
            return Votes.empty(0)
        return Votes.load(self.path(f"build/labels/{safe_name(task)}.votes.arrow"), self.store.n_items(task))

    def path(self, output: str) -> Path:
        """The readable file of one output.

        Raises:
            MissingError: it is not on this machine.
        """
        from ovt.versions.artifacts import output_path

        return output_path(self.project, self.version, output)

    def files(self, folder: str) -> dict[str, Path]:
        """The readable files of an output folder, by path below it.

        Raises:
            MissingError: they are not on this machine.
        """
        from ovt.versions.artifacts import output_files

        if self.version.report == "workspace":
            top = self.project.root / folder
            return {path.relative_to(top).as_posix(): path for path in sorted(top.rglob("*")) if path.is_file()}
        return output_files(self.project, self.version, folder)

    @contextmanager
    def linked(self, folder: str) -> Iterator[Path]:
        """An output folder with its files under their names, wherever they lie; gone at the end.

        Raises:
            MissingError: they are not on this machine.
        """
        from ovt.storage.files import scratch_folder

        if self.version.report == "workspace":
            yield self.project.root / folder
            return
        with scratch_folder(self.project.private / "scratch", "linked") as place:
            for name, path in self.files(folder).items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).symlink_to(path.resolve())
            yield place

    @cached_property
    def tuning_lock(self) -> bytes | None:
        """The tuned values that it was trained with: a search that its run had to do is kept with the run."""
        from ovt.stages.pipeline import TUNING_LOCK
        from ovt.versions.artifacts import version_file

        return version_file(self.project, self.version, TUNING_LOCK) or self.source.read(TUNING_LOCK)

    @cached_property
    def corrections(self) -> bytes | None:
        """The corrections that are the targets of their items whatever sources say; None if there are none.

        Raises:
            MissingError: the version has some, and they are not on this machine.
        """
        from ovt.errors import MissingError
        from ovt.storage.fingerprint import pointer_hash
        from ovt.storage.objects import listing, object_path

        folder, _, name = CORRECTIONS.partition("/")
        pointer = self.source.read(f"{folder}.dvc")
        if self.version.commit is None or pointer is None:
            return self.source.read(CORRECTIONS)
        digest = pointer_hash(pointer, f"{folder}.dvc")
        files = listing(self.project, digest) if digest else {}
        path = object_path(self.project, files[name]) if files and name in files else None
        if files is None or (path is not None and not path.is_file()):
            raise MissingError(f"`{folder}/` of `{self.version.spec}` is not on this machine", at=f"{folder}.dvc",
                               why="DVC's cache does not have it", fix="fetch it",
                               command=f"ovt pull {self.version.spec}")
        return path.read_bytes() if path is not None else None

    @cached_property
    def hashes(self) -> dict[str, str]:
        """DVC's hash of each output."""
        from ovt.versions.artifacts import output_hashes

        return output_hashes(self.project, self.version)

    @contextmanager
    def functions(self) -> Iterator[tuple[Project, list[Function]]]:
        """The labeling functions as this version defines them, and the project that they belong to.

        A commit's are read in a detached worktree that shares the caches and is gone afterwards.

        Raises:
            ProjectError: a file of theirs cannot be imported here.
        """
        from ovt.functions.discover import discover
        from ovt.workflows.background.worktrees import detached_worktree

        if self.version.commit is None:
            yield self.project, discover(self.project, "labeling")
            return
        with detached_worktree(self.project, self.version.commit) as there:
            yield there, discover(there, "labeling")


@contextmanager
def opened_sides(project: Project, a: str, b: str) -> Iterator[tuple[Side, Side]]:
    """Open two versions.

    Raises:
        UsageError: an unknown revision.
        MissingError: a side has no model yet, or its results are not on this machine.
    """
    from ovt.versions.artifacts import output_path
    from ovt.versions.history import resolve
    from ovt.workflows.review.votes import opened_store

    before, after = resolve(project, a), resolve(project, b)
    for version in (before, after):
        output_path(project, version, PREDICTIONS)
    with opened_store(project, before) as old, opened_store(project, after) as new:
        yield Side(project, before, old), Side(project, after, new)
