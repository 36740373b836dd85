from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.training.inference import infer
from ovt.training.model_files import load_model, save_model
from ovt.training.optimisation.fit import Fitted, Material, fit, load_material
from ovt.training.predict import predict
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.project import Project

QUICK: dict[str, Any] = {"training": {"epochs": 14, "learning_rate": 0.008, "dropout": 0.1, "batch": 16, "patience": 14}}


def values_for(store: Store, changes: dict[str, Any] = QUICK) -> Values:
    return overlay(default_values(store.schema, measure(store)), changes)


@pytest.fixture(scope="module")
def fitted(material: Material) -> Fitted:
    return fit(material, values_for(material.store), 0, Silent())


@pytest.fixture(scope="module")
def model(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, fitted)
    return folder


@pytest.fixture(scope="module")
def test_records(world: Project) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (world.root / "data" / "records.jsonl").read_text().splitlines()]
    return [record for record in records if "test" in record["tags"] and record["id"] != "nulltest"]


def names_of(task: str, found: Any, classes: dict[str, list[str]]) -> list[Any]:
    """Decoded answers as the records write them."""
    if found.decoded.ndim == 2:
        return [tuple(name for name, on in zip(classes[task], row, strict=True) if on) for row in found.decoded]
    return [classes[task][code] if task in classes else int(code) for code in found.decoded]


def gold_items(task: str, records: list[dict[str, Any]], bitvector: bool) -> list[Any]:
    items: list[Any] = []
    for record in records:
        gold = record["tasks"][task]["gold"]
        per_item = gold if task in {"POS", "Slots", "Marks", "Kind", "Traits"} else [gold]
        items.extend(tuple(sorted(item)) if bitvector else item for item in per_item)
    return items


@pytest.mark.parametrize("task", ["POS", "Slots", "Marks", "Intent", "Topics", "IntentArg", "Kind", "Traits", "Adult"])
def test_every_kind_of_task_learns_what_holds_for_unseen_records(
    task: str, model: Path, material: Material, test_records: list[dict[str, Any]],
) -> None:
    store = material.store
    rows = store.rows_of([record["id"] for record in test_records])
    found = predict(model, store, rows)[task]
    gold = gold_items(task, test_records, store.schema.tasks[task].type == "bitvector")
    answers = names_of(task, found, store.classes)
    assert len(answers) == len(gold)
    accuracy = np.mean([answer == truth for answer, truth in zip(answers, gold, strict=True)])
    majority = Counter(gold).most_common(1)[0][1] / len(gold)
    assert accuracy > majority + 0.15


def test_the_same_seed_gives_the_same_bytes(material: Material, tmp_path: Path) -> None:
    values = values_for(material.store, {"training": {"epochs": 2}})
    digests = []
    for run in range(2):
        save_model(tmp_path / str(run), fit(material, values, 3, Silent()))
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                        for path in sorted((tmp_path / str(run)).rglob("*")) if path.is_file()})
    assert digests[0] == digests[1]
    assert "weights.safetensors" in digests[0]


def test_a_saved_model_predicts_what_the_trained_one_does(fitted: Fitted, model: Path, material: Material) -> None:
    rows = np.asarray([580, 3, 3, 583])
    here = infer(fitted.network, Reader(material.store, fitted.lexicon), rows)
    there = predict(model, material.store, rows)
    for task, found in here.items():
        assert np.array_equal(found.probabilities, there[task].probabilities)
        assert np.array_equal(found.decoded, there[task].decoded)
        assert np.array_equal(found.items, there[task].items)


def test_items_come_in_the_order_of_the_rows(model: Path, material: Material) -> None:
    store = material.store
    rows = np.asarray([7, 2, 401])
    found = predict(model, store, rows)
    offsets = store.item_offsets("POS")
    assert found["POS"].items.tolist() == [item for row in rows for item in range(offsets[row], offsets[row + 1])]
    assert found["Intent"].items.tolist() == rows.tolist()
    assert found["IntentArg"].offsets is not None
    assert found["IntentArg"].offsets.tolist() == [0, 2, 4, 6]
    assert np.add.reduceat(found["IntentArg"].probabilities, [0, 2, 4]) == pytest.approx(1, abs=1e-5)
    assert found["POS"].probabilities.sum(1) == pytest.approx(1, abs=1e-5)


def test_a_prediction_does_not_depend_on_its_batch(model: Path, material: Material) -> None:
    together = predict(model, material.store, np.arange(40))["Intent"].probabilities
    alone = predict(model, material.store, np.asarray([17]))["Intent"].probabilities
    assert alone[0] == pytest.approx(together[17], abs=1e-5)


def test_records_without_anything_get_an_answer(model: Path, material: Material) -> None:
    rows = material.store.rows_of(["null", "empty", "one", "nulltest"])
    found = predict(model, material.store, rows)
    assert np.isfinite(found["Intent"].probabilities).all()
    assert found["IntentArg"].decoded.tolist() == [-1] * 4
    assert found["IntentArg"].confidence().tolist() == [0] * 4
    assert len(found["POS"].items) == 1


def test_no_gold_on_dev_trains_all_epochs(material: Material) -> None:
    without = Material(material.store, material.targets, material.slices, material.members, None)
    found = fit(without, values_for(material.store, {"training": {"epochs": 2, "patience": 1}}), 0, Silent())
    assert (found.outcome.epochs, found.outcome.best_epoch, found.outcome.score) == (2, 2, None)


def test_the_best_epoch_is_kept(material: Material) -> None:
    heard: list[float] = []
    values = values_for(material.store, {"training": {"epochs": 8, "patience": 2, "learning_rate": 0.02}})
    found = fit(material, values, 0, Silent(), lambda _, score: heard.append(score.criterion))
    assert found.outcome.score is not None
    assert found.outcome.score.criterion == max(heard)
    assert found.outcome.best_epoch == heard.index(max(heard)) + 1
    assert found.outcome.epochs == len(heard)


@pytest.mark.parametrize("encoder", ["bag", "cnn", "transformer"])
def test_every_encoder_trains(encoder: str, material: Material) -> None:
    changes = {"payloads": {"tokens": {"encoder": encoder, "aggregation": "max"}, "query": {"aggregation": "mean"}},
               "slices": {"form": "none"}, "training": {"epochs": 3, "learning_rate": 0.01, "dropout": 0.0}}
    found = fit(material, values_for(material.store, changes), 0, Silent())
    assert found.outcome.score is not None
    assert found.outcome.score.tasks["POS"] > 0.8
    assert not found.network.slices


def test_class_rebalancing_helps_the_rare_class(material: Material) -> None:
    # A chain counts whole records; token by token it is the linear head that does.
    linear = {"tasks": {"Slots": {"head": "linear"}}}
    values = values_for(material.store, {"training": {"epochs": 1, "rebalance": 1.0, "learning_rate": 0.001}, **linear})
    plain = values_for(material.store, {"training": {"epochs": 1, "learning_rate": 0.001}, **linear})
    rows = np.flatnonzero(material.store.splits == 2)
    rare = material.store.classes["Slots"].index("B-owner")
    shares = []
    for chosen in (values, plain):
        found = fit(material, chosen, 0, Silent())
        shares.append(infer(found.network, Reader(material.store, found.lexicon), rows)["Slots"].probabilities[:, rare].mean())
    assert shares[0] > shares[1]


def test_membership_of_a_slice_is_learnt(fitted: Fitted, material: Material) -> None:
    import torch

    from ovt.training.network.network import to_tensors

    rows = np.flatnonzero(material.store.splits == 2)
    reader = Reader(material.store, fitted.lexicon)
    with torch.no_grad():
        logits = fitted.network(to_tensors(reader.read(rows))).memberships["query"][:, 0].numpy()
    inside = material.members[rows, 0]
    assert inside.any()
    assert np.mean((logits > 0) == inside) > 0.95


def test_nothing_to_learn_from_is_an_error(make_project: Callable[..., Project], stages: Callable[..., None], tmp_path: Path) -> None:
    schema = {"payloads": {"item": {"type": "singleton"}}, "tasks": {"Label": {"payload": "item", "type": "multiclass"}}}
    records = [{"id": str(place), "payloads": {"item": "x"}, "tasks": {"Label": {"gold": "a"}}, "tags": ["test"]} for place in range(3)]
    project = make_project(tmp_path / "p", records, schema)
    stages(project, "compile", "label")
    with pytest.raises(ProjectError, match="nothing to learn from"):
        load_material(project.build, Store.open(project.build / "store"))


def test_a_model_folder_is_plain_files(model: Path) -> None:
    names = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}
    assert names == {"weights.safetensors", "config.json", "signature.json", "vocabulary/words.json",
                     "vocabulary/names.device.json", "vocabulary/names.entities%2Eid.json"}
    signature = json.loads((model / "signature.json").read_text())
    assert signature["outputs"]["IntentArg"] == {
        "payload": "entities", "type": "select", "per": "record", "shape": [], "probabilities": "one per member",
        "label": "position of a member, null without any"}
    assert signature["outputs"]["POS"]["classes"] == ["ADJ", "DET", "NAME", "NOUN", "VERB"]
    assert signature["inputs"]["picture"] == {
        "type": "singleton", "nullable": True, "dtype": "vector", "length": 3, "value": "number", "shape": [3]}
    network, lexicon = load_model(model)
    assert network.blueprint.slices == ("boats",)
    assert "the" in lexicon.words.words
