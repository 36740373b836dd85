"""Which file is merged how: the kinds, the patterns of `.gitattributes`, and one function for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import UsageError, nearest
from ovt.storage.git import git_of
from ovt.versions.merging.conflict import Conflict, Merged
from ovt.versions.merging.folders import merge_pointer
from ovt.versions.merging.results import merge_pins, merge_report, merge_tuning
from ovt.versions.merging.rows import merge_rows
from ovt.versions.merging.stages import merge_lock, merge_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.project import Project
    from ovt.versions.merging.conflict import Side

RECORDS = ("data", "supervision", "tags", "examples")


@dataclass(frozen=True)
class Versions:
    """Three versions of one file."""

    path: str
    """Relative to the project."""
    base: bytes
    ours: bytes
    theirs: bytes

    @property
    def contents(self) -> tuple[bytes, bytes, bytes]:
        """Before, here, there."""
        return self.base, self.ours, self.theirs


def merge(kind: str, project: Project, versions: Versions, prefer: Side | None = None) -> Merged:
    """Merge one file.

    Raises:
        UsageError: no such kind.
        MissingError: a needed object is not in DVC's cache.
        ProjectError: a version of the file cannot be understood.
    """
    driver = DRIVERS.get(kind)
    if driver is None:
        raise UsageError(f"no merge driver `{kind}`", why=nearest(kind, DRIVERS))
    return driver(project, versions, prefer)


def kind_of(path: str) -> str | None:
    """The driver for a file, by its path relative to the project; None if Git's own way is right."""
    named = {"dvc.lock": "lock", "dvc.yaml": "pipeline", "tuning.lock.yaml": "tuning",
             "labelers/predictions.lock": "pins", **{f"{name}.dvc": "pointer" for name in RECORDS[:3]}}
    if path in named:
        return named[path]
    folder, _, name = path.partition("/")
    if folder == "reports" and name.endswith(".json"):
        return "report"
    return "records" if folder in RECORDS and name.endswith((".jsonl", ".ndjson")) else None


def is_derived(path: str) -> bool:
    """Whether `ovt run` makes the file: nobody needs to look at a conflict in it."""
    return kind_of(path) in {"lock", "report", "pipeline"}


def attributes() -> tuple[str, ...]:
    """The lines of `.gitattributes`, relative to the project."""
    return (
        "/dvc.lock merge=ovt-lock", "/dvc.yaml merge=ovt-pipeline", "/reports/*.json merge=ovt-report",
        "/tuning.lock.yaml merge=ovt-tuning", "/labelers/predictions.lock merge=ovt-pins",
        *(f"/{name}.dvc merge=ovt-pointer" for name in RECORDS[:3]),
        *(f"/{name}/**/*.jsonl merge=ovt-records" for name in RECORDS),
    )


def _records(project: Project, versions: Versions, prefer: Side | None) -> Merged:
    del project
    pieces: list[bytes] = []
    conflicts = merge_rows(*versions.contents, pieces.append, prefer)
    return Merged(b"".join(pieces), tuple(conflicts))


def _pins(project: Project, versions: Versions, prefer: Side | None) -> Merged:
    git = git_of(project.root)

    def is_ancestor(first: str, second: str) -> bool:
        return git.attempt("merge-base", "--is-ancestor", first, second).returncode == 0

    return merge_pins(*versions.contents, prefer, is_ancestor)


DRIVERS: dict[str, Callable[[Project, Versions, Side | None], Merged]] = {
    "lock": lambda _, versions, __: merge_lock(*versions.contents),
    "pipeline": lambda _, versions, prefer: merge_pipeline(*versions.contents, prefer),
    "report": lambda _, versions, __: merge_report(*versions.contents),
    "records": _records,
    "pointer": lambda project, versions, prefer: merge_pointer(project, versions.path, versions.contents, prefer),
    "tuning": lambda _, versions, prefer: merge_tuning(*versions.contents, prefer),
    "pins": _pins,
}
PURPOSES = {
    "lock": "stages of dvc.lock", "pipeline": "stages of dvc.yaml", "report": "reports that ovt makes",
    "records": "records and labels", "pointer": "folders that DVC tracks", "tuning": "results of a search",
    "pins": "models that functions use",
}
"""What Git calls each driver in its configuration."""

__all__ = ["DRIVERS", "PURPOSES", "Conflict", "Merged", "Versions", "attributes", "is_derived", "kind_of", "merge"]
