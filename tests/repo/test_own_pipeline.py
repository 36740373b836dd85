"""The root of this repository is a DVC repository: `dvc repro` runs a benchmark, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = (".dvc/config", ".dvc/.gitignore", ".dvcignore", "dvc.yaml", "benchmarks", "ovt", "templates")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the pipeline needs, in a Git repository of its own."""
    root = tmp_path / "copy"
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy(source, target)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


def dvc(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, env=environment, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_repro_runs_the_benchmark_and_then_has_nothing_to_do(copy: Path) -> None:
    assert dvc(copy, "stage", "list", "--all", "--name-only").split() == ["metrics"]

    dvc(copy, "repro")
    row = next(iter(json.loads((copy / "benchmarks/results/metrics.json").read_text("utf-8"))["rows"].values()))
    assert 0 < row["ours"] < row["theirs"]

    assert "didn't change" in dvc(copy, "repro")
