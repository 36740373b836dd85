"""The starters' sample data, made once per session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ovt.resources import resource

WITH_DATA = ("factoid", "classify", "tag", "intent-slots", "link")


def generate(starter: Path, output: Path, seed: int = 0, hash_seed: str = "random") -> dict[str, bytes]:
    """Run a starter's generator in a process of its own; the files that it made."""
    command = [sys.executable, "-B", str(starter / "generate.py"), "--output", str(output), "--seed", str(seed)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    return {path.name: path.read_bytes() for path in sorted(output.iterdir())}


def read_records(folder: Path) -> list[dict[str, Any]]:
    """All records of a folder, in the order of files and lines."""
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]


def split_of(record: dict[str, Any]) -> str:
    """The default tag of a record."""
    found = [tag for tag in record["tags"] if tag in {"train", "dev", "test"}]
    assert len(found) == 1
    return str(found[0])


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A copy of each starter with its sample data."""
    base = tmp_path_factory.mktemp("starters")
    for name in WITH_DATA:
        shutil.copytree(resource("templates/starters") / name, base / name, ignore=shutil.ignore_patterns("__pycache__"))
        generate(base / name, base / name / "data")
    return {name: base / name for name in WITH_DATA}


@pytest.fixture(scope="session")
def factoid(projects: dict[str, Path]) -> list[dict[str, Any]]:
    """The records of the factoid starter."""
    return read_records(projects["factoid"] / "data")
