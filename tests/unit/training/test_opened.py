"""A model opened for a notebook, and drawn."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.render.network import WIDTH, network_json, network_text
from ovt.repository import open_repository
from ovt.training.explanation import Origins, draw, shapes_of
from ovt.training.model_files import save_model
from ovt.training.opened import OpenedModel
from ovt.training.optimisation.fit import Material, fit
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay
from ovt.workflows.review.network import explain_model, open_model

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project


@pytest.fixture(scope="module")
def home(world: Project, material: Material, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The world beside a model of it."""
    from ovt.project import Project as Opened

    root = tmp_path_factory.mktemp("opened") / "project"
    shutil.copytree(world.root, root)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    values = overlay(default_values(material.store.schema, measure(material.store)), {
        "training": {"epochs": 1, "batch": 64}, "tasks": {"Slots": {"head": "crf"}}})
    save_model(root / "model", fit(material, values, 0, Silent()))
    return Opened(root)


@pytest.fixture(scope="module")
def model(home: Project) -> OpenedModel:
    return open_model(home, "workspace")


def lines_of(home: Project) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.root / "data" / "records.jsonl").read_text().splitlines()]


def test_records_are_represented_like_their_rows(home: Project, model: OpenedModel) -> None:
    records = [*lines_of(home)[:4], *(record for record in lines_of(home) if record["id"] in {"null", "empty", "one"})]
    store = open_repository(home.root).store()
    rows = [store.row_of(record["id"]) for record in records]
    by_row, by_record = model.represent(rows), model.represent(records)  # type: ignore[arg-type]
    assert set(by_row) == set(store.schema.payloads)
    for name, found in by_row.items():
        size = model.network.blueprint.size(name)
        assert found.vectors.shape == (len(rows), size)
        assert np.allclose(found.vectors, by_record[name].vectors, atol=1e-5)
        assert np.allclose(found.elements, by_record[name].elements, atol=1e-5)
    tokens = by_row["tokens"]
    assert len(tokens.of(0)) == len(records[0]["payloads"]["tokens"])
    assert tokens.vectors[0] == pytest.approx(tokens.of(0).mean(0), abs=1e-5)
    assert [len(tokens.of(place)) for place in (4, 5, 6)] == [1, 1, 1]  # a learned vector stands for nothing


def test_order_and_company_change_nothing(model: OpenedModel) -> None:
    together = model.represent(range(300))["query"].vectors
    assert np.allclose(model.represent([299, 7])["query"].vectors, together[[299, 7]], atol=1e-5)
    assert model.represent([])["query"].vectors.shape[0] == 0


def test_tables_by_name(model: OpenedModel) -> None:
    words = model.words(["show", "never-seen", "show"])["learned"]
    assert np.array_equal(words.vectors[0], words.vectors[2])
    assert np.abs(words["never-seen"]).sum() > 0
    assert len(model.words()["learned"].names) == model.network.blueprint.words
    members = model.members("entities")
    assert members["name:ada"].shape == (members.vectors.shape[1],)
    with pytest.raises(KeyError):
        members["nobody"]
    with pytest.raises(MissingError, match="no members"):
        model.members("tokens")
    assert set(model.embeddings) == set(model.network.order)
    assert "parameters" in repr(model)


def test_what_is_no_record_is_refused(home: Project, model: OpenedModel) -> None:
    with pytest.raises(ProjectError, match="record 0"):
        model.represent([{"payloads": {"tokens": 3}}])
    elsewhere = OpenedModel(model.network, model.lexicon, model._read)
    with pytest.raises(MissingError, match="no rows"):
        elsewhere.represent([0])


def drawn(model: Path, origins: Origins) -> Any:
    return draw(json.loads((model / "config.json").read_text()), shapes_of(model / "weights.safetensors"), origins)


def test_the_drawing_tells_all_and_fits(home: Project, model: OpenedModel) -> None:
    origins = Origins({("payloads", "tokens", "encoder")}, {("tasks", "Slots", "head"), ("training", "batch")})
    drawing = drawn(home.root / "model", origins)
    assert [payload.name for payload in drawing.payloads] == model.network.order
    state = model.network.state_dict()
    assert drawing.parameters == sum(found.numel() for found in state.values())
    parts = sum(payload.parameters + sum(task.parameters for task in payload.tasks) for payload in drawing.payloads)
    assert drawing.parameters == parts + sum(drawing.words.values()) + drawing.slice_parameters
    text = network_text(drawing)
    assert max(map(len, text.splitlines())) <= WIDTH
    for said in ("encoder lstm *", "head crf =", "best valid BIO path", "batch 64 =",
                 "boats", "query ← tokens, device, entities", "entities ← tokens", "attention among members"):
        assert said in text
    assert json.loads(json.dumps(network_json(drawing)))["format"] == "ovt.model-explain/1"


def test_without_a_model_it_says_what_to_do(world_copy: Project) -> None:
    subprocess.run(["git", "init", "-q", str(world_copy.root)], check=True)
    with pytest.raises(MissingError, match="no model"):
        explain_model(world_copy, "workspace")


def test_what_tuning_yaml_pins_is_marked(home: Project) -> None:
    (home.root / "tuning.yaml").write_text("payloads: {tokens: {size: [64, 32], encoder: lstm}}\n")
    found = {choice.name: choice.origin for choice in next(
        payload for payload in explain_model(home).payloads if payload.name == "tokens").choices}
    assert found == {"size": "searched", "encoder": "pinned", "embedding": "default"}
