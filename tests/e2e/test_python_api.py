"""The Python API does what the command line does, and its public names are all there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from person import FOOD, Person

import ovt
from ovt.errors import MissingError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_public_name_can_be_had_and_no_other() -> None:
    assert all(getattr(ovt, name) is not None for name in ovt.__all__)
    with pytest.raises(AttributeError, match="no attribute"):
        ovt.helper  # noqa: B018


def test_a_notebook_sees_what_the_command_line_sees(trained: Person) -> None:
    trained.write("labelers/food.yaml", FOOD)
    trained.types("ovt", "commit", "-m", "food")
    repo = ovt.open(trained.folder / "labelers")
    table = repo.diff("HEAD~1", "HEAD").to_pandas()
    rows = trained.json("ovt", "diff", "HEAD~1", "HEAD")["rows"]
    assert list(table["verdict"]) == [row["verdict"] for row in rows]
    assert list(table["n"]) == [row["n"] for row in rows]

    predictions = repo.predictions("HEAD")
    graded = predictions[(predictions["split"] == "test") & (predictions["task"] == "Intent")]
    right = [gold[0] == said[0] for gold, said in zip(graded["gold"], graded["predicted"], strict=True)]
    report = repo.report("HEAD")
    assert report is not None
    overall = report["tasks"]["Intent"]["splits"]["test"]["overall"]
    assert overall["accuracy"]["value"] == pytest.approx(sum(right) / len(right), abs=1e-6)
    quality = repo.quality("HEAD")
    (row,) = quality.query("task == 'Intent' and split == 'test' and kind == 'overall' and primary").itertuples()
    assert (row.metric, row.value, row.n, row.better) == ("accuracy", overall["accuracy"]["value"], len(right), "higher")
    inside = graded[[("salads" in slices) and ("towers" not in tags)
                     for slices, tags in zip(graded["slices"], graded["tags"], strict=True)]]
    asked = repo.quality("HEAD", where="salads & !tag:towers").query("split == 'test' and metric == 'accuracy'")
    assert (list(asked["n"]), set(asked["kind"])) == ([len(inside)], {"where"})
    assert len(repo.tags()) == 500
    assert [version.subject for version in repo.log()] == ["food", "first"]
    assert all(flip.kind in {"broken", "fixed"} for flip in repo.flips("HEAD~1", "HEAD", "Intent"))
    assert repo.store().n == 500


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="not an ovt project"):
        ovt.open(tmp_path)
