"""The machine and the programs: Python, packages, Git, `ovt` on the path, memory and processors."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from ovt.workflows.health.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("ovt", "dvc", "torch", "numpy", "pyarrow", "msgspec", "optuna", "textual")
OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 25)


def environment() -> Iterator[Finding]:
    """Look at each in turn."""
    yield _python()
    yield from (_package(name) for name in PACKAGES)
    yield _git()
    yield _sqlite()
    yield _ovt_on_path()
    yield _machine()


def _python() -> Finding:
    fine = sys.version_info[:2] >= OLDEST_PYTHON
    return Finding("python", fine, f"{platform.python_version()} in {sys.prefix}",
                   "" if fine else f"use Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")


def _package(name: str) -> Finding:
    try:
        return Finding(name, ok=True, found=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, ok=False, found="not installed", fix=f"pip install {name}")


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding("git", ok=False, found="not on PATH", fix="install Git 2.25 or newer")
    done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"(\d+)\.(\d+)", done.stdout)
    fine = number is not None and (int(number[1]), int(number[2])) >= OLDEST_GIT
    return Finding("git", fine, done.stdout.strip(), "" if fine else "install Git 2.25 or newer")


def _sqlite() -> Finding:
    """DVC and Optuna keep their indexes in it."""
    try:
        import sqlite3
    except ImportError:
        return Finding("sqlite", ok=False, found="Python was built without it", fix="use a Python that has sqlite3")
    return Finding("sqlite", ok=True, found=sqlite3.sqlite_version)


def _ovt_on_path() -> Finding:
    found = shutil.which("ovt")
    fix = f"export PATH={sys.prefix}/bin:$PATH   (plain `dvc repro` calls `ovt`)"
    return Finding("ovt on PATH", ok=found is not None, found=found or "no", fix="" if found else fix)


def _machine() -> Finding:
    pages = os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in os.sysconf_names else 0
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 1024**3
    return Finding("machine", ok=True, found=f"{os.cpu_count()} processors, {memory:.1f} GiB memory, "
                   f"{platform.system()} {platform.machine()}")
