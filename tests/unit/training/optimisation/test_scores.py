from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.votes import Votes
from ovt.training.optimisation.outcome import Outcome
from ovt.training.optimisation.scores import DevGold, align_gold, items_of_rows, score
from ovt.training.predictions import TaskPredictions

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.project import Project
    from ovt.training.optimisation.fit import Material


def perfect(store: Store, gold: DevGold, task: str) -> TaskPredictions:
    """Predictions that are the gold."""
    items, _ = items_of_rows(store, task, gold.rows)
    return TaskPredictions(items, np.zeros(0, np.float32), gold.answers[task].copy())


@pytest.fixture
def gold(material: Material) -> DevGold:
    assert material.gold is not None
    return material.gold


def nobody(gold: DevGold) -> np.ndarray:
    return np.zeros((len(gold.rows), 0), bool)


def test_gold_is_what_the_records_say(material: Material, gold: DevGold, world: Project) -> None:
    records = [json.loads(line) for line in (world.root / "data" / "records.jsonl").read_text().splitlines()]
    dev = [record for record in records if "dev" in record["tags"]]
    assert len(gold.rows) == len(dev)
    wanted: list[Any] = [answer for record in dev for answer in record["tasks"]["POS"]["gold"]]
    assert [material.store.classes["POS"][code] for code in gold.answers["POS"]] == wanted
    topics = [set(record["tasks"]["Topics"]["gold"]) for record in dev]
    names = np.asarray(material.store.classes["Topics"])
    assert [set(names[row].tolist()) for row in gold.answers["Topics"]] == topics


def test_perfect_predictions_score_one_per_task_and_slice(material: Material, gold: DevGold) -> None:
    store = material.store
    predictions = {task: perfect(store, gold, task) for task in store.schema.tasks}
    found = score(predictions, gold, store, nobody(gold), 0.5)
    assert found.tasks == dict.fromkeys(store.schema.tasks, 1.0)
    assert found.criterion == pytest.approx(1)
    sliced = score(predictions, gold, store, np.ones((len(gold.rows), 1), bool), 0.5)
    assert sliced.criterion == pytest.approx(1.5)


def test_errors_count_in_the_slice_they_are_in(material: Material, gold: DevGold) -> None:
    store = material.store
    one = DevGold(gold.rows, {"Intent": gold.answers["Intent"]}, gold.known, gold.owners)
    wrong = perfect(store, one, "Intent")
    wrong.decoded[:12] = (wrong.decoded[:12] + 1) % len(store.classes["Intent"])
    members = np.zeros((len(gold.rows), 2), bool)
    members[:24, 0] = True
    members[:3, 1] = True  # too few to say anything
    found = score({"Intent": wrong}, one, store, members, 0.5)
    overall = 1 - 12 / len(gold.rows)
    assert found.tasks["Intent"] == pytest.approx(overall)
    assert found.criterion == pytest.approx(overall + 0.5 * 0.5)


def test_items_without_gold_do_not_count(material: Material, gold: DevGold) -> None:
    store = material.store
    votes = Votes.build(np.asarray([0, 1]), np.zeros(2, np.int32), np.asarray([0, 1], np.int32), ("gold",), store.n_items("POS"))
    part = align_gold({"POS": votes}, store)
    assert part.known["POS"].sum() == 2
    decoded = np.full(len(part.known["POS"]), 2, np.int32)
    decoded[0] = 0
    items, _ = items_of_rows(store, "POS", part.rows)
    found = score({"POS": TaskPredictions(items, np.zeros(0, np.float32), decoded)}, part, store, nobody(part), 0.5)
    assert found.tasks["POS"] == pytest.approx(0.5)
    assert len(gold.rows) > len(part.rows)


def test_a_criterion_that_knows_slices_keeps_a_later_epoch_that_is_better_on_them(
    material: Material, gold: DevGold,
) -> None:
    """As noise is learnt by heart the whole falls a little, while a rare slice only now comes: two curves of a training.

    The epoch is chosen on the first half of the records, and judged by the slice on the second.
    """
    store, random = material.store, np.random.default_rng(0)
    one = DevGold(gold.rows, {"Intent": gold.answers["Intent"]}, gold.known, gold.owners)
    inside = np.arange(len(gold.rows)) % 3 == 0
    first = np.arange(len(gold.rows)) < len(gold.rows) // 2
    halves = [DevGold(gold.rows[part], {"Intent": gold.answers["Intent"][part]}, {"Intent": gold.known["Intent"][part]},
                      {"Intent": np.arange(part.sum())}) for part in (first, ~first)]
    luck = random.random(len(gold.rows))
    curves = enumerate([(0.1, 0.6), (0.2, 1.0), (0.3, 0.95), (0.7, 0.75), (0.7, 0.7)], 1)
    right = {epoch: luck < np.where(inside, slices, outside) for epoch, (slices, outside) in curves}

    def kept(weight: float) -> int:
        outcome = Outcome()
        for epoch, hits in right.items():
            found = perfect(store, one, "Intent")
            decoded = np.where(hits, found.decoded, (found.decoded + 1) % len(store.classes["Intent"]))[first]
            half = TaskPredictions(found.items[first], found.probabilities, decoded.astype(np.int32))
            outcome.note(epoch, score({"Intent": half}, halves[0], store, inside[first, None], weight))
        return outcome.best_epoch

    overall, aware = kept(0.0), kept(0.5)
    assert (overall, aware) == (2, 4)
    assert right[aware][inside & ~first].mean() > right[overall][inside & ~first].mean() + 0.2
