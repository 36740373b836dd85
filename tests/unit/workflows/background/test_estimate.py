"""The estimate: what stale stages took before; silence where nothing is known or nothing is long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ovt.project import STAGES, Project
from ovt.workflows.background import estimate

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = '{"payloads": {"query": {"type": "singleton"}}, "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that never ran: every stage is stale."""
    (tmp_path / "schema.json").write_text(SCHEMA, encoding="utf-8")
    return Project(tmp_path)


def test_nothing_is_said_before_a_first_run(project: Project) -> None:
    estimate.remember(project, "compile", 4000)
    assert estimate.expected_seconds(project) is None
    assert estimate.warning(project) is None


@pytest.mark.parametrize(("seconds", "said"), [(10, None), (200, "about 13 minutes")])
def test_only_a_long_run_is_told_and_the_background_offered(project: Project, seconds: int, said: str | None) -> None:
    for stage in STAGES:
        estimate.remember(project, stage, seconds)
    told = estimate.warning(project)
    assert (told is None) == (said is None)
    if said:
        assert said in (told or "")
        assert "--train background" in (told or "")


def test_a_file_that_is_broken_is_as_good_as_none(project: Project) -> None:
    estimate.remember(project, "train", 10)
    (project.cache / "seconds.json").write_text("{", encoding="utf-8")
    assert estimate.expected_seconds(project) is None
