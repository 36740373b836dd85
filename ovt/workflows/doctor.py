"""`ovt doctor`: is everything here that ovt needs, and what to type where it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from ovt.errors import OvtError

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project

LOW_DISK = 2 * 1024**3
"""Bytes below which a run with its cached outputs may fail."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def examine(project: Project) -> list[Finding]:
    """Look at the environment and the project; nothing is changed."""
    return [
        *(_package(name) for name in ("ovt", "dvc", "torch", "pyarrow", "textual")),
        _program("git", "--version"), _ovt_on_path(), _disk(project.root), _inputs(project), _hooks(project),
        _remote(project),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, ok=True, found=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, ok=False, found="not installed", fix=f"pip install {name}")


def _program(name: str, option: str) -> Finding:
    if shutil.which(name) is None:
        return Finding(name, ok=False, found="not on PATH", fix=f"install {name}")
    done = subprocess.run([name, option], capture_output=True, text=True, check=False)
    return Finding(name, ok=done.returncode == 0, found=done.stdout.strip())


def _ovt_on_path() -> Finding:
    found = shutil.which("ovt")
    fix = f"export PATH={sys.prefix}/bin:$PATH   (plain `dvc repro` calls `ovt`)"
    return Finding("ovt on PATH", ok=found is not None, found=found or "no", fix="" if found else fix)


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    return Finding("disk", ok=free > LOW_DISK, found=f"{free / 1024**3:.1f} GiB free", fix="make room")


def _inputs(project: Project) -> Finding:
    try:
        tasks = ", ".join(project.schema.tasks)
        project.settings.errors.limit()
    except OvtError as error:
        return Finding("schema and settings", ok=False, found=error.what, fix=f"{error.at}: {error.fix}")
    return Finding("schema and settings", ok=True, found=f"tasks {tasks}")


def _hooks(project: Project) -> Finding:
    from ovt.workflows.background.hooks import status

    try:
        missing = [hook.event for hook in status(project) if hook.state != "installed"]
    except OvtError as error:
        return Finding("hooks", ok=False, found=error.what, fix=error.fix or "")
    found = f"missing: {', '.join(missing)}" if missing else "installed"
    return Finding("hooks", ok=not missing, found=found, fix="ovt hooks install" if missing else "")


def _remote(project: Project) -> Finding:
    config = project.root / ".dvc" / "config"
    named = config.is_file() and "remote = " in config.read_text(encoding="utf-8")
    return Finding("remote", ok=named, found="set" if named else "none: this machine has the only copy",
                   fix="" if named else "ovt remote add URL")
