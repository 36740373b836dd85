"""What the shim finds in `.git/ovt/`: which projects use the hooks, what an input looks like, which Python to start.

It lies in the part of the repository that all worktrees share and that no
clone copies, so a shim that travels with a repository does nothing elsewhere.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from ovt.errors import OvtError, ProjectError
from ovt.storage.files import write_json, write_text
from ovt.versions.key import BULK

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.storage.git import Git

GUARDED = (*BULK, "build", "model")
"""Folders whose content belongs into DVC, not into Git."""
PROJECTS, INPUTS, PYTHON = "projects.json", "inputs", "python"


def state_folder(git: Git) -> Path:
    """Where the hooks of a repository keep what they need to know."""
    return git.layout.common_dir / "ovt"


def registered(git: Git) -> list[str]:
    """The projects of the repository that use the hooks, as folders relative to its root (with a final slash)."""
    try:
        value = json.loads((state_folder(git) / PROJECTS).read_bytes())
    except (OSError, ValueError):
        return []
    return [str(prefix) for prefix in value]


def register(git: Git, project: Project) -> None:
    """Let a project use the hooks.

    Raises:
        ProjectError: it is no folder of the working tree.
    """
    prefix = git.layout.prefix
    if project.root != (git.layout.top / prefix).resolve():
        raise ProjectError("the project is no folder of the Git working tree", at=str(project.root))
    write_registry(git, sorted({*registered(git), prefix}))
    keep_interpreter(git)


def write_registry(git: Git, prefixes: list[str]) -> None:
    """Say which projects use the hooks."""
    write_json(state_folder(git) / PROJECTS, prefixes)
    refresh_inputs(git)


def keep_interpreter(git: Git) -> None:
    """Let the hooks start the Python that runs now."""
    path = state_folder(git) / PYTHON
    if interpreter(git) != sys.executable:
        write_text(path, f"{sys.executable}\n")


def interpreter(git: Git) -> str | None:
    """The Python that the hooks start."""
    try:
        return (state_folder(git) / PYTHON).read_text(encoding="utf-8").rstrip("\n") or None
    except OSError:
        return None


def refresh_inputs(git: Git) -> None:
    """Write the patterns by which the shim knows an input, for all projects, if they changed."""
    lines = [line for prefix in registered(git) for line in _patterns(git, prefix)]
    path = state_folder(git) / INPUTS
    text = "\n".join(lines) + "\n"
    if lines and (not path.is_file() or path.read_text(encoding="utf-8") != text):
        write_text(path, text)


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
