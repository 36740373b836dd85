from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.errors import MissingError
from ovt.progress import Silent
from ovt.training.model_files import save_model
from ovt.training.optimisation.fit import fit
from ovt.training.predict import in_classes, predict
from ovt.training.predictions import TaskPredictions
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.project import Project
    from ovt.training.optimisation.fit import Material


def test_classes_of_another_store_are_found_by_name() -> None:
    own = TaskPredictions(np.arange(2), np.asarray([[0.7, 0.3], [0.1, 0.9]], np.float32), np.asarray([0, 1], np.int32))
    found = in_classes(own, ["a", "gone"], ["a", "b", "new"])
    assert found.probabilities.tolist() == [pytest.approx([0.7, 0, 0]), pytest.approx([0.1, 0, 0])]
    assert found.decoded.tolist() == [0, -1]
    assert found.confidence().tolist() == pytest.approx([0.7, 0])
    assert in_classes(own, ["a", "b"], ["a", "b"]) is own


def test_bits_of_another_store_are_found_by_name() -> None:
    own = TaskPredictions(np.arange(1), np.asarray([[0.7, 0.3]], np.float32), np.asarray([[True, False]]))
    found = in_classes(own, ["b", "a"], ["a", "b"])
    assert found.decoded.tolist() == [[False, True]]
    assert found.confidence().tolist() == pytest.approx([0.7 * 0.7])


def test_confidence_of_a_select_task() -> None:
    found = TaskPredictions(np.arange(2), np.asarray([0.4, 0.6], np.float32), np.asarray([1, -1], np.int32), np.asarray([0, 2, 2]))
    assert found.confidence().tolist() == pytest.approx([0.6, 0])


def test_no_model_is_said_so(material: Material, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no model here"):
        predict(tmp_path, material.store, np.arange(3))


@pytest.fixture(scope="module")
def small_model(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained for an epoch: what it says does not matter here."""
    folder = tmp_path_factory.mktemp("model")
    values = overlay(default_values(material.store.schema, measure(material.store)), {"training": {"epochs": 1}})
    save_model(folder, fit(material, values, 0, Silent()))
    return folder


def other_store(world: Project, change: Callable[[dict[str, Any], list[dict[str, Any]]], None], tmp_path: Path,
                make_project: Callable[..., Project], stages: Callable[..., None]) -> Store:
    """The world with another schema or other records, compiled: a later version's."""
    schema = json.loads((world.root / "schema.json").read_text())
    records = [json.loads(line) for line in (world.root / "data/records.jsonl").read_text().splitlines()][-160:]
    change(schema, records)
    project = make_project(tmp_path / "later", records, schema)
    stages(project, "compile")
    return Store.open(project.build / "store")


def test_a_model_answers_for_the_records_of_a_later_version(
    world: Project, material: Material, small_model: Path, tmp_path: Path, make_project: Callable[..., Project],
    stages: Callable[..., None],
) -> None:
    """Other words, another class, one payload and one task more, one task less: the rest is as before."""
    def grow(schema: dict[str, Any], records: list[dict[str, Any]]) -> None:
        schema["payloads"]["score"] = {"type": "singleton", "dtype": "number"}
        schema["tasks"]["Good"] = {"payload": "score", "type": "multiclass", "classes": ["no", "yes"]}
        del schema["tasks"]["POS"]
        for record in records:
            record["tasks"].pop("POS", None)
        records[0]["tasks"]["Intent"] = {"crowd": "a-new-class"}

    store = other_store(world, grow, tmp_path, make_project, stages)
    assert "a-new-class" in store.classes["Intent"]
    same = [row for row in range(store.n) if str(store.ids[row].as_py()).startswith("r")][-30:]
    names = [store.ids[row].as_py() for row in same]
    found = predict(small_model, store, np.asarray(same))
    before = predict(small_model, material.store, material.store.rows_of(names))
    assert sorted(found) == sorted(set(before) - {"POS"})
    new = store.classes["Intent"].index("a-new-class")
    assert (found["Intent"].probabilities[:, new] == 0).all()
    kept = [store.classes["Intent"].index(name) for name in material.store.classes["Intent"]]
    assert found["Intent"].probabilities[:, kept] == pytest.approx(before["Intent"].probabilities, abs=1e-5)
    assert found["IntentArg"].probabilities == pytest.approx(before["IntentArg"].probabilities, abs=1e-5)


@pytest.mark.parametrize(("change", "why"), [
    (lambda payloads: payloads["tokens"].update(max_length=9), "`tokens` changed"),
    (lambda payloads: payloads.pop("device"), "`device` is gone"),
])
def test_a_payload_that_the_model_reads_and_that_is_another_is_said_so(
    change: Callable[[dict[str, Any]], object], why: str, world: Project, small_model: Path, tmp_path: Path,
    make_project: Callable[..., Project], stages: Callable[..., None],
) -> None:
    def shrink(schema: dict[str, Any], records: list[dict[str, Any]]) -> None:
        change(schema["payloads"])
        if "device" not in schema["payloads"]:
            schema["payloads"]["query"]["base"].remove("device")
            for record in records:
                record["payloads"].pop("device", None)

    store = other_store(world, shrink, tmp_path, make_project, stages)
    with pytest.raises(MissingError, match="other payloads") as error:
        predict(small_model, store, np.arange(3))
    assert why in str(error.value)
