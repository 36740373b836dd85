"""Two versions side by side: the comparison, its flips, and which versions are meant when none is named.

A comparison is kept in the cache under what it was made of (both files of
predictions and the policy), so that the second look costs no arithmetic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError
from ovt.workflows.votes import votes_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.project import Project
    from ovt.quality.metrics import Form
    from ovt.quality.policy import Policy
    from ovt.quality.predictions import GradedPredictions
    from ovt.quality.slicediff import Flip, Side, SliceDiff
    from ovt.versions.history import Version

__all__ = ["compare", "default_sides", "flips", "votes_on"]

WORKSPACE = "workspace"
HEAD = "HEAD"
PREDICTIONS = "build/predictions.parquet"
FORMAT = "diffs/1"
"""Part of every cache key: raise it when the same inputs would give another comparison."""
ONE_SEED = ("each version was trained once: how much a metric moves when only the seed changes is not known "
            "(`train.replicates`)")


def compare(project: Project, a: str, b: str) -> SliceDiff:
    """Compare version B with version A, slice by slice, on the test records.

    Raises:
        UsageError: an unknown revision.
        MissingError: a side has no model yet, or its predictions are not on this machine.
    """
    from ovt.quality.policy import Policy

    before, after = _open(project, a), _open(project, b)
    policy = Policy.of(project.settings.check)
    kept = project.cache / "diffs" / f"{_key(before, after, policy)}.json"
    diff = _load(kept)
    if diff is None:
        diff = _computed(before, after, policy)
        _keep(kept, diff)
    notes = (*diff.notes, *([ONE_SEED] if project.settings.train.replicates == 1 else []))
    return replace(diff, a=before.side, b=after.side, notes=notes)


def flips(project: Project, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
    """The test items of a slice (None: all) that one version gets right and the other wrong.

    Raises:
        UsageError: neither version has the task.
        MissingError: as for `compare`.
    """
    from ovt.errors import nearest
    from ovt.quality.flips import list_flips

    before, after = _open(project, a), _open(project, b)
    known = {*before.forms, *after.forms}
    if task not in known:
        raise UsageError(f"no task `{task}` with gold", why=nearest(task, known), command=f"ovt diff {a} {b}")
    old, new = before.predictions({task}).get(task), after.predictions({task}).get(task)
    return list_flips(old, new, slice_) if old is not None and new is not None else []


def default_sides(project: Project, a: str | None, b: str | None) -> tuple[str, str]:
    """The versions that `ovt diff [A [B]]` means.

    B is the workspace where it has results that HEAD has not, else HEAD. A is
    HEAD where the workspace differs from it, else the commit before. `A..B`
    names both; `A...B` compares B with where it left A.

    Raises:
        UsageError: there is nothing before the first commit.
    """
    if a is not None and b is None and ".." in a:
        return _range(project, a)
    if a is not None and b is not None:
        return a, b
    b = b or _latest(project)
    return a or _before(project, b), b


@dataclass(frozen=True)
class _Opened:
    """A version whose report and predictions are here."""

    side: Side
    report: Mapping[str, Any]
    path: Path

    @property
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
        """Predictions on test of the tasks that have gold there."""
        from ovt.quality.predictions import read_predictions

        forms = {task: form for task, form in self.forms.items() if tasks is None or task in tasks}
        return {task: part for task, part in read_predictions(self.path, forms).items() if part.graded.any()}


def _open(project: Project, spec: str) -> _Opened:
    from ovt.quality.slicediff import Side
    from ovt.versions.artifacts import output_path, read_report
    from ovt.versions.history import resolve

    version = resolve(project, spec)
    report = read_report(project, version, "quality.json") if version.state == "ready" else None
    if report is None:
        raise _not_ready(version)
    side = Side(spec, version.commit, version.subject, report["model"], report["eval_set"])
    return _Opened(side, report, output_path(project, version, PREDICTIONS))


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


def _computed(before: _Opened, after: _Opened, policy: Policy) -> SliceDiff:
    from ovt.quality.compare import Measured, compare_versions

    a, b = (Measured(opened.side, opened.predictions(), opened.slices) for opened in (before, after))
    return compare_versions(a, b, policy)


def _key(before: _Opened, after: _Opened, policy: Policy) -> str:
    digest = hashlib.sha256(repr((FORMAT, policy)).encode())
    for opened in (before, after):
        about = (opened.side.name, opened.side.model, opened.side.eval_set, opened.forms, sorted(opened.slices))
        digest.update(repr(about).encode())
        with opened.path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _load(path: Path) -> SliceDiff | None:
    import msgspec

    from ovt.quality.slicediff import SliceDiff

    try:
        return msgspec.json.decode(path.read_bytes(), type=SliceDiff)
    except (OSError, msgspec.DecodeError):
        return None


def _keep(path: Path, diff: SliceDiff) -> None:
    import msgspec

    from ovt.storage.files import write_bytes

    try:
        write_bytes(path, msgspec.json.encode(diff))
    except OSError:
        return  # a read-only folder: computed again next time


def _latest(project: Project) -> str:
    """The workspace if it has results that HEAD does not have, else HEAD."""
    from ovt.versions.history import resolve

    here = resolve(project, WORKSPACE)
    if here.state != "ready":
        return HEAD
    head = resolve(project, HEAD)
    return HEAD if head.state == "ready" and head.key == here.key else WORKSPACE


def _before(project: Project, spec: str) -> str:
    """The version that one compares a version with."""
    from ovt.storage.git import git_of
    from ovt.versions.history import resolve

    if spec == WORKSPACE:
        if resolve(project, HEAD).key != resolve(project, WORKSPACE).key:
            return HEAD
        spec = HEAD
    if git_of(project.root).resolve(f"{spec}~1") is None:
        raise UsageError(f"there is nothing before `{spec}` to compare with", why="it is the first commit",
                         fix="change something and commit it", command="ovt show")
    return f"{spec}~1"


def _range(project: Project, text: str) -> tuple[str, str]:
    from ovt.storage.git import git_of

    left, dots, right = text.partition("...") if "..." in text else text.partition("..")
    left, right = left or HEAD, right or HEAD
    if dots == "..":
        return left, right
    git = git_of(project.root)
    done = git.attempt("merge-base", "--end-of-options", left, right)
    if done.returncode:
        raise UsageError(f"`{left}` and `{right}` have no common ancestor", at=text,
                         fix="name two versions of one history", command="ovt log")
    return done.stdout.decode().strip(), right
