from __future__ import annotations

import json
import random
import shutil
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.workflows.slice_lift import slice_lift

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"payloads": {"text": {"type": "singleton"}}, "tasks": {"Mood": {"payload": "text", "type": "multiclass"}}}
LOCK = """\
answers: x
format: ovt.tuning/1
values:
  payloads: {text: {encoder: bag, size: 16}}
  words: {size: 16, buckets: 256}
  training: {epochs: 2, batch: 32}
"""


def write(root: Path, slices: str = "loud: {tag: loud}\n") -> Project:
    rng = random.Random(1)
    (root / "data").mkdir(parents=True)
    (root / "slices").mkdir()
    lines = []
    for number in range(240):
        mood, loud = rng.choice(["glad", "sad"]), rng.random() < 0.2
        said = {"glad": "sad", "sad": "glad"}[mood] if loud else mood
        split = "train" if number < 160 else "dev"
        lines.append(json.dumps({
            "id": str(number), "payloads": {"text": f"{mood} day{' !' if loud else ''}"},
            "tasks": {"Mood": {"crowd" if split == "train" else "gold": said}}, "tags": [split, *(["loud"] if loud else [])],
        }))
    (root / "data/records.jsonl").write_text("\n".join(lines) + "\n")
    (root / "schema.json").write_text(json.dumps(SCHEMA))
    (root / "ovt.yaml").write_text("")
    (root / "slices/tags.yaml").write_text(slices)
    (root / "tuning.lock.yaml").write_text(LOCK)
    return Project(root)


def made(project: Project) -> Project:
    for name in ("compile", "label"):
        out = project.root / "out"
        import_module(f"ovt.stages.{name}").run(project, out, Silent())
        shutil.copytree(out, project.root, dirs_exist_ok=True)
        shutil.rmtree(out)
    return project


class Counting(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        del stage, done, total
        self.lines.append(message)


def test_three_networks_are_compared_slice_by_slice_and_trained_once(tmp_path: Path) -> None:
    project, heard = made(write(tmp_path / "p")), Counting()
    found = slice_lift(project, heard)
    assert {line.split(" · ")[0] for line in heard.lines} == {"none (1 of 3)", "reweight (2 of 3)", "lowrank (3 of 3)"}
    assert [(row.task, row.slice) for row in found.rows] == [("Mood", None), ("Mood", "loud")]
    outside, loud = found.rows
    assert outside.n + loud.n == 80
    assert outside.indicator is None
    assert loud.indicator is not None
    assert loud.lift == loud.form - loud.none
    assert (found.form, found.weight, found.metrics) == ("lowrank", 4.0, {"Mood": "accuracy"})
    again = Counting()
    assert slice_lift(project, again) == found
    assert again.lines == []
    assert not list((project.private / "checkpoints").glob("*"))
    lock = (project.root / "tuning.lock.yaml").read_text().replace("epochs: 2", "epochs: 1")
    (project.root / "tuning.lock.yaml").write_text(lock)
    slice_lift(project, again)
    assert again.lines


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    project = write(tmp_path / "p")
    with pytest.raises(MissingError, match="labels were not made yet"):
        slice_lift(project, Silent())
    (project.root / "tuning.lock.yaml").write_text(LOCK + "  slices: {form: none}\n")
    with pytest.raises(ProjectError, match="without slice experts"):
        slice_lift(made(project), Silent())
    with pytest.raises(ProjectError, match="no slice to lift"):
        slice_lift(made(write(tmp_path / "q", slices="")), Silent())
