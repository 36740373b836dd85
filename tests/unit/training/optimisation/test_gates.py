from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from ovt.progress import Silent
from ovt.training.optimisation.fit import Material, build, fit, repeatable_torch
from ovt.training.optimisation.gates import against_chance, hold_outside, layers, shut_unknown, surely_lost
from ovt.training.optimisation.lesson import Lesson
from ovt.training.optimisation.targets import TargetIndex
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from ovt.training.network.network import Network

SMALL = {"size": 24, "encoder": "bag", "attention": "2x12"}
QUICK = {"training": {"epochs": 6, "learning_rate": 0.02, "dropout": 0.1, "batch": 32, "patience": 6},
         "words": {"size": 24, "buckets": 512},
         "payloads": dict.fromkeys(("tokens", "query", "entities", "title", "device", "age", "picture", "side"), SMALL)}


def values_for(material: Material, changes: dict[str, dict[str, object]]) -> Values:
    return overlay(overlay(default_values(material.store.schema, measure(material.store)), QUICK), changes)


def with_slices(material: Material, names: tuple[str, ...], members: np.ndarray) -> Material:
    return replace(material, slices=names, members=members)


@pytest.fixture(scope="module")
def known_and_noise(material: Material) -> Material:
    """A slice that the text shows, and one that nothing shows."""
    boats = material.members[:, 0]
    noise = np.random.default_rng(5).random(material.store.n) < 0.25
    return with_slices(material, ("boats", "noise"), np.column_stack([boats, noise]))


def lesson_of(material: Material, network: Network, lexicon: object) -> Lesson:
    del network
    targets = {task: TargetIndex(material.store, task, found) for task, found in material.targets.items()}
    return Lesson(Reader(material.store, lexicon), material.rows, targets, material.members, material.gold)  # type: ignore[arg-type]


def test_average_precision_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    scores, inside = random.random(200), random.random(200) < 0.2
    low, found, chance = against_chance(scores, inside)
    assert found == pytest.approx(average_precision_score(inside, scores))
    assert low < found
    assert inside.mean() < chance < 3 * inside.mean()


def test_random_rankings_are_at_chance_and_good_ones_are_not() -> None:
    random = np.random.default_rng(1)
    inside = np.arange(1000) < 20
    at_chance = [low <= chance for low, _, chance in (against_chance(random.random(1000), inside) for _ in range(40))]
    assert np.mean(at_chance) >= 0.9
    low, _, chance = against_chance(random.random(1000) + 0.8 * inside, inside)
    assert low > chance


def test_the_expert_of_a_slice_that_nothing_shows_is_shut(known_and_noise: Material) -> None:
    fitted = fit(known_and_noise, values_for(known_and_noise, {}), 0, Silent())
    shut = {health.slice for health in fitted.outcome.health if health.scale == 0}
    assert shut == {"noise"}
    (query, layer), *_ = [pair for pair in layers(fitted.network) if pair[0] == "query"]
    assert layer.scale.tolist() == [1.0, 0.0]
    assert f"the expert of slice `noise` ({query}) is shut: its indicator is near chance" in str(
        next(health for health in fitted.outcome.health if health.payload == query))
    assert fitted.outcome.score is not None
    assert fitted.outcome.score.tasks["POS"] > 0.8  # the rest learned to do without


def test_slices_with_few_dev_members_are_not_judged(known_and_noise: Material) -> None:
    assert known_and_noise.gold is not None
    few = known_and_noise.members.copy()
    few[known_and_noise.gold.rows[9:], 1] = False
    material = with_slices(known_and_noise, ("boats", "noise"), few)
    with repeatable_torch(0):
        network, lexicon = build(material, values_for(material, {}))
        shut = shut_unknown(network, lesson_of(material, network, lexicon))
    assert "noise" not in {health.slice for health in shut}


def test_an_expert_that_ruins_the_rest_is_turned_down(known_and_noise: Material) -> None:
    material = with_slices(known_and_noise, ("boats",), known_and_noise.members[:, :1])
    fitted = fit(material, values_for(material, {}), 0, Silent())
    lesson = lesson_of(material, fitted.network, fitted.lexicon)
    before = {name: layer.scale.clone() for name, layer in layers(fitted.network)}
    with repeatable_torch(0):
        assert hold_outside(fitted.network, lesson, 0.005) == []
        for name, layer in layers(fitted.network):
            torch.testing.assert_close(layer.scale, before[name])
        layer = fitted.network.slice_layer("tokens")
        assert layer is not None
        with torch.no_grad():
            layer.membership.bias.fill_(20.0)  # open to everybody
            layer.out.normal_(std=3.0)
        turned = hold_outside(fitted.network, lesson, 0.005)
    assert [(health.slice, health.payload, health.scale) for health in turned] == [("boats", "tokens", 0.0)]
    assert not layer.scale.any()


def test_what_is_lost_must_be_more_than_luck() -> None:
    right = np.ones(400, bool)
    lost = right.copy()
    lost[:3] = False
    assert not surely_lost(right, lost, 0.005)  # 0.75 %, but 3 of 3 flips are no evidence
    lost[:12] = False
    assert surely_lost(right, lost, 0.005)
    assert not surely_lost(right, lost, 0.05)
    assert not surely_lost(lost, right, 0.0)


@pytest.mark.parametrize(("mended", "turned"), [(100, False), (5, True)])
def test_a_task_that_loses_is_no_reason_where_others_would_lose_more(
    known_and_noise: Material, monkeypatch: pytest.MonkeyPatch, mended: int, turned: bool,
) -> None:
    """With experts, one task breaks 30 of 1,000 records outside, and another mends some."""
    from ovt.training.optimisation.gates import _Judge

    material = with_slices(known_and_noise, ("boats",), known_and_noise.members[:, :1])
    with repeatable_torch(0):
        network, lexicon = build(material, values_for(material, {}))

    def right(judge: _Judge) -> dict[str, np.ndarray]:
        opened = any(layer.scale.any() for _, layer in layers(judge.network))
        number = np.arange(1000)
        return {"POS": (number >= 30) | (not opened), "Intent": (number >= mended) | opened}

    monkeypatch.setattr(_Judge, "_right", right)
    found = hold_outside(network, lesson_of(material, network, lexicon), 0.005)
    assert bool(found) == turned
    assert any(bool(layer.scale.any()) for _, layer in layers(network)) != turned
