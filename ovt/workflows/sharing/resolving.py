"""`ovt resolve`: what a merge left in conflict, merged as the drivers would have done it.

For repositories where the drivers are not set up, for conflicts that a driver
left to a person (`--ours`, `--theirs`), and before every run: a lock or a
report in conflict is nobody's decision.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import OvtError, ProjectError
from ovt.schema.parse import SCHEMA_FILES
from ovt.settings import SETTINGS_FILE
from ovt.storage.files import write_bytes
from ovt.storage.git import git_of
from ovt.versions.key import BULK, CODE_FOLDERS
from ovt.versions.merging.drivers import Conflict, Versions, is_derived, kind_of, merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.storage.git import Git
    from ovt.versions.merging.conflict import Side

BASE, OURS, THEIRS = 1, 2, 3
"""Stages of Git's index."""


@dataclass(frozen=True)
class Resolved:
    """What `ovt resolve` did."""

    merged: tuple[str, ...]
    """Files that are merged now, and staged."""
    undecided: Mapping[str, tuple[Conflict, ...]]
    """Files in which both sides changed the same thing, with what a person has to decide."""
    others: tuple[str, ...]
    """Files in conflict that are the user's own: code, schema, settings."""
    problems: tuple[OvtError, ...] = ()
    """Why a file could not be merged."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.undecided and not self.others and not self.problems


def resolve_conflicts(
    project: Project, progress: Progress, *, prefer: Side | None = None, derived_only: bool = False,
) -> Resolved:
    """Merge and stage what Git has as unmerged and ovt knows how to merge.

    Args:
        project: whose files.
        progress: hears what was decided.
        prefer: whose word stands where both sides changed the same thing; None: those files stay in conflict.
        derived_only: only what `ovt run` makes.

    Raises:
        GitError: the index cannot be written.
    """
    git = git_of(project.root)
    merged, others, problems = [], [], []
    undecided: dict[str, tuple[Conflict, ...]] = {}
    for path, stages in sorted(unmerged(git).items()):
        kind = kind_of(path)
        if kind is None or (derived_only and not is_derived(path)):
            others.append(path)
            continue
        try:
            found = _merge(project, kind, path, stages, prefer)
        except OvtError as error:
            problems.append(error)
            continue
        if found is None:
            others.append(path)
            continue
        write_bytes(project.root / path, found[0])
        for note in found[2]:
            progress.note(note)
        if found[1]:
            undecided[path] = found[1]
        else:
            git.run("add", "--", path)
            merged.append(path)
    return Resolved(tuple(merged), undecided, tuple(others), tuple(problems))


def settle(project: Project, progress: Progress) -> tuple[str, ...]:
    """Before a run: merge what it makes anyway, and refuse to run on inputs that are in conflict; what was merged.

    Raises:
        ProjectError: an input is in conflict.
    """
    git = git_of(project.root)
    if not unmerged(git):
        return ()
    found = resolve_conflicts(project, progress)
    if found.problems:
        raise found.problems[0]
    if found.undecided:
        path, conflicts = next(iter(found.undecided.items()))
        raise ProjectError(
            f"`{path}` is in conflict", at=path, why="\n".join(str(conflict) for conflict in conflicts[:10]),
            fix="take one side, or change the files and add them", command="ovt resolve --theirs   (or --ours)")
    inputs = [path for path in sorted(found.others, key=SETTINGS_FILE.__ne__) if _is_input(project, path)]
    if inputs:
        raise ProjectError(f"{len(inputs)} input{'s are' if len(inputs) > 1 else ' is'} in conflict",
                           at=", ".join(inputs[:5]), why="both branches changed them", fix="edit and stage them",
                           command=f"git add {inputs[0]}")
    return found.merged


def unmerged(git: Git) -> dict[str, dict[int, str]]:
    """Files that Git has as unmerged, with the id of each version, by path relative to the project."""
    out = git.run("ls-files", "--unmerged", "-z", "--", ".")
    found: dict[str, dict[int, str]] = {}
    for line in out.split(b"\0"):
        if line:
            head, _, path = line.partition(b"\t")
            _, oid, stage = head.decode().split(" ")
            found.setdefault(os.fsdecode(path), {})[int(stage)] = oid
    return found


def _merge(
    project: Project, kind: str, path: str, stages: Mapping[int, str], prefer: Side | None,
) -> tuple[bytes, tuple[Conflict, ...], tuple[str, ...]] | None:
    """Content, conflicts and notes; None where one side removed the file and that is not ovt's to decide."""
    git = git_of(project.root)
    base, ours, theirs = (
        (git.read(stages[stage]) or b"") if stage in stages else b"" for stage in (BASE, OURS, THEIRS)
    )
    if OURS not in stages or THEIRS not in stages:
        return (ours or theirs, (), ()) if is_derived(path) else None
    found = merge(kind, project, Versions(path, base, ours, theirs), prefer)
    return found.content, found.conflicts, found.notes


def _is_input(project: Project, path: str) -> bool:
    if path in {*SCHEMA_FILES, SETTINGS_FILE, "tuning.yaml"} or kind_of(path) is not None:
        return True
    folders = (*CODE_FOLDERS, *BULK, *(item.rstrip("/") for item in project.settings.code))
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
