"""`ovt tune` from the outside: two processes that train, and what is told about their trials."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from ovt.cli.main import main
from ovt.errors import MissingError
from ovt.progress import Silent
from ovt.project import Project
from ovt.workflows.tuning.trials import read_trials

SCHEMA = {"payloads": {"text": {"type": "singleton"}}, "tasks": {"Sort": {"payload": "text", "type": "multiclass"}}}
SPEC = """
payloads: {text: {encoder: bag, size: [8, 16]}}
training: {epochs: 2, batch: 16, learning_rate: [0.001, 0.02]}
search: {trials: 3}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tune") / "p"
    (root / "data").mkdir(parents=True)
    (root / "schema.json").write_text(json.dumps(SCHEMA))
    (root / "ovt.yaml").write_text("")
    rng = random.Random(1)
    records = [{"id": str(place), "payloads": {"text": f"{rng.choice(['red', 'blue'] if kind == 'colour' else ['car', 'boat'])} x"},
                "tasks": {"Sort": {"gold": kind}}, "tags": ["dev" if place % 4 == 0 else "train"]}
               for place in range(80) for kind in [rng.choice(["colour", "thing"])]]
    (root / "data" / "d.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    from importlib import import_module

    for name in ("compile", "label"):
        out = root / f"out-{name}"
        import_module(f"ovt.stages.{name}").run(Project(root), out, Silent())
        shutil.copytree(out, root, dirs_exist_ok=True)
        shutil.rmtree(out)
    (root / "tuning.yaml").write_text(SPEC)
    return root


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Project:
    shutil.copytree(compiled, tmp_path / "p")
    return Project(tmp_path / "p")


@pytest.fixture
def _stages_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project is no repository: what DVC would say of the stages is left out."""
    monkeypatch.setattr("ovt.workflows.committing.staleness.bring_up_to_date", lambda *_, **__: None)


@pytest.mark.usefixtures("_stages_are_done")
def test_a_search_is_told_and_shown(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MissingError, match="no trial was run on this machine"):
        read_trials(project)
    assert main(["tune", "-C", str(project.root), "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "answers:" in said.out
    assert "trial 3 of 3: " in said.err
    assert "next: ovt run" in said.err

    assert main(["tune", "-C", str(project.root), "--show", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == "ovt.tune/1"
    assert found["current"] is True
    assert [trial["trial"] for trial in found["trials"]] == [1, 2, 3]
    assert sum(trial["chosen"] for trial in found["trials"]) == 1
    chosen = next(trial for trial in found["trials"] if trial["chosen"])
    assert chosen["score"] == max(trial["score"] for trial in found["trials"] if trial["state"] == "complete")
    assert set(chosen["values"]) == {"payloads.text.size", "training.learning_rate"}
    assert chosen["parameters"] > 0

    assert main(["tune", "-C", str(project.root), "--show"]) == 0
    said = capsys.readouterr()
    assert len(said.out.strip().splitlines()) == 4
    assert "has the best score on dev" in said.err

    (project.root / "tuning.yaml").write_text(SPEC.replace("[8, 16]", "[8, 24]"))
    assert main(["tune", "-C", str(project.root), "--show"]) == 0
    assert "answered an earlier question" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("_stages_are_done")
def test_two_processes_choose_what_one_does(project: Project) -> None:
    from ovt.workflows.tuning.tune import Effort, tune

    one = tune(project, Silent(), Effort(jobs=1))
    shutil.rmtree(project.private)
    (project.root / "tuning.lock.yaml").unlink()
    heard = Silent()
    assert tune(project, heard, Effort(jobs=2)) == one
    assert sum(note.startswith("trial ") for note in heard.notes) == 3


def test_a_tune_without_a_spec_or_time_says_so(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "-C", str(project.root), "--minutes", "0"]) == 2
    (project.root / "tuning.yaml").unlink()
    assert main(["tune", "-C", str(project.root)]) == 4
    assert "nothing to tune" in capsys.readouterr().err
