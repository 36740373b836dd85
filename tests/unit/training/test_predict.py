from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ovt.errors import MissingError
from ovt.training.predict import in_classes, predict
from ovt.training.predictions import TaskPredictions

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.training.fit import Material


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
