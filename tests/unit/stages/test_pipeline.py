"""dvc.yaml is kept: made, brought up to date, and the user's own stages and comments left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ovt.documents import read_document
from ovt.project import STAGES, Project
from ovt.stages.pipeline import keep_pipeline, stage_specs

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = '{"payloads": {"query": {"type": "singleton"}}, "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Schema, settings and one record."""
    (tmp_path / "schema.json").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "ovt.yaml").write_text("gold: {source: gold}\ntrain: {seed: 0}\ncheck: {base: main}\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jsonl").write_text("{}\n", encoding="utf-8")
    return Project(tmp_path)


def _stages(project: Project) -> dict[str, dict[str, object]]:
    return dict(read_document(project.root / "dvc.yaml").value["stages"])


def test_it_is_made_once_and_then_left_alone(project: Project) -> None:
    assert keep_pipeline(project)
    before = (project.root / "dvc.yaml").read_bytes()
    assert not keep_pipeline(project)
    assert (project.root / "dvc.yaml").read_bytes() == before
    assert tuple(_stages(project)) == STAGES
    assert [stage["cmd"] for stage in _stages(project).values()] == [
        "ovt stage compile", "ovt stage label --format 2", "ovt stage train --format 2", "ovt stage evaluate --format 2"]


def test_only_what_exists_is_an_input_and_only_tracked_settings_are(project: Project) -> None:
    keep_pipeline(project)
    compiled = _stages(project)["compile"]
    assert compiled["deps"] == ["data", "schema.json"]
    assert compiled["params"] == [{"ovt.yaml": ["gold"]}]
    assert "labelers" not in str(_stages(project)["label"]["deps"])


@pytest.mark.parametrize(("name", "stage", "dependency"), [
    ("labelers/a.yaml", "label", "labelers"), ("slices/a.yaml", "compile", "slices"), ("tags/a.jsonl", "compile", "tags"),
    ("supervision/a.jsonl", "label", "supervision"), ("tuning.lock.yaml", "train", "tuning.lock.yaml"),
])
def test_a_new_input_becomes_a_dependency(project: Project, name: str, stage: str, dependency: str) -> None:
    keep_pipeline(project)
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).write_text("", encoding="utf-8")
    assert keep_pipeline(project)
    assert dependency in str(_stages(project)[stage]["deps"])


def test_vectors_that_the_tuning_lock_names_are_read_by_training(project: Project) -> None:
    (project.root / "glove.txt").write_text("red 1 2\n", encoding="utf-8")
    for embedding, read in (("learned", False), ("learned+glove.txt", True)):
        (project.root / "tuning.lock.yaml").write_text(
            f"values: {{payloads: {{query: {{embedding: {embedding}}}}}}}\n", encoding="utf-8")
        keep_pipeline(project)
        assert ("glove.txt" in str(_stages(project)["train"]["deps"])) is read


def test_a_function_that_reads_tags_makes_label_depend_on_them(project: Project) -> None:
    labelers = project.root / "labelers"
    labelers.mkdir()
    (labelers / "a.py").write_text("def f(r):\n    return r.id\n", encoding="utf-8")
    assert "build/tags.parquet" not in stage_specs(project)["label"].inputs
    (labelers / "a.py").write_text("def f(r):\n    return 'x' in r.tags\n", encoding="utf-8")
    assert "build/tags.parquet" in stage_specs(project)["label"].inputs


def test_stages_and_comments_of_the_user_stay(project: Project) -> None:
    keep_pipeline(project)
    path = project.root / "dvc.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "  plot: # mine\n    cmd: python plot.py\n    deps: [reports]\n",
                    encoding="utf-8")
    (project.root / "tags").mkdir()
    (project.root / "tags/a.jsonl").write_text("", encoding="utf-8")
    assert keep_pipeline(project)
    assert "plot: # mine" in path.read_text(encoding="utf-8")
    assert _stages(project)["plot"] == {"cmd": "python plot.py", "deps": ["reports"]}
    assert "tags" in str(_stages(project)["compile"]["deps"])
