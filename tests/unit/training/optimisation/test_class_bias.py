from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from ovt.training.inference import infer
from ovt.training.lexicon import build_lexicon
from ovt.training.network.network import Network
from ovt.training.optimisation.class_bias import FEWEST, class_bias, correct_class_biases
from ovt.training.optimisation.fit import blueprint
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure

if TYPE_CHECKING:
    from ovt.training.optimisation.fit import Material


def shifted(n: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model that believes two classes equally frequent, and a truth in which the second has a share."""
    random = np.random.default_rng(seed)
    gold = (random.random(n) < share).astype(np.int64)
    evidence = np.where(gold == 1, 1.0, -1.0) + random.normal(size=n)  # log odds of 2 × evidence is exact at a half
    return np.column_stack([np.zeros(n), 2 * evidence]), gold


def test_a_shifted_balance_is_found_and_answers_get_better() -> None:
    logits, gold = shifted(2000, 0.9)
    bias = class_bias(logits, gold, np.arange(2000))
    assert bias is not None
    assert bias[1] - bias[0] == pytest.approx(np.log(0.9 / 0.1), abs=0.35)
    fresh, truth = shifted(20_000, 0.9, seed=1)
    assert ((fresh + bias).argmax(1) == truth).mean() > (fresh.argmax(1) == truth).mean() + 0.02


def test_a_model_that_is_right_about_the_balance_hardly_moves() -> None:
    logits, gold = shifted(2000, 0.5)
    bias = class_bias(logits, gold, np.arange(2000))
    assert bias is None or abs(bias[1] - bias[0]) < 0.3


def test_few_dev_items_change_nothing() -> None:
    logits, gold = shifted(FEWEST - 1, 0.9)
    assert class_bias(logits, gold, np.arange(len(gold))) is None


@pytest.fixture
def network(material: Material) -> Network:
    """Knows nothing, and believes that the rarest class of `Kind` is the most frequent."""
    values = default_values(material.store.schema, measure(material.store))
    torch.manual_seed(0)
    found = Network(blueprint(material, values, build_lexicon(material.store, values.words)))
    with torch.no_grad():
        found.head("Kind").linear.bias[rarest(material)] += 3.0
    return found


def rarest(material: Material) -> int:
    assert material.gold is not None
    known = material.gold.answers["Kind"][material.gold.known["Kind"]]
    return int(np.bincount(known, minlength=len(material.store.classes["Kind"])).argmin())


def reader_of(material: Material, network: Network) -> Reader:
    return Reader(material.store, build_lexicon(material.store, network.blueprint.values.words))


def test_heads_are_moved_in_place_and_held_tasks_are_not(material: Material, network: Network) -> None:
    assert material.gold is not None
    before = {name: value.clone() for name, value in network.state_dict().items()}
    changed = correct_class_biases(network, reader_of(material, network), material.gold, frozenset({"POS"}))
    assert "Kind" in changed
    assert "POS" not in changed
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {f"heads.@{task}.linear.bias" for task in changed}


def test_it_gives_the_better_answers_on_dev(material: Material, network: Network) -> None:
    assert material.gold is not None
    reader, gold = reader_of(material, network), material.gold

    def right() -> float:
        found = infer(network, reader, gold.rows, tasks=["Kind"])["Kind"].decoded
        return float((found == gold.answers["Kind"])[gold.known["Kind"]].mean())

    before = right()
    correct_class_biases(network, reader, gold, frozenset())
    assert right() > before
