"""A world with every kind of payload and task, networks of it with random weights, and a bundle of one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.store import Store
from ovt.training.optimisation.fit import Fitted, Material, build, load_material
from ovt.training.optimisation.outcome import Outcome
from ovt.training.threads import use_threads
from ovt.training.tuning.values import PayloadValues, SliceValues, TaskValues, Values, WordValues
from tests.unit.training.conftest import make_record, odd_records, run_stages, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network

SIZE = 16


@dataclass(frozen=True)
class Choices:
    """What a network of the world is built of."""

    encoder: str = "cnn"
    aggregation: str = "attention"
    embedding: str = "learned"
    form: str = "lowrank"
    chains: bool = False


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads that wait for each other on a busy machine make tests crawl."""
    use_threads(1)


@pytest.fixture(scope="session")
def records() -> list[dict[str, Any]]:
    """Every kind of payload; nulls, empty sets and lists, one token, words that train has not."""
    rng = random.Random(5)
    splits = ["train"] * 60 + ["dev"] * 20 + ["test"] * 60
    made = [make_record(number, split, rng) for number, split in enumerate(splits)] + odd_records()
    for record in odd_records():
        made.append({**record, "id": f"test-{record['id']}", "tasks": {}, "tags": ["test"]})
    return made


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]) -> Project:
    """The world, compiled and labelled."""
    project = write_project(tmp_path_factory.mktemp("serving") / "project", records)
    run_stages(project, "compile", "label")
    return project


@pytest.fixture(scope="session")
def material(world: Project) -> Material:
    """What a model learns from in the world."""
    return load_material(world.build, Store.open(world.build / "store"))


def random_network(material: Material, choices: Choices) -> tuple[Network, Lexicon]:
    """A network with random weights everywhere, also where training starts from zero."""
    import torch

    schema = material.store.schema
    payload = PayloadValues(encoder=choices.encoder, size=SIZE, aggregation=choices.aggregation, attention="2x8",
                            embedding=choices.embedding)
    tasks = {name: TaskValues(head="crf") for name in ("POS", "Slots")} if choices.chains else {}
    values = Values(payloads=dict.fromkeys(schema.payloads, payload), words=WordValues(size=SIZE, buckets=256),
                    slices=SliceValues(form=choices.form, rank=2), tasks=tasks)
    torch.manual_seed(3)
    network, lexicon = build(material, values)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.5)
    return network.eval(), lexicon


@pytest.fixture(scope="session")
def plain(material: Material) -> tuple[Network, Lexicon]:
    """The default network."""
    return random_network(material, Choices(chains=True))


@pytest.fixture(scope="session")
def content(plain: tuple[Network, Lexicon]) -> bytes:
    """It exported."""
    from ovt.serving.export import to_onnx

    return to_onnx(*plain)


@pytest.fixture(scope="session")
def model_folder(plain: tuple[Network, Lexicon], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the train stage would have written of it."""
    from ovt.training.model_files import save_model

    folder = tmp_path_factory.mktemp("trained") / "model"
    save_model(folder, Fitted(*plain, Outcome(1, 1, None)))
    return folder


@pytest.fixture(scope="session")
def bundle(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle; tests must not change it."""
    from ovt.serving.bundle import Request, write_bundle

    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(folder, model_folder, Request(key="0" * 64, mlflow=True))
    return folder
