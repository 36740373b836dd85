"""The small project of `sandbox.py`, made once a session and copied for each test.

`dvc` costs about a second a call, a copy some milliseconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox import commit_all, git, record, write_project

from ovt.project import Project


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`plain`: inputs alone are committed; `recorded`: a second commit holds the lock and the reports."""
    base = tmp_path_factory.mktemp("templates")
    root = base / "plain"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit_all(write_project(root), "inputs")
    shutil.copytree(root, base / "recorded", symlinks=True)
    project = Project(base / "recorded")
    record(project)
    commit_all(project, "first model")
    return base


@pytest.fixture
def plain(templates: Path, tmp_path: Path) -> Project:
    """A project without a model."""
    shutil.copytree(templates / "plain", tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo")


@pytest.fixture
def recorded(templates: Path, tmp_path: Path) -> Project:
    """A project whose HEAD has a model and reports."""
    shutil.copytree(templates / "recorded", tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo")


@pytest.fixture
def run_git() -> Callable[..., str]:
    """`git(folder, *arguments)`."""
    return git
