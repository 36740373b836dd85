from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.training.tuning.lock import LOCK_FILE, read_lock
from ovt.training.tuning.search import tune
from ovt.training.tuning.spec import SPEC_FILE, answers

if TYPE_CHECKING:
    from ovt.project import Project

CHOICES = """
training: {epochs: 3, learning_rate: [0.00001, 0.01], dropout: 0.1, batch: 16}
payloads: {tokens: {encoder: [bag, cnn], size: 32}}
search: {trials: 3, minutes: 5}
"""


def test_a_search_finds_the_better_choice_and_goes_on_where_it_was(world_copy: Project) -> None:
    (world_copy.root / SPEC_FILE).write_text(CHOICES)
    assert not answers(world_copy)
    heard = Silent()
    lock = tune(world_copy, heard)
    assert lock.values["training"]["learning_rate"] == pytest.approx(0.01)
    assert (lock.values["training"]["epochs"], lock.values["payloads"]["tokens"]["size"]) == (3, 32)
    assert sum(note.startswith("trial ") for note in heard.notes) <= 3
    assert answers(world_copy)
    assert read_lock(world_copy.root) == lock

    first = (world_copy.root / LOCK_FILE).read_bytes()
    again = Silent()
    tune(world_copy, again)
    assert not any(note.startswith("trial ") for note in again.notes)
    assert (world_copy.root / LOCK_FILE).read_bytes() == first

    (world_copy.root / SPEC_FILE).write_text(CHOICES.replace("[bag, cnn]", "[bag, lstm]"))
    assert not answers(world_copy)


def test_pins_alone_need_no_search_and_no_data(world_copy: Project) -> None:
    import shutil

    shutil.rmtree(world_copy.build)
    (world_copy.root / SPEC_FILE).write_text("training: {batch: 16}")
    lock = tune(world_copy, Silent())
    assert lock.values == {"training": {"batch": 16}}
    assert lock.score is None
    assert answers(world_copy)


def test_a_search_without_a_spec_labels_or_gold_says_what_is_missing(world_copy: Project) -> None:
    import shutil

    with pytest.raises(MissingError, match="nothing to search"):
        tune(world_copy, Silent())
    (world_copy.root / SPEC_FILE).write_text(CHOICES)
    shutil.rmtree(world_copy.build / "gold/dev")
    with pytest.raises(ProjectError, match="nothing to choose by"):
        tune(world_copy, Silent())
    shutil.rmtree(world_copy.build / "labels")
    with pytest.raises(MissingError, match="labels were not made"):
        tune(world_copy, Silent())
