"""Variants, distillation and tools of the train stage, on a little task that words alone decide."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages import train
from ovt.training.model_files import stale_variants, variant_name, variants_of
from ovt.training.transfer.tools import Tools, using

SCHEMA = {"payloads": {"text": {"type": "singleton"}}, "tasks": {"Sort": {"payload": "text", "type": "multiclass"}}}
COLOURS, THINGS, FILL = ("red", "blue", "green", "pink"), ("car", "boat", "lamp", "house"), ("the", "a", "of", "my", "old")
QUICK = "payloads: {text: {size: 16, encoder: bag}}\n  training: {epochs: 3, batch: 16, learning_rate: 0.02}"


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    from ovt.training.threads import use_threads

    use_threads(1)


def run_stages(project: Project, *names: str) -> None:
    from importlib import import_module

    for name in names:
        out = project.root / f"out-{name}"
        import_module(f"ovt.stages.{name}").run(project, out, Silent())
        shutil.copytree(out, project.root, dirs_exist_ok=True)
        shutil.rmtree(out)


def compiled(root: Path, train_records: int = 60, labelled: int | None = None, dev: int = 40) -> Project:
    (root / "data").mkdir(parents=True)
    (root / "slices").mkdir()
    (root / "schema.json").write_text(json.dumps(SCHEMA))
    (root / "ovt.yaml").write_text("")
    (root / "slices" / "s.yaml").write_text("cars: {field: text, keyword: [car]}\n")
    rng, lines = random.Random(3), []
    for place in range(train_records + 2 * dev):
        split = "train" if place < train_records else "dev" if place < train_records + dev else "test"
        kind = "colour" if rng.random() < 0.5 else "thing"
        word = rng.choice(COLOURS if kind == "colour" else THINGS)
        text = " ".join(rng.sample([*rng.choices(FILL, k=3), word], 4))
        silent = split == "train" and labelled is not None and place >= labelled
        tasks = {} if silent else {"Sort": {"gold": kind}}
        lines.append(json.dumps({"id": str(place), "payloads": {"text": text}, "tasks": tasks, "tags": [split]}))
    (root / "data" / "d.jsonl").write_text("\n".join(lines) + "\n")
    project = Project(root)
    run_stages(project, "compile", "label")
    return project


@pytest.fixture(scope="module")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("variants") / "p").root


@pytest.fixture
def project(small_project: Path, tmp_path: Path) -> Project:
    shutil.copytree(small_project, tmp_path / "p")
    return Project(tmp_path / "p")


def lock(project: Project, text: str) -> None:
    (project.root / "tuning.lock.yaml").write_text(f"answers: x\nvalues:\n  {QUICK}\n{text}")


VARIANTS = """variants:
- {name: large, values: {payloads: {text: {size: 32}}}}
- {name: small, values: {payloads: {text: {size: 8}}}, distill: large}
"""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_variants_are_trained_on_the_same_data_the_first_is_the_model(project: Project, tmp_path: Path) -> None:
    lock(project, VARIANTS)
    heard = Silent()
    train.run(project, tmp_path / "out", heard)
    model = tmp_path / "out/model"
    assert list(variants_of(model)) == ["small"]
    config, small = (json.loads((folder / "config.json").read_text()) for folder in (model, model / "variants/small"))
    assert (config["values"]["payloads"]["text"]["size"], small["values"]["payloads"]["text"]["size"]) == (32, 8)
    assert config["variant"]["data"] == small["variant"]["data"]
    assert small["variant"]["distill"] == "large"
    assert variant_name(model) == "large"
    assert stale_variants(model) == []
    assert [note.split(":")[0] for note in heard.notes] == ["large", "small"]

    train.run(project, tmp_path / "again", Silent())
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "out")

    small["variant"]["data"] = "of another day"
    (model / "variants/small/config.json").write_text(json.dumps(small))
    assert stale_variants(model) == ["small"]


def test_the_served_variant_is_what_it_would_be_alone(project: Project, tmp_path: Path) -> None:
    lock(project, VARIANTS)
    train.run(project, tmp_path / "both", Silent())
    lock(project, VARIANTS.rsplit("- {name: small", 1)[0])
    train.run(project, tmp_path / "one", Silent())
    assert bytes_of(tmp_path / "both/model")["weights.safetensors"] == bytes_of(tmp_path / "one/model")["weights.safetensors"]


def test_the_report_says_how_variants_differ_and_only_where_there_are_some(project: Project) -> None:
    lock(project, VARIANTS)
    run_stages(project, "train", "evaluate")
    report = json.loads((project.reports / "quality.json").read_text())
    found = report["variants"]
    assert found["served"] == "large"
    entry = found["others"]["small"]["tasks"]["Sort"]["splits"]["test"]
    served = report["tasks"]["Sort"]["splits"]["test"]["overall"]["accuracy"]["value"]
    assert entry["overall"]["n"] == 40
    assert entry["overall"]["served"] == pytest.approx(served)
    assert 0 <= entry["overall"]["disagreement"] <= 1
    assert abs(entry["overall"]["served"] - entry["overall"]["value"]) <= entry["overall"]["disagreement"] + 1e-6
    assert set(entry["slices"]) == {"cars"}
    lock(project, "")
    shutil.rmtree(project.model)
    run_stages(project, "train", "evaluate")
    assert "variants" not in json.loads((project.reports / "quality.json").read_text())


def test_each_variant_starts_from_the_same_variant_of_the_parent(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(project, VARIANTS)
    train.run(project, tmp_path / "first", Silent())

    def laid_out(_: Project, model: str, folder: Path) -> bool:
        shutil.copytree(tmp_path / "first/model", folder, dirs_exist_ok=True)
        return model == "d.dir"

    monkeypatch.setattr("ovt.stages.cached_models.lay_out", laid_out)
    (project.root / "ovt.yaml").write_text("train: {init: parent}")
    lock(project, "parent: d.dir\ninit: parent\nfreeze: []\n" + VARIANTS + "- {name: tiny, values: {payloads: {text: {size: 4}}}}\n")
    heard = Silent()
    train.run(Project(project.root), tmp_path / "second", heard)
    model = tmp_path / "second/model"
    for folder in (model, model / "variants/small"):
        start = json.loads((folder / "config.json").read_text())["start"]
        assert (start["new"], start["by_name"], start["not_used"]) == ({}, {}, [])
    assert "start" not in json.loads((model / "variants/tiny/config.json").read_text())
    assert "tiny: the parent version has no such variant, so it starts from scratch" in heard.notes


def disagreement(project: Project, lock_text: str) -> float:
    lock(project, lock_text)
    shutil.rmtree(project.model, ignore_errors=True)
    run_stages(project, "train", "evaluate")
    found = json.loads((project.reports / "quality.json").read_text())["variants"]["others"]["small"]
    value: float = found["tasks"]["Sort"]["splits"]["test"]["overall"]["disagreement"]
    return value


def test_a_distilled_small_one_answers_more_like_the_large_one(tmp_path: Path) -> None:
    """Ten labels and many unlabelled records: the teacher's answers on these are what the small one lacks."""
    project = compiled(tmp_path / "p", train_records=160, labelled=12)
    small = "- {name: small, values: {payloads: {text: {size: 8}}, words: {size: 8}}%s}\n"
    text = "variants:\n- {name: large, values: {payloads: {text: {size: 48}}, training: {epochs: 30}}}\n" + small
    alone, taught = disagreement(project, text % ""), disagreement(project, text % ", distill: large")
    assert taught < alone


def test_temperature_softens_and_keeps_the_order() -> None:
    from ovt.training.optimisation.distillation import soft_targets
    from ovt.training.predictions import TaskPredictions

    raw = np.asarray([[0.9, 0.09, 0.01]], np.float32)
    found = TaskPredictions(np.asarray([4]), raw, np.asarray([0], np.int32))
    soft = soft_targets(found, 2.0).probabilities
    logits = np.log(raw) / 2
    expected = np.exp(logits) / np.exp(logits).sum()
    assert soft == pytest.approx(expected, abs=1e-6)
    assert soft_targets(found, 1.0).probabilities == pytest.approx(raw, abs=1e-6)
    bits = TaskPredictions(np.asarray([0]), raw, raw > 0.5)
    odds = np.log(raw / (1 - raw)) / 2
    assert soft_targets(bits, 2.0).probabilities == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)
    picks = TaskPredictions(np.asarray([2, 3, 5]), np.asarray([0.8, 0.2, 1.0], np.float32), np.asarray([0, -1, 0], np.int32),
                            np.asarray([0, 2, 2, 3]))
    targets = soft_targets(picks, 2.0)
    assert targets.items.tolist() == [2, 5]
    assert targets.offsets is not None
    assert targets.offsets.tolist() == [0, 2, 3]
    assert targets.probabilities.tolist() == pytest.approx([2 / 3, 1 / 3, 1.0], abs=1e-6)


@pytest.mark.parametrize(("settings", "text", "what"), [
    ("train: {init: parent}", "", "`train.init: parent` was not looked up"),
    ("", "parent: d.dir\ninit: parent\n", "`train.init: scratch` was not looked up"),
    ("train: {init: parent}", "init: parent\nfreeze: [Sort]\n", "nothing can be frozen"),
])
def test_a_start_that_cannot_be_made_is_refused(settings: str, text: str, what: str, project: Project, tmp_path: Path) -> None:
    (project.root / "ovt.yaml").write_text(settings)
    lock(project, text)
    with pytest.raises(ProjectError, match=what):
        train.run(Project(project.root), tmp_path / "out", Silent())


def test_tools_write_beside_the_model_and_change_none_of_its_bytes(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    lock(project, "")
    train.run(project, tmp_path / "plain", Silent())
    with using(Tools(tmp_path / "events", tmp_path / "profile")):
        train.run(project, tmp_path / "watched", Silent())
    assert bytes_of(tmp_path / "plain") == bytes_of(tmp_path / "watched")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "events/model-0"))
    events.Reload()
    assert {"dev/criterion", "dev/Sort", "train/loss", "train/learning_rate"} <= set(events.Tags()["scalars"])
    assert [point.step for point in events.Scalars("dev/Sort")] == [1, 2, 3]
    assert "aten::" in (tmp_path / "profile/model-0/operators.txt").read_text()
    assert json.loads((tmp_path / "profile/model-0/trace.json").read_text())["traceEvents"]


def test_without_tensorboard_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ovt.errors import MissingError
    from ovt.training.transfer.tools import Events

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingError, match="TensorBoard is not installed") as error:
        Events(tmp_path / "e")
    assert "ovt[tensorboard]" in (error.value.command or "")


def _config(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "model/config.json").read_text())["training"])


TEAM = """
import os, sys
from pathlib import Path
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages import train
from ovt.training.threads import use_threads
use_threads(1)
from ovt.training.transfer.team import joined, listen, TRAIN
from ovt.training.transfer.tools import Tools, using
from ovt.workflows.together import follow, is_follower, equipped
project, out = Project(Path(sys.argv[1])), Path(sys.argv[2])
if is_follower():
    follow(project)
else:
    with equipped(Tools(), project):
        train.run(project, out, Silent())
"""


def in_processes(count: int, project: Project, out: Path) -> None:
    """What `torchrun` does: the same program several times, each told its rank."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {**os.environ, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, "-c", TEAM, str(project.root), str(out)], env={**environment, "RANK": str(rank)},
                         stderr=subprocess.PIPE, text=True)
        for rank in range(count)
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def test_every_row_of_a_batch_is_someones_and_a_tiny_batch_everyones() -> None:
    from ovt.training.transfer.team import Processes

    rows = np.arange(7) * 3
    shares = [Processes(rank, 3).share(rows) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == rows.tolist()
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(Processes(rank, 3).share(rows[:2]).tolist() == [0, 3] for rank in range(3))


@pytest.mark.slow
def test_two_processes_train_what_one_does_within_noise(project: Project, tmp_path: Path) -> None:
    lock(project, "")
    train.run(project, tmp_path / "one", Silent())
    in_processes(2, project, tmp_path / "two")
    one, two = _config(tmp_path / "one"), _config(tmp_path / "two")
    assert two["dev"]["Sort"] == pytest.approx(one["dev"]["Sort"], abs=0.1)
    assert not list((project.private / "scratch").iterdir())
    from safetensors.numpy import load_file

    first, second = (load_file(tmp_path / name / "model/weights.safetensors") for name in ("one", "two"))
    start = np.concatenate([value.ravel() for value in first.values()])
    found = np.concatenate([second[name].ravel() for name in first])
    assert np.corrcoef(start, found)[0, 1] > 0.98
    assert np.abs(start - found).max() > 0
