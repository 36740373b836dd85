from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ovt.training.optimisation.fit import train_targets
from ovt.training.optimisation.targets import TargetIndex, Targets, read_targets

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.training.optimisation.fit import Material


def test_labels_of_train_items_alone(material: Material, world: Project) -> None:
    store = material.store
    for task in store.schema.tasks:
        everything = read_targets(world.build / "labels", store, task)
        found = train_targets(world.build / "labels", store, task)
        assert found is not None
        assert everything is not None
        assert len(found.items) <= len(everything.items)
        assert (store.splits[store.rows_of_items(task, found.items)] == 0).all()
        assert (found.weights > 0).all()


def test_a_task_without_labels_has_none(material: Material, tmp_path) -> None:
    assert read_targets(tmp_path, material.store, "Intent") is None


def test_probabilities_of_multiclass_items_sum_to_one(material: Material) -> None:
    found = material.targets["POS"]
    assert found.probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert found.probabilities.shape == (len(found.items), len(material.store.classes["POS"]))


def test_record_targets_are_found_by_row(material: Material) -> None:
    targets = Targets(np.asarray([1, 5]), np.asarray([1, 0.5], np.float32), np.asarray([[1, 0], [0, 1]], np.float32))
    found = TargetIndex(material.store, "Intent", targets).read(np.asarray([0, 5, 1, 2]))
    assert found.places.tolist() == [1, 2]
    assert found.weights.tolist() == [0.5, 1]
    assert found.probabilities.tolist() == [[0, 1], [1, 0]]


def test_token_targets_are_found_by_row_and_position(material: Material) -> None:
    offsets = material.store.item_offsets("POS")
    items = np.asarray([offsets[2] + 1, offsets[3]])
    targets = Targets(items, np.ones(2, np.float32), np.eye(2, dtype=np.float32))
    found = TargetIndex(material.store, "POS", targets).read(np.asarray([3, 2]))
    width = int(np.diff(offsets)[[2, 3]].max())
    assert found.places.tolist() == [0, width + 1]
    assert found.probabilities.tolist() == [[0, 1], [1, 0]]


def test_select_targets_are_padded(material: Material) -> None:
    targets = Targets(np.asarray([0, 4]), np.ones(2, np.float32), np.asarray([0.2, 0.8, 1], np.float32), np.asarray([0, 2, 3]))
    index = TargetIndex(material.store, "IntentArg", targets)
    assert index.read(np.asarray([4, 0])).probabilities.tolist() == [[1, 0], pytest.approx([0.2, 0.8])]
    kept = targets.keep(np.asarray([False, True]))
    assert kept.items.tolist() == [4]
    assert kept.probabilities.tolist() == [1]
    assert kept.offsets.tolist() == [0, 1]
