"""Why a stage must run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.project import Project
from ovt.stages.pipeline import StageSpec
from ovt.workflows.committing.staleness import stale_reason

if TYPE_CHECKING:
    from pathlib import Path


def test_what_an_earlier_ovt_made_in_another_way_is_made_again(tmp_path: Path) -> None:
    spec = StageSpec("label", inputs=(), settings=(), outputs=())
    earlier = {"cmd": "ovt stage label"}
    assert spec.command != earlier["cmd"]
    assert stale_reason(Project(tmp_path), spec, earlier) == "this ovt computes it in another way"
    assert stale_reason(Project(tmp_path), spec, {"cmd": spec.command}) is None
