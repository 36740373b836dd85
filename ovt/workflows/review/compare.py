"""Two versions side by side: the comparison, its flips, and which versions are meant when none is named.

A comparison is kept in the cache under what it was made of (both files of
predictions, those of further seeds, and the policy), so that the second look
costs no arithmetic. Where the test set or a slice changed between the versions
the base is run again on the new one (`ovt.workflows.review.remeasure`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ovt.errors import MissingError, OvtError, UsageError
from ovt.progress import Silent
from ovt.workflows.review.by_reports import compare_by_reports
from ovt.workflows.review.confirm import confirm
from ovt.workflows.review.opened import PREDICTIONS, WORKSPACE, Opened, open_version
from ovt.workflows.review.remeasure import Fetching, can_help, not_told, remeasure, told
from ovt.workflows.review.votes import votes_on

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.predictions import GradedPredictions
    from ovt.quality.slicediff import Flip, SliceDiff

__all__ = ["PREDICTIONS", "compare", "confirm", "default_sides", "flips", "votes_on"]

HEAD = "HEAD"
FORMAT = "diffs/2"
"""Part of every cache key: raise it when the same inputs would give another comparison."""
ONE_SEED = ("each version was trained once: how much a metric moves when only the seed changes is not known, and a "
            "regression may be no more than that (`--confirm` tells, or `train.replicates`)")


def compare(
    project: Project, a: str, b: str, *, progress: Progress | None = None, fetch: bool = True,
) -> SliceDiff:
    """Compare version B with version A, slice by slice, on the test records.

    Args:
        project: the project.
        a: the older version.
        b: the newer one, whose test set and slices count.
        progress: hears when the older model is run again on a test set that changed.
        fetch: whether what that needs may be fetched from the remote.

    Raises:
        UsageError: an unknown revision.
        MissingError: a side has no model yet. Where its predictions are not on this machine, the reports are compared.
    """
    from ovt.quality.policy.thresholds import Policy

    try:
        before, after = open_version(project, a), open_version(project, b)
    except MissingError:
        found = compare_by_reports(project, a, b)
        if found is None:
            raise
        return found
    policy = Policy.of(project.settings.check)
    kept = project.cache / "diffs" / f"{_key(before, after, policy)}.json"
    diff = _load(kept)
    if diff is None:
        diff, whole = _computed(project, (before, after), policy, Fetching(progress or Silent(), fetch))
        if whole:
            _keep(kept, diff)
    one_seed = all(row.seeds == (1, 1) for row in diff.rows)
    return replace(diff, a=before.side, b=after.side, notes=(*diff.notes, *([ONE_SEED] if one_seed else [])))


def flips(project: Project, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
    """The test items of a slice (None: all) that one version gets right and the other wrong.

    Raises:
        UsageError: neither version has the task.
        MissingError: as for `compare`.
    """
    from ovt.errors import nearest
    from ovt.quality.flips import list_flips

    before, after = open_version(project, a), open_version(project, b)
    known = {*before.forms, *after.forms}
    if task not in known:
        raise UsageError(f"no task `{task}` with gold", why=nearest(task, known), command=f"ovt diff {a} {b}")
    old, new = _old_answers(project, before, after, task), after.predictions({task}).get(task)
    return list_flips(old, new, slice_) if old is not None and new is not None else []


def _old_answers(project: Project, before: Opened, after: Opened, task: str) -> GradedPredictions | None:
    """The base's answers: on the newer exam if it was run there, since that is what the comparison is about."""
    from ovt.workflows.review.remeasure import known_answers

    again = known_answers(project, before, after)
    return again[task] if task in again else before.predictions({task}).get(task)


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


def _computed(
    project: Project, sides: tuple[Opened, Opened], policy: Policy, fetching: Fetching,
) -> tuple[SliceDiff, bool]:
    """The comparison, and whether it is all that can be said (else the next look tries again)."""
    from ovt.quality.compare import Measured, compare_versions

    before, after = sides
    old, new = before.predictions(), Measured(after.side, after.predictions(), after.slices)
    first = compare_versions(Measured(before.side, old, before.slices), new, policy)
    if not can_help(first, after):
        return first, True
    try:
        again = remeasure(project, before, after, fetching)
    except OvtError as error:
        return not_told(first, error), False
    # A slice that only the base has stays open: nobody says any more who its members are.
    base = Measured(before.side, {**old, **again.parts}, before.slices | after.slices)
    return told(compare_versions(base, new, policy), first, again.notes), True


def _key(before: Opened, after: Opened, policy: Policy) -> str:
    digest = hashlib.sha256(repr((FORMAT, policy)).encode())
    for opened in (before, after):
        about = (opened.side.name, opened.side.model, opened.side.eval_set, opened.forms, sorted(opened.slices))
        digest.update(repr(about).encode())
        for path in (opened.path, *opened.seeds.values()):
            with path.open("rb") as file:
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
