"""Runs: results kept by the key of their inputs, at `refs/ovt/runs/KEY`.

A run is a commit without parents whose tree has `dvc.lock`, `reports/`, the
log and the environment it was made in. The ref is made once and never moved:
on a race the first one wins.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.stages.pipeline import TUNING_LOCK
from ovt.versions.key import LOCK_FILE

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.storage.git import Git

RUNS = "refs/ovt/runs/"
LOG_FILE = "log"
ENVIRONMENT_FILE = "environment.json"


def run_keys(git: Git) -> frozenset[str]:
    """Keys of all runs that this repository has."""
    return frozenset(name.removeprefix(RUNS) for name in git.refs(RUNS))


def has_run(git: Git, key: str) -> bool:
    """Whether there is a run for these inputs."""
    return bool(key) and git.object_id(f"{RUNS}{key}") is not None


def read_run(git: Git, key: str, path: str) -> bytes | None:
    """A file of a run: `dvc.lock`, `reports/quality.json`, `log`, `environment.json`."""
    return git.read(f"{RUNS}{key}:{path}") if key else None


def run_files(git: Git, key: str) -> dict[str, bytes]:
    """All files of a run."""
    return {entry.path: git.read(entry.oid) or b"" for entry in git.files(f"{RUNS}{key}^{{tree}}")}


def publish(git: Git, project: Project, key: str, log: str = "") -> bool:
    """Keep the project's results (as they lie in its folder) as the run of `key`; False if there was one already."""
    files = {LOCK_FILE: (project.root / LOCK_FILE).read_bytes()}
    if (project.root / TUNING_LOCK).is_file():  # a search that the run had to do belongs to its result
        files[TUNING_LOCK] = (project.root / TUNING_LOCK).read_bytes()
    for report in sorted(project.reports.glob("*.json")):
        files[f"{project.reports.name}/{report.name}"] = report.read_bytes()
    files[LOG_FILE] = log.encode()
    files[ENVIRONMENT_FILE] = (json.dumps(environment(project), sort_keys=True, indent=1) + "\n").encode()
    commit = git.write_commit(git.write_tree(files), f"ovt run {key}\n")
    return git.create_ref(f"{RUNS}{key}", commit)


def environment(project: Project) -> dict[str, Any]:
    """What a result may depend on and no input says."""
    return {
        "format": "ovt.environment/1",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("dvc", "numpy", "ovt", "pyarrow", "torch")},
        "machine": platform.machine(),
        "system": platform.system(),
        "processor_flags": _processor_flags(),
        "processors": os.cpu_count(),
        "threads": project.settings.train.threads,
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor_flags() -> list[str]:
    """Those that decide which kernels torch chooses."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return sorted(flag for flag in line.partition(":")[2].split() if flag.startswith(("avx", "amx", "fma", "sse4")))
