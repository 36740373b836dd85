"""The files that make a folder an ovt project, each written only where it is missing.

Lines of `.gitignore`, `.dvcignore` and `.gitattributes` are added to what the
user has there, never taken away: `ovt init` can be run twice.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from ovt.errors import ProjectError, UsageError, nearest
from ovt.resources import resource
from ovt.settings import SETTINGS_FILE
from ovt.storage.files import write_text

GITIGNORE = ("/.ovt/", "/build/", "/model/", "__pycache__/", "*.py[cod]")
DVCIGNORE = ("__pycache__/", "*.py[cod]", ".*.sw?", "*~", ".#*", ".ipynb_checkpoints/")
GITATTRIBUTES = (
    "schema.json text eol=lf", "schema.yaml text eol=lf", "schema.yml text eol=lf", "ovt.yaml text eol=lf",
    "tuning.yaml text eol=lf", "tuning.lock.yaml text eol=lf", "dvc.yaml text eol=lf", "dvc.lock text eol=lf",
    "*.dvc text eol=lf", "/labelers/** text=auto eol=lf", "/slices/** text=auto eol=lf",
    "/examples/** text=auto eol=lf", "/reports/** text=auto eol=lf",
)
SETTINGS = """\
# What a version is made from: these sections are inputs, tracked with every version.
gold: {source: gold, train: true}
sources: {}
code: []
train: {seed: 0, threads: 1, init: scratch, replicates: 1}
errors: {bad_records: 1%}

# How the team works: changing these retrains nothing.
hooks: {train: background}
privacy: {text_in_reports: false}
check: {base: main, confidence: 0.95, floor: 0.005, min_support: 30}
"""


class Starter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`template.json` of a starter."""

    description: str
    next: list[str] = []
    estimate_seconds: int | None = None


def starters() -> list[str]:
    """The names that `--template` knows."""
    return sorted(path.parent.name for path in resource("templates/starters").glob("*/template.json"))


def read_starter(name: str) -> Starter:
    """What a starter says of itself.

    Raises:
        UsageError: no such starter.
    """
    if name not in starters():
        raise UsageError(f"no template `{name}`", why=nearest(name, starters()), command="ovt init --help")
    return msgspec.json.decode((resource("templates/starters") / name / "template.json").read_bytes(), type=Starter)


def copy_starter(name: str, root: Path) -> list[str]:
    """Copy a starter's files where they are missing; the paths written, relative to the root."""
    source = resource("templates/starters") / name
    written = []
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() or relative.parts[0] == "template.json" or "__pycache__" in relative.parts:
            continue
        target = root / Path(*(f".{part[4:]}" if part.startswith("dot_") else part for part in relative.parts))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            written.append(target.relative_to(root).as_posix())
    return written


def generate_sample(root: Path) -> bool:
    """Run the starter's generator unless `data/` has something already; whether it ran.

    Raises:
        ProjectError: the generator failed.
    """
    script, data = root / "generate.py", root / "data"
    if not script.is_file() or (data.is_dir() and any(data.iterdir())):
        return False
    done = subprocess.run(
        [sys.executable, "-B", str(script), "--output", str(data), "--seed", "0"], capture_output=True, text=True,
        check=False, cwd=root,
    )
    if done.returncode:
        raise ProjectError("the starter's generator failed", at=str(script), why=done.stderr.strip()[-400:])
    return True


def write_settings(root: Path) -> bool:
    """`ovt.yaml` with every tracked key, if there is none; whether it was written."""
    path = root / SETTINGS_FILE
    if path.exists():
        return False
    write_text(path, SETTINGS)
    return True


def add_lines(path: Path, lines: tuple[str, ...]) -> bool:
    """Add the lines that a file lacks; whether any was added."""
    present = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    missing = [line for line in lines if line not in present]
    if not missing:
        return False
    write_text(path, "\n".join([*present, *missing]) + "\n")
    return True


def write_housekeeping(root: Path) -> list[str]:
    """The ignore and attribute files; the names of those that changed."""
    from ovt.versions.merging.drivers import attributes

    attribute_lines = (*GITATTRIBUTES, *attributes())
    files: dict[str, Any] = {".gitignore": GITIGNORE, ".dvcignore": DVCIGNORE, ".gitattributes": attribute_lines}
    return [name for name, lines in files.items() if add_lines(root / name, lines)]
