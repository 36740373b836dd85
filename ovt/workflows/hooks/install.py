"""The Git hooks: put in place and taken out again.

Each hook is one POSIX shell shim (`hooks/ovt-hook.sh`). A hook that was there
before is kept beside it, runs first, and is put back byte for byte at the end.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.storage.files import write_bytes, write_json, write_text
from ovt.storage.git import git_of
from ovt.workflows.hooks.managers import add_entries, after_install, chosen, detected, drop_entries
from ovt.workflows.hooks.registry import GUARDED, refresh_inputs, register, registered, state_folder, write_registry
from ovt.workflows.hooks.shim import CHAINED, EVENTS, KEPT, LEGACY, hooks_folder, owner_of, shared_by, shim
from ovt.workflows.hooks.state import Hook, HookState, Overview, overview, status

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.storage.git import Git
    from ovt.workflows.hooks.managers import Manager

__all__ = [
    "EVENTS", "GUARDED", "Hook", "HookState", "Overview", "hooks_folder", "install", "overview", "refresh_inputs",
    "registered", "status", "uninstall",
]
USERS = "ovt-repositories.json"
"""Beside hooks that serve many repositories: those that use them."""


def install(project: Project, manager: Manager | None = None) -> tuple[str, ...]:
    """Put the hooks in place (again); what was done, in lines for the user.

    Args:
        project: whose repository.
        manager: who is to run them; None: Git itself, or whoever does already.

    Raises:
        MissingError: this is no Git repository.
        UsageError: the manager cannot run them here.
        ProjectError: the manager's file cannot take the entries.
    """
    from ovt.workflows.sharing.merging import configure

    git = git_of(project.root)
    found = manager or chosen(git) or ("husky" if "husky" in detected(git) else None)
    told = _through(git, found) if found else ()
    register(git, project)
    return (*(told if found else _files(git, project)), *configure(project))


def uninstall(project: Project) -> tuple[str, ...]:
    """Take the hooks out and put back what was there before; what was done, in lines for the user.

    The hooks stay while another project of the repository uses them. Merge
    drivers stay: without them Git would merge line by line what is no text.
    """
    git = git_of(project.root)
    left = [prefix for prefix in registered(git) if prefix != git.layout.prefix]
    if left:
        write_registry(git, left)
        return (f"this project left; the hooks stay for {', '.join(prefix or '.' for prefix in left)}",)
    manager = chosen(git)
    told = [f"{path}: ovt's entry removed" for path in drop_entries(git, manager)] if manager else []
    told += _take_out(git)
    _forget_folder(git)
    shutil.rmtree(state_folder(git), ignore_errors=True)
    for flag in (git.layout.common_dir, *(git.layout.common_dir / "worktrees").glob("*")):
        (flag / "ovt-staged").unlink(missing_ok=True)
    return tuple(told)


def _files(git: Git, project: Project) -> tuple[str, ...]:
    """The shim in the hooks folder."""
    folder = hooks_folder(git)
    _remember_folder(git, folder)
    told = [line for hook in status(project) if not hook.works for line in _place(hook)]
    return (f"hooks in {_shown(git, folder)}: {', '.join(EVENTS)}", *told, *_notes(git))


def _notes(git: Git) -> list[str]:
    told = []
    scope = shared_by(git)
    if scope:
        told.append(f"core.hooksPath is set for all repositories ({scope}): the hooks do nothing where ovt is not used")
    if "lefthook" in detected(git):
        told.append("lefthook writes its hooks anew: `ovt hooks install --with lefthook` makes ovt one of its entries")
    return told


def _place(hook: Hook) -> list[str]:
    told = []
    if hook.state == "foreign":
        told.append(f"{hook.event}: the hook that was here runs first")
        told += _keep_older(hook)
        hook.path.replace(hook.path.with_name(f"{hook.event}{CHAINED}"))
    _write(hook.path)
    return told


def _keep_older(hook: Hook) -> list[str]:
    """Somebody wrote over ovt's shim: what the shim ran before itself has not run since, and is not thrown away."""
    older = hook.path.with_name(f"{hook.event}{CHAINED}")
    if not os.path.lexists(older):
        return []
    if owner_of(older) == hook.owner != "someone" or older.read_bytes() == hook.path.read_bytes():
        return []
    kept = hook.path.with_name(f"{hook.event}{KEPT}")
    older.replace(kept)
    return [f"{hook.event}: an older hook, which {hook.owner} had replaced, is kept as {kept.name}"]


def _write(path: Path) -> None:
    write_bytes(path, shim())
    path.chmod(0o755)


def _through(git: Git, manager: Manager) -> tuple[str, ...]:
    """Entries of a manager, and the shim where they find it."""
    changed = add_entries(git, manager)
    if chosen(git) is None:
        _take_out(git)  # else both would run
    for event in EVENTS:
        _write(state_folder(git) / "hooks" / event)
    write_text(state_folder(git) / "manager", f"{manager}\n")
    told = [f"hooks through {manager}: {', '.join(EVENTS)}", *(f"{path}: an entry for ovt" for path in changed)]
    command = after_install(manager)
    return (*told, *([f"{manager} takes them up with: {command}"] if command and changed else []))


def _take_out(git: Git) -> list[str]:
    """Remove the shim wherever it lies and put back what was there before."""
    folder = hooks_folder(git)
    if _others_use(git, folder):
        return [f"{folder}: the hooks stay for other repositories"]
    told = []
    for event in EVENTS:
        path, legacy = folder / event, folder / f"{event}{LEGACY}"
        found = next((file for file in (path, legacy) if owner_of(file) == "ovt"), None)
        if found is None:
            continue
        found.unlink()
        back = _put_back(path, found)
        told.append(f"{event}: {'what was here before is back' if back else 'removed'}")
    return told


def _put_back(path: Path, place: Path) -> bool:
    """Give the hook that was here before its place again; whether there was one."""
    chained = path.with_name(f"{path.name}{CHAINED}")
    if not os.path.lexists(chained):
        return False
    if place != path and owner_of(chained) == owner_of(path):
        chained.unlink()  # an older copy of what Git runs now
        return True
    chained.replace(place)
    return True


def _remember_folder(git: Git, folder: Path) -> None:
    """What uninstalling has to know: whether the folder is new, and who else uses it."""
    if not folder.is_dir():
        write_text(state_folder(git) / "made-folder", f"{folder}\n")
    if shared_by(git):
        users = sorted({*_users(folder), str(git.layout.common_dir)})
        write_json(folder / USERS, users)


def _forget_folder(git: Git) -> None:
    made = state_folder(git) / "made-folder"
    folder = hooks_folder(git)
    if made.is_file() and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _others_use(git: Git, folder: Path) -> bool:
    """Leave a folder that serves many repositories; whether one of the others still needs the hooks."""
    others = [name for name in _users(folder) if name != str(git.layout.common_dir) and Path(name, "ovt").is_dir()]
    if others:
        write_json(folder / USERS, others)
    else:
        (folder / USERS).unlink(missing_ok=True)
    return bool(others)


def _users(folder: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads((folder / USERS).read_bytes())]
    except (OSError, ValueError):
        return []


def _shown(git: Git, folder: Path) -> str:
    top = git.layout.top
    return folder.relative_to(top).as_posix() if folder.is_relative_to(top) else str(folder)
