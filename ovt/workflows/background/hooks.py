"""The Git hooks: put in place, taken out again, and their state.

Each hook is one POSIX shell shim (`hooks/ovt-hook.sh`) with the interpreter
that installed it written inside. A hook that was there before is kept beside
it, runs first, and is put back byte for byte at the end.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.errors import OvtError, ProjectError
from ovt.resources import resource
from ovt.storage.files import write_bytes, write_json, write_text
from ovt.storage.git import Git, git_of
from ovt.versions.key import BULK

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project

EVENTS = ("pre-commit", "post-commit", "post-merge", "post-rewrite", "pre-push")
MARK = b"# ovt-hook/"
CHAINED = ".ovt-chained"
SHIM = "hooks/ovt-hook.sh"
GUARDED = (*BULK, "build", "model")
"""Folders whose content belongs into DVC, not into Git."""

HookState = Literal["installed", "outdated", "foreign", "missing"]


@dataclass(frozen=True)
class Hook:
    """One hook of a repository."""

    event: str
    path: Path
    state: HookState
    """`foreign`: somebody else's; `outdated`: ovt's, of another version or interpreter."""
    chained: bool
    """Whether an older hook runs before it."""


def install(project: Project) -> tuple[str, ...]:
    """Put the hooks in place (again); what was done, in lines for the user.

    Raises:
        MissingError: this is no Git repository.
    """
    git = git_of(project.root)
    folder = hooks_folder(git)
    _register(git, project)
    shim = _shim()
    told = []
    for hook in status(project):
        if hook.state == "installed":
            continue
        if hook.state == "foreign":
            told.append(f"{hook.event}: the hook that was here runs first")
            hook.path.replace(hook.path.with_name(f"{hook.event}{CHAINED}"))
        write_bytes(hook.path, shim)
        hook.path.chmod(0o755)
    return (f"hooks in {_shown(git, folder)}: {', '.join(EVENTS)}", *told)


def uninstall(project: Project) -> tuple[str, ...]:
    """Take the hooks out and put back what was there before; what was done, in lines for the user.

    The hooks stay while another project of the repository uses them.
    """
    git = git_of(project.root)
    left = [prefix for prefix in registered(git) if prefix != git.layout.prefix]
    _write_registry(git, left)
    if left:
        return (f"this project left; the hooks stay for {', '.join(prefix or '.' for prefix in left)}",)
    told = []
    for hook in status(project):
        if hook.state not in {"installed", "outdated"}:
            continue
        hook.path.unlink()
        if hook.chained:
            hook.path.with_name(f"{hook.event}{CHAINED}").replace(hook.path)
        told.append(f"{hook.event}: {'what was here before is back' if hook.chained else 'removed'}")
    shutil.rmtree(git.layout.common_dir / "ovt", ignore_errors=True)
    (git.layout.git_dir / "ovt-staged").unlink(missing_ok=True)
    return tuple(told)


def status(project: Project) -> tuple[Hook, ...]:
    """The state of each hook."""
    folder, shim = hooks_folder(git_of(project.root)), _shim()
    found = []
    for event in EVENTS:
        path = folder / event
        chained = path.with_name(f"{event}{CHAINED}").exists()
        found.append(Hook(event, path, _state(path, shim), chained))
    return tuple(found)


def hooks_folder(git: Git) -> Path:
    """Where Git looks for hooks: right in worktrees and under `core.hooksPath`, unlike `.git/hooks`."""
    return (git.folder / git.text("rev-parse", "--git-path", "hooks")).resolve()


def registered(git: Git) -> list[str]:
    """The projects of the repository that use the hooks, as folders relative to its root (with a final slash)."""
    try:
        value = json.loads((git.layout.common_dir / "ovt" / "projects.json").read_bytes())
    except (OSError, ValueError):
        return []
    return [str(prefix) for prefix in value]


def refresh_inputs(git: Git) -> None:
    """Write the patterns by which the shim knows an input, for all projects, if they changed."""
    lines = [line for prefix in registered(git) for line in _patterns(git, prefix)]
    path = git.layout.common_dir / "ovt" / "inputs"
    text = "\n".join(lines) + "\n"
    if lines and (not path.is_file() or path.read_text(encoding="utf-8") != text):
        write_text(path, text)


def _register(git: Git, project: Project) -> None:
    known = registered(git)
    prefix = git.layout.prefix
    if project.root != (git.layout.top / prefix).resolve():
        raise ProjectError("the project is no folder of the Git working tree", at=str(project.root))
    _write_registry(git, sorted({*known, prefix}))


def _write_registry(git: Git, prefixes: list[str]) -> None:
    write_json(git.layout.common_dir / "ovt" / "projects.json", prefixes)
    refresh_inputs(git)


def _patterns(git: Git, prefix: str) -> list[str]:
    """Extended regular expressions; a path with odd characters comes in quotes from Git."""
    start = f'^"?{_escaped(prefix)}'
    files = r'(schema\.(json|yaml|yml)|ovt\.yaml|tuning\.yaml|tuning\.lock\.yaml|\.dvcignore|[^/]*\.dvc)"?$'
    models = r'(.*/)?[^/]*\.(safetensors|pt|pth|onnx|ckpt|arrow|parquet)"?$'
    folders = "|".join(("labelers", "slices", *GUARDED))
    code = [f"{start}{_escaped(item.rstrip('/'))}(/|$)" for item in _code(git.layout.top / prefix)]
    return [f"{start}{files}", f"{start}{models}", f"{start}({folders})/", *code]


def _code(root: Path) -> list[str]:
    from ovt.settings import load_settings

    try:
        return load_settings(root).code
    except OvtError:
        return []  # the check of the settings themselves will say what is wrong


def _escaped(text: str) -> str:
    return re.sub(r"([][\\.^$*+?(){}|])", r"\\\1", text)


def _shim() -> bytes:
    text = resource(SHIM).read_text(encoding="utf-8")
    return text.replace("@PYTHON@", sys.executable.replace("'", "'\\''")).encode()


def _state(path: Path, shim: bytes) -> HookState:
    if not path.exists():
        return "missing"
    content = path.read_bytes()
    if content == shim:
        return "installed"
    return "outdated" if MARK in content[:200] else "foreign"


def _shown(git: Git, folder: Path) -> str:
    top = git.layout.top
    return folder.relative_to(top).as_posix() if folder.is_relative_to(top) else str(folder)
