"""The same inputs give the same bytes, however busy the machine is."""

from __future__ import annotations

import hashlib
import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

from ovt.progress import Silent
from ovt.training.model_files import save_model
from ovt.training.optimisation.fit import Material, fit
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAYLOADS = ("tokens", "query", "entities", "title", "device", "age", "picture", "side")
LITTLE: dict[str, Any] = {
    "payloads": {name: {"size": 16, "attention": "1x16"} for name in PAYLOADS}, "words": {"size": 16, "buckets": 256},
    "training": {"epochs": 1, "batch": 64},
}
FORMS = ("lowrank", "sram", "logit")


def spin() -> None:
    """Keep a core busy until killed."""
    number = 1
    while True:
        number = number * 48271 % 2147483647


@pytest.fixture
def busy() -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    yield
    process.kill()
    process.join()
    process.close()


def digest(material: Material, form: str, folder: Path) -> str:
    values = overlay(overlay(default_values(material.store.schema, measure(material.store)), LITTLE),
                     {"slices": {"form": form}})
    save_model(folder, fit(material, values, 5, Silent()))
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


@pytest.mark.usefixtures("busy")
def test_three_trainings_beside_a_busy_process_give_the_same_bytes(material: Material, tmp_path: Path) -> None:
    assert len({digest(material, "lowrank", tmp_path / str(run)) for run in range(3)}) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("form", FORMS)
def test_twenty_trainings_beside_a_busy_process_give_the_same_bytes(
    form: str, material: Material, tmp_path: Path,
) -> None:
    assert len({digest(material, form, tmp_path / str(run)) for run in range(20)}) == 1
