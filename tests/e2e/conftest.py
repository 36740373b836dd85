"""The project is made and run once in a session and copied for each test.

Every copy has its own Git repository, DVC cache and results.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from person import Person, write_inputs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one committed version that has a model; no hooks."""
    folder = tmp_path_factory.mktemp("template") / "project"
    folder.mkdir()
    write_inputs(folder)
    person = Person(folder)
    person.types("ovt", "init", "--no-hooks")
    person.types("ovt", "commit", "-m", "first")
    return folder


@pytest.fixture
def trained(trained_template: Path, tmp_path: Path) -> Person:
    """A copy of the trained project."""
    shutil.copytree(trained_template, tmp_path / "project", symlinks=True)
    return Person(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Person:
    """A folder with inputs and nothing else."""
    (tmp_path / "fresh").mkdir()
    write_inputs(tmp_path / "fresh")
    return Person(tmp_path / "fresh")
