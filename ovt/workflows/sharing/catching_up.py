"""Bulk folders that lie at an earlier version than their `.dvc` files name: brought forward, never added again.

`git pull`, `git merge` and `git rebase` move `data.dvc` and leave `data/` as
it was. To add the folder as it lies would take back what the others did. So
ovt remembers at which version a folder was last in step; one that nobody
touched since is brought to the new version, one that has changes of its own
is merged with it, by record.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError
from ovt.storage.files import write_bytes, write_json
from ovt.storage.fingerprint import fingerprint, pointer_hash, tracked_hash
from ovt.storage.git import git_of
from ovt.storage.objects import complete
from ovt.versions.key import BULK

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project

STATE_FILE = "in_step.json"
LOOKED_BACK = 50
"""Commits of a `.dvc` file that are looked through where nothing is remembered (a project of an older ovt)."""


def catch_up(project: Project, progress: Progress) -> tuple[str, ...]:
    """Bring folders forward to what their `.dvc` files name; the names of those that were.

    Raises:
        MissingError: the version that is named is not on this machine.
    """
    moved = []
    for name in BULK:
        here, named = _hashes(project, name)
        if here is None or named is None or here == named:
            continue
        base = _base(project, name, here, named)
        if base == named or base is None:
            continue  # changes on top of what is named: they are added
        if not complete(project, named):
            raise MissingError(f"`{name}/` lies at an earlier version", at=f"{name}.dvc",
                               why="the version that is named there is not in DVC's cache", fix="fetch it",
                               command="ovt pull")
        _bring(project, name, base, here, progress)
        moved.append(name)
    remember(project)
    return tuple(moved)


def lags(project: Project, name: str) -> bool:
    """Whether a folder lies untouched at an earlier version than its `.dvc` file names."""
    here, named = _hashes(project, name)
    return here is not None and named not in {None, here} and _base(project, name, here, str(named)) == here


def remember(project: Project) -> None:
    """Keep, for folders that are in step with their `.dvc` file, at which version they are."""
    known = _state(project)
    fresh = dict(known)
    for name in BULK:
        here, named = _hashes(project, name)
        if here is not None and here == named:
            fresh[name] = here
    if fresh != known:
        write_json(project.private / STATE_FILE, fresh)


def _hashes(project: Project, name: str) -> tuple[str | None, str | None]:
    named = tracked_hash(project.root / f"{name}.dvc")
    return (fingerprint(project, project.root / name) if named else None), named


def _state(project: Project) -> dict[str, str]:
    try:
        value: Any = json.loads((project.private / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in value.items()} if isinstance(value, dict) else {}


def _base(project: Project, name: str, here: str, named: str) -> str | None:
    """The version that a folder's content goes back to; None if that cannot be told."""
    known = _state(project).get(name)
    if known is not None:
        return known
    git = git_of(project.root)
    path = f"{name}.dvc"
    done = git.attempt("log", f"--max-count={LOOKED_BACK}", "--format=%H", "HEAD", "--", path)
    for commit in done.stdout.decode().split():
        content = git.read(f"{commit}:{git.layout.prefix}{path}")
        if content is not None and pointer_hash(content, path) == here:
            return here
    return named


def _bring(project: Project, name: str, base: str, here: str, progress: Progress) -> None:
    """Each step can be repeated: a process that is killed in between leaves nothing that the next one does not mend."""
    from ovt.storage import dvc
    from ovt.versions.merging.folders import keep_folder, merge_pointer, pointing_to

    pointer = project.root / f"{name}.dvc"
    if here != base:
        theirs = pointer.read_bytes()
        before, ours = (pointing_to(theirs, digest, 0, 0) for digest in (base, keep_folder(project, name)))
        merged = merge_pointer(project, pointer.name, (before, ours, theirs), None)
        write_bytes(pointer, merged.content)
        dvc.checkout(project, [name])
        for conflict in merged.conflicts:
            progress.note(f"{name}/: yours stands: {conflict}")
        progress.note(f"{name}/: your changes are merged into the version that {pointer.name} names")
        return
    dvc.checkout(project, [name])
    progress.note(f"{name}/: brought to the version that {pointer.name} names")
