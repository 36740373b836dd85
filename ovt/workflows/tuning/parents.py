"""Which model training starts from: `train.init` of `ovt.yaml`, looked up and written into `tuning.lock.yaml`.

`parent` is the model of the version before this one. As long as the working
tree has the inputs that HEAD has, that is the one HEAD was trained from, so
that neither a second `ovt run` nor the commit itself changes anything; as soon
as an input differs, it is HEAD's own model. Any other word is a revision; what
it meant when it was first looked up stays, since branches move.

Looked up by the commands that a person types, never by a stage.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ovt.errors import MissingError, ProjectError
from ovt.training.tuning.lock import LOCK_FILE, Lock, parse_lock, read_lock, write_lock

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.versions.key import Inputs
    from ovt.versions.source import Source

SCRATCH, PARENT = "scratch", "parent"
LOOKED_BACK = 50
"""Commits without a model that are passed over before it is given up."""


def keep_parent(project: Project, progress: Progress) -> bool:
    """Bring the parent in the lock up to date; True if the lock changed.

    Raises:
        UsageError: `train.init` is no revision.
        MissingError: that revision has no model.
        ProjectError: the working tree is to start from itself.
    """
    init = project.settings.train.init
    lock = read_lock(project.root)
    if init == SCRATCH:
        return lock is not None and lock.init is not None and _forget(project, lock)
    if lock is not None and lock.init == init != PARENT:
        return False
    parent = _parent(project) if init == PARENT else _model_of(project, init)
    known = lock or Lock(answers="", values={}, seed=project.settings.train.seed)
    if (known.parent, known.init) == (parent, init):
        return False
    write_lock(project.root, msgspec.structs.replace(known, parent=parent, init=init))
    progress.note(f"training starts from model {parent[:8]} ({init}): {LOCK_FILE}" if parent
                  else f"no earlier version has a model: training starts from scratch ({LOCK_FILE})")
    return True


def _forget(project: Project, lock: Lock) -> bool:
    fresh = msgspec.structs.replace(lock, parent=None, init=None)
    if not fresh.answers and not fresh.values:
        (project.root / LOCK_FILE).unlink()
    else:
        write_lock(project.root, fresh)
    return True


def _parent(project: Project) -> str | None:
    from ovt.storage.git import git_of
    from ovt.versions.artifacts import output_hashes
    from ovt.versions.history import history
    from ovt.versions.source import WorkspaceSource, source_of

    head = git_of(project.root).resolve("HEAD")
    if head is None:
        return None
    before = source_of(project, head)
    if _asked(WorkspaceSource(project)) == _asked(before):
        lock = _lock_in(before)
        return lock.parent if lock else None
    for version in history(project, limit=LOOKED_BACK):
        model = output_hashes(project, version).get("model") if version.report else None
        if model is not None:
            return model
    return None


def _model_of(project: Project, revision: str) -> str:
    from ovt.versions.artifacts import output_hashes
    from ovt.versions.history import resolve

    version = resolve(project, revision)
    if version.commit is None:
        raise ProjectError(f"training cannot start from `{revision}`", at="ovt.yaml",
                           why="the working tree is what is trained", fix="`train: {init: parent}`, or a commit")
    model = output_hashes(project, version).get("model")
    if model is None:
        raise MissingError(f"`{revision}` has no model to start from", at="ovt.yaml",
                           why="nothing was trained for its inputs, or it was not fetched", fix="train or fetch it",
                           command=f"ovt pull {revision}")
    return model


def _asked(source: Source) -> tuple[Inputs | None, Lock | None]:
    """All inputs but the parent itself."""
    from ovt.versions.key import inputs_of

    inputs, lock = inputs_of(source), _lock_in(source)
    if inputs is not None:
        inputs = replace(inputs, files={path: oid for path, oid in inputs.files.items() if path != LOCK_FILE})
    if lock is not None:
        lock = msgspec.structs.replace(lock, parent=None, init=None)
    return inputs, lock if lock != Lock(answers="", values={}, seed=lock.seed if lock else 0) else None


def _lock_in(source: Source) -> Lock | None:
    content = source.read(LOCK_FILE)
    return parse_lock(content.decode()) if content is not None else None
