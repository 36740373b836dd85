"""Data and model follow a checkout: files that are clean here are linked from the local DVC cache.

Per file, as Git carries changes over a checkout: what both revisions have
alike stays as it is; what was changed, added or removed here stays and is
named; the rest becomes what the new revision says. Nothing is downloaded,
nothing is taken from a place that could be the only copy, no code of the
repository is run, and a path that a revision names is followed only below the
folders that are ovt's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.stages.pipeline import parse_lock
from ovt.storage.cachelinks import Linker
from ovt.storage.fingerprint import folder_md5, pointer_hash, prints_of
from ovt.storage.git import git_of
from ovt.storage.lock import try_lock
from ovt.storage.objects import complete, listing, object_path
from ovt.versions.key import BULK, LOCK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project

INDEX = ""
"""As a revision: what is staged."""
OWN = (*BULK, "build", "model")
"""Where a revision may put files."""
MOST_COPIED = 256 * 2**20
"""Bytes: where the cache cannot be linked, more than this is not copied while somebody waits for Git."""
Files = dict[str, str]
"""Hash by path below an output; a file that is an output itself has the path `""`."""


@dataclass
class Followed:
    """What became of the files of two revisions' difference."""

    linked: int = 0
    """Files that were linked or removed."""
    outs: list[str] = field(default_factory=list)
    """Outputs they belong to."""
    kept: list[str] = field(default_factory=list)
    """Changed here, so left as they are."""
    absent: list[str] = field(default_factory=list)
    """Outputs whose objects are not in the cache."""
    large: list[str] = field(default_factory=list)
    """Outputs that would have to be copied, and are too large for that."""
    busy: bool = False
    """Another ovt command works here: nothing was touched."""


@dataclass(frozen=True)
class _Step:
    """One file of an output."""

    path: Path
    digest: str | None
    """What it becomes; None: it goes."""


def follow(project: Project, old: str | None, new: str) -> Followed:
    """Bring data and outputs from what revision `old` names to what `new` names.

    Args:
        project: the project, whose Git files are those of `new` already.
        old: the revision that the working tree had; None: none (a new worktree).
        new: a revision, or `INDEX`.
    """
    before, after = _outputs(project, old) if old is not None else {}, _outputs(project, new)
    moved = {out: digest for out, digest in after.items() if before.get(out) != digest and _allowed(project, out)}
    done = Followed()
    if not moved:
        return done
    release = try_lock(project.private / "lock", "git checkout")
    if release is None:
        return Followed(busy=True)
    try:
        for out, digest in sorted(moved.items()):
            _follow_one(project, out, (before.get(out), digest), done)
        prints_of(project).save()
    finally:
        release()
    return done


def _outputs(project: Project, revision: str) -> Files:
    """DVC's hash of each bulk folder and each cached output that a revision names, by path."""
    git = git_of(project.root)
    where = f"{revision}:{git.layout.prefix}"
    found: Files = {}
    try:
        for name in BULK:
            content = git.read(f"{where}{name}.dvc")
            digest = pointer_hash(content, name) if content is not None else None
            if digest:
                found[name] = digest
        lock = git.read(f"{where}{LOCK_FILE}")
        for stage in parse_lock(lock.decode()).values() if lock else ():
            found |= {out["path"]: out["md5"] for out in stage.get("outs", []) if "md5" in out}
    except (OvtError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return {}  # a revision that cannot be understood names nothing
    return found


def _allowed(project: Project, out: str) -> bool:
    """Whether an output lies where ovt's do: a revision may come from a stranger."""
    path = PurePosixPath(out)
    if path.is_absolute() or ".." in path.parts or not path.parts or path.parts[0] not in OWN:
        return False
    return _inside(project, project.root / path)


def _inside(project: Project, path: Path) -> bool:
    """Whether no link leads out of the project on the way."""
    return path.parent.resolve().is_relative_to(project.root.resolve()) and not (path.is_symlink() and path.is_dir())


def _follow_one(project: Project, out: str, digests: tuple[str | None, str], done: Followed) -> None:
    if not complete(project, digests[1]):
        done.absent.append(out)
        return
    target = project.root / out
    here = _here(project, target)
    after = _files(project, digests[1]) or {}
    before = _before(project, digests[0], here)
    if before is None:
        done.kept.append(out)
        return
    steps: list[_Step] = []
    for name in sorted({*before, *after}):
        state = _step(project, target, name, (before.get(name), here.get(name), after.get(name)))
        if isinstance(state, _Step):
            steps.append(state)
        elif state:
            done.kept.append(f"{out}/{name}" if name else out)
    _apply(project, out, steps, done)


def _here(project: Project, target: Path) -> Files:
    prints = prints_of(project)
    if target.is_dir():
        return dict(prints.listing(target))
    return {"": prints.file(target)} if target.is_file() else {}


def _files(project: Project, digest: str) -> Files | None:
    return listing(project, digest) if digest.endswith(".dir") else {"": digest}


def _before(project: Project, digest: str | None, here: Files) -> Files | None:
    """What the old revision had there; None if nobody can tell. An output that is not here at all is clean."""
    if digest is None or not here:
        return {}
    found = _files(project, digest)
    if found is None and folder_md5(here.items()) == digest:
        return here
    return found


def _step(project: Project, target: Path, name: str, hashes: tuple[str | None, str | None, str | None]) -> _Step | bool:
    """What to do with a file, from its hash before, here and after; True: it was changed here and stays."""
    was, now, will = hashes
    if will in {was, now}:
        return False
    path = target / name if name else target
    if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return True
    if now != was or (now is None and os.path.lexists(path)):
        return True
    if now is not None and not object_path(project, now).is_file():
        return True  # the only copy
    return _Step(path, will)


def _apply(project: Project, out: str, steps: list[_Step], done: Followed) -> None:
    linker = Linker(project)
    objects = [object_path(project, step.digest) for step in steps if step.digest is not None]
    if objects and linker.copies(objects[0]) and sum(path.stat().st_size for path in objects) > MOST_COPIED:
        done.large.append(out)
        return
    for step in steps:
        if not _inside(project, step.path):
            done.kept.append(out)
            continue
        if step.digest is None:
            step.path.unlink()
            _prune(step.path.parent, project.root / out)
        else:
            linker.put(object_path(project, step.digest), step.path)
        done.linked += 1
    done.outs += [out] if steps else []


def _prune(folder: Path, top: Path) -> None:
    """Remove folders that became empty, up to the output itself."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def told(done: Followed) -> Iterator[str]:
    """What became of them, in lines for the user."""
    if done.outs:
        names = sorted({out.partition("/")[0] for out in done.outs})
        files = "1 file" if done.linked == 1 else f"{done.linked} files"
        yield f"ovt: {', '.join(names)} {'follows' if len(names) == 1 else 'follow'} · {files} from DVC's cache"
    if done.kept:
        more = f" and {len(done.kept) - 3} more" if len(done.kept) > 3 else ""
        yield f"ovt: changed here, left as they are: {', '.join(done.kept[:3])}{more}"
    if done.absent:
        yield f"ovt: not on this machine: {', '.join(done.absent[:3])} · ovt pull"
    if done.large:
        yield f"ovt: too large to copy while you wait: {', '.join(done.large[:3])} · ovt checkout HEAD"
    if done.busy:
        yield "ovt: another ovt command works here, data and model stay as they are · ovt checkout HEAD"
