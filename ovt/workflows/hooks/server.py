"""The hook of a bare repository: put in place, and taken out again.

It needs no project: which there are is read from what is pushed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError
from ovt.resources import resource
from ovt.storage.files import write_bytes, write_json, write_text
from ovt.storage.git import Git
from ovt.workflows.hooks.shim import CHAINED, owner_of

if TYPE_CHECKING:
    from ovt.workflows.hooks.state import HookState

SHIM = "hooks/pre-receive.sh"
EVENT = "pre-receive"
OPTIONS = "receive.advertisePushOptions"


@dataclass(frozen=True)
class ServerHook:
    """The hook of a bare repository."""

    path: Path
    state: HookState
    branches: tuple[str, ...]


def is_server(folder: Path) -> bool:
    """Whether a folder is a bare repository."""
    done = Git(folder).attempt("rev-parse", "--is-bare-repository", "--absolute-git-dir")
    bare, _, place = os.fsdecode(done.stdout).partition("\n")
    return bare == "true" and Path(place.rstrip("\n")) == folder.resolve()


def install_server(folder: Path, branches: tuple[str, ...]) -> tuple[str, ...]:
    """Judge what is pushed to some branches; what was done, in lines for the user.

    Raises:
        UsageError: the folder is no bare repository.
    """
    if not is_server(folder):
        raise UsageError("not a bare repository", at=str(folder), why="--server is for the one that people push to",
                         fix="go there, or name it", command="ovt -C /srv/git/project.git hooks install --server")
    git, path = Git(folder), _path(folder)
    if _state(path) == "foreign":
        path.replace(path.with_name(f"{EVENT}{CHAINED}"))
    chained = os.path.lexists(path.with_name(f"{EVENT}{CHAINED}"))
    kept = _kept(folder)
    write_json(folder / "ovt" / "server.json", {"push_options": kept.get("push_options", git.config(OPTIONS))})
    write_text(folder / "ovt" / "branches", "".join(f"{name}\n" for name in branches))
    write_text(folder / "ovt" / "python", f"{sys.executable}\n")
    write_bytes(path, resource(SHIM).read_bytes())
    path.chmod(0o755)
    git.run("config", "--local", OPTIONS, "true")
    told = (f"pre-receive in {path.parent}: pushes to {', '.join(branches)} are judged",
            "by: `check:` of the branch's own ovt.yaml", 'accepted all the same: git push -o ovt-waive="the reason"')
    return (*told, *(["pre-receive: the hook that was here runs first"] if chained else []))


def uninstall_server(folder: Path) -> tuple[str, ...]:
    """Take the hook out and put back what was there before."""
    git, path = Git(folder), _path(folder)
    if owner_of(path) != "ovt":
        return ()
    before = _kept(folder).get("push_options")
    if before is None:
        git.attempt("config", "--local", "--unset-all", OPTIONS)
        _drop_empty_section(git)
    else:
        git.run("config", "--local", OPTIONS, str(before))
    path.unlink()
    chained = path.with_name(f"{EVENT}{CHAINED}")
    back = os.path.lexists(chained)
    if back:
        chained.replace(path)
    shutil.rmtree(folder / "ovt", ignore_errors=True)
    return (f"{EVENT}: {'what was here before is back' if back else 'removed'}",)


def server_status(folder: Path) -> ServerHook:
    """The state of the hook."""
    path = _path(folder)
    return ServerHook(path, _state(path), read_branches(folder))


def read_branches(folder: Path) -> tuple[str, ...]:
    """The branches that are judged."""
    try:
        return tuple((folder / "ovt" / "branches").read_text(encoding="utf-8").split("\n")[:-1])
    except OSError:
        return ()


def _path(folder: Path) -> Path:
    return (folder.resolve() / Git(folder).text("rev-parse", "--git-path", "hooks")).resolve() / EVENT


def _state(path: Path) -> HookState:
    owner = owner_of(path)
    if owner is None:
        return "missing"
    if owner != "ovt":
        return "foreign"
    return "installed" if path.read_bytes() == resource(SHIM).read_bytes() else "outdated"


def _kept(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "ovt" / "server.json").read_bytes()))
    except (OSError, ValueError):
        return {}


def _drop_empty_section(git: Git) -> None:
    """`git config --unset` leaves the header of a section behind that it was alone in."""
    if git.attempt("config", "--local", "--get-regexp", r"^receive\.").returncode:
        git.attempt("config", "--local", "--remove-section", "receive")
