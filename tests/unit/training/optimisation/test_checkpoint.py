from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ovt.progress import Silent
from ovt.training.model_files import save_model
from ovt.training.optimisation.checkpoint import KEPT, Checkpoint, clear
from ovt.training.optimisation.fit import Fitted, Material, fit
from ovt.training.optimisation.hooks import Hooks
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.training.optimisation.scores import DevScore

SMALL = {"size": 16, "encoder": "bag", "attention": "1x16"}
BRIEF = {
    "training": {"epochs": 4, "batch": 64}, "words": {"size": 16, "buckets": 256},
    "payloads": dict.fromkeys(("tokens", "query", "entities", "title", "device", "age", "picture", "side"), SMALL),
}


class Killed(BaseException):
    """What a signal would be."""


class Heard(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def values(material: Material) -> Values:
    return overlay(default_values(material.store.schema, measure(material.store)), BRIEF)


@pytest.fixture(scope="module")
def undisturbed(material: Material, values: Values) -> Fitted:
    return fit(material, values, 3, Silent())


def eager(folder: Path, project: Project, values: Values, seed: int = 3) -> Checkpoint:
    found = Checkpoint(folder, project.build, values, seed)
    found.seconds = 0.0
    return found


def die_after(epochs: int) -> object:
    def hear(epoch: int, score: DevScore) -> None:
        del score
        if epoch > epochs:
            raise Killed
    return hear


def bytes_of(folder: Path, fitted: Fitted) -> dict[str, bytes]:
    save_model(folder, fitted)
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(
    epochs: int, material: Material, world: Project, values: Values, undisturbed: Fitted, tmp_path: Path,
) -> None:
    folder = tmp_path / "checkpoints"
    with pytest.raises(Killed):
        fit(material, values, 3, Silent(), die_after(epochs), Hooks(checkpoint=eager(folder, world, values)))  # type: ignore[arg-type]
    heard = Heard()
    again = fit(material, values, 3, heard, hooks=Hooks(checkpoint=eager(folder, world, values)))
    assert heard.notes == [f"training goes on after epoch {epochs}, where it was interrupted"]
    assert bytes_of(tmp_path / "again", again) == bytes_of(tmp_path / "once", undisturbed)
    assert again.outcome == undisturbed.outcome


def test_a_finished_training_is_not_repeated(
    material: Material, world: Project, values: Values, undisturbed: Fitted, tmp_path: Path,
) -> None:
    fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=eager(tmp_path, world, values)))
    heard: list[int] = []
    again = fit(material, values, 3, Silent(), lambda epoch, _: heard.append(epoch),
                Hooks(checkpoint=eager(tmp_path, world, values)))
    assert heard == []
    assert bytes_of(tmp_path / "again", again) == bytes_of(tmp_path / "once", undisturbed)
    clear(tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_checkpoint_of_other_inputs_is_not_used(
    material: Material, world: Project, values: Values, tmp_path: Path,
) -> None:
    fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=eager(tmp_path / "c", world, values)))
    shutil.copytree(world.build, tmp_path / "build")
    other = overlay(values, {"training": {"epochs": 3}})
    with (tmp_path / "build/labels/POS.arrow").open("ab") as file:
        file.write(b"\0")
    paths = {Checkpoint(tmp_path / "c", world.build, values, 3).path, Checkpoint(tmp_path / "c", world.build, values, 4).path,
             Checkpoint(tmp_path / "c", world.build, other, 3).path, Checkpoint(tmp_path / "c", tmp_path / "build", values, 3).path,
             Checkpoint(tmp_path / "c", world.build, values, 3, "started elsewhere").path}
    assert len(paths) == 5
    heard = Heard()
    fit(material, values, 4, heard, hooks=Hooks(checkpoint=eager(tmp_path / "c", world, values, 4)))
    assert heard.notes == []


def test_a_damaged_checkpoint_is_as_none(
    material: Material, world: Project, values: Values, undisturbed: Fitted, tmp_path: Path,
) -> None:
    found = eager(tmp_path / "c", world, values)
    fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=found))
    content = found.path.read_bytes()
    found.path.write_bytes(content[:len(content) // 2])
    heard = Heard()
    again = fit(material, values, 3, heard, hooks=Hooks(checkpoint=eager(tmp_path / "c", world, values)))
    assert heard.notes == []
    assert bytes_of(tmp_path / "again", again) == bytes_of(tmp_path / "once", undisturbed)


def test_a_short_training_leaves_and_reads_nothing(
    material: Material, world: Project, values: Values, tmp_path: Path,
) -> None:
    checkpoint = Checkpoint(tmp_path, world.build, values, 3)
    fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=checkpoint))
    assert list(tmp_path.iterdir()) == []
    assert "path" not in vars(checkpoint)  # not even the inputs' digest was computed


def test_only_the_newest_stay(material: Material, world: Project, values: Values, tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        old = tmp_path / f"{number}.safetensors"
        old.write_bytes(b"old")
        os.utime(old, (number, number))
    fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=eager(tmp_path, world, values)))
    kept = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(kept) == KEPT
    assert {"0.safetensors", "1.safetensors", "2.safetensors"}.isdisjoint(kept)


KILLED = """
import os, signal, sys
from pathlib import Path
from ovt.data.store import Store
from ovt.progress import Silent
from ovt.project import Project
from ovt.training.threads import use_threads
use_threads(1)
from ovt.training.model_files import save_model
from ovt.training.optimisation.checkpoint import Checkpoint
from ovt.training.optimisation.fit import fit, load_material
from ovt.training.optimisation.hooks import Hooks
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

build, folder, out, dies = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
material = load_material(build, Store.open(build / "store"))
values = overlay(default_values(material.store.schema, measure(material.store)), {CHANGES})
checkpoint = Checkpoint(folder, build, values, 3)
checkpoint.seconds = 0.0
steps = [0]

class Watcher:
    def step(self, loss, rate):
        steps[0] += 1
        if steps[0] == dies:
            os.kill(os.getpid(), signal.SIGKILL)
    def epoch(self, number, score):
        pass

save_model(out, fit(material, values, 3, Silent(), hooks=Hooks(checkpoint=checkpoint, watcher=Watcher())))
"""


@pytest.mark.slow
def test_a_process_killed_again_and_again_ends_with_the_same_bytes(
    world: Project, values: Values, undisturbed: Fitted, tmp_path: Path,
) -> None:
    del values
    script = tmp_path / "train.py"
    script.write_text(KILLED.replace("{CHANGES}", repr(BRIEF)))
    command = [sys.executable, str(script), str(world.build), str(tmp_path / "c"), str(tmp_path / "out")]
    codes = [subprocess.run([*command, str(dies)], check=False, timeout=300).returncode for dies in (4, 9, 11, 0)]
    assert codes == [-signal.SIGKILL] * 3 + [0]
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == bytes_of(tmp_path / "once", undisturbed)
