"""Slices end to end: records in which a slice's answers follow a rule of their own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.progress import Silent
from ovt.training.inference import infer
from ovt.training.memberships import membership_logits
from ovt.training.optimisation.fit import Fitted, Material, fit, load_material
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.project import Project

SCHEMA = {
    "payloads": {"tokens": {"type": "sequence"}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Kind": {"payload": "query", "type": "multiclass"}, "Tone": {"payload": "query", "type": "multiclass"}},
}
CLASSES, SLICES, SHARE = 4, 4, 0.04
COUNTS = {"train": 2000, "dev": 400, "test": 800}
SMALL: dict[str, Any] = {
    "payloads": {name: {"encoder": "bag", "size": 32, "aggregation": "max"} for name in ("tokens", "query")},
    "words": {"size": 24, "buckets": 512},
    "training": {"epochs": 8, "learning_rate": 0.01, "batch": 32, "dropout": 0.1, "patience": 8},
}


@dataclass(frozen=True)
class World:
    """The records' material, and what is true of those of test, which have no slice tag."""

    material: Material
    rows: np.ndarray
    kinds: np.ndarray
    member: np.ndarray


def make_record(number: int, split: str, rng: random.Random) -> dict[str, Any]:
    kind, member = rng.randrange(CLASSES), int(rng.random() / SHARE)
    member = member if member < SLICES else -1
    answer = (kind + 1 + member % (CLASSES - 1)) % CLASSES if member >= 0 else kind
    tone = rng.choice(["good", "bad"])
    words = [f"filler{rng.randrange(60)}" for _ in range(3)] + [f"kind{kind}x{rng.randrange(4)}", f"{tone}{rng.randrange(3)}"]
    words += [f"marker{member}x{rng.randrange(2)}"] if member >= 0 else []
    rng.shuffle(words)
    tagged = split != "test" and member >= 0 and rng.random() > 0.2
    source = "weak" if split == "train" else "gold"
    tasks: dict[str, Any] = {"Kind": {source: f"k{answer}"}}
    if split != "train" or number % 100 == 0:
        tasks["Tone"] = {source: tone}
    return {"id": f"{split}-{number}-{answer}-{member}", "payloads": {"tokens": words, "query": " ".join(words)},
            "tasks": tasks, "tags": [split, *([f"s{member}"] if tagged else [])]}


def make_world(
    root: Path, make_project: Callable[..., Project], stages: Callable[..., None],
) -> World:
    rng = random.Random(11)
    records = [make_record(number, split, rng) for split, count in COUNTS.items() for number in range(count)]
    project = make_project(root, records, SCHEMA)
    (project.root / "slices/tags.yaml").write_text("".join(f"s{code}: {{tag: s{code}}}\n" for code in range(SLICES)))
    stages(project, "compile", "label")
    store = Store.open(project.build / "store")
    rows = np.flatnonzero(store.splits == 2)
    told = [store.ids[int(row)].as_py().split("-", 3) for row in rows]
    return World(load_material(project.build, store), rows, np.array([int(part[2]) for part in told]),
                 np.array([int(part[3]) for part in told]))


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, make_project: Callable[..., Project], stages: Callable[..., None],
) -> World:
    return make_world(tmp_path_factory.mktemp("planted") / "project", make_project, stages)


def train(world: World, changes: dict[str, Any]) -> Fitted:
    store = world.material.store
    return fit(world.material, overlay(overlay(default_values(store.schema, measure(store)), SMALL), changes), 0, Silent())


def accuracies(world: World, fitted: Fitted) -> tuple[float, float]:
    """Of the slices' members, and outside."""
    found = infer(fitted.network, Reader(world.material.store, fitted.lexicon), world.rows)["Kind"].decoded
    names = np.array([int(name[1:]) for name in world.material.store.classes["Kind"]])
    right, inside = names[found] == world.kinds, world.member >= 0
    return float(right[inside].mean()), float(right[~inside].mean())


@pytest.fixture(scope="module")
def plain(planted: World) -> Fitted:
    return train(planted, {"slices": {"form": "none"}})


@pytest.fixture(scope="module")
def lowrank(planted: World) -> Fitted:
    return train(planted, {})


def test_lowrank_experts_lift_slices_and_cost_nothing_outside(planted: World, plain: Fitted, lowrank: Fitted) -> None:
    (before, around), (after, outside) = accuracies(planted, plain), accuracies(planted, lowrank)
    assert after >= before + 0.1
    assert outside >= around - 0.02
    assert not lowrank.outcome.health


@pytest.mark.parametrize("form", ["logit", "sram"])
def test_the_other_forms_lift_slices_too(form: str, planted: World, plain: Fitted) -> None:
    (before, around), (after, outside) = accuracies(planted, plain), accuracies(planted, train(planted, {"slices": {"form": form}}))
    assert after >= before + 0.1
    assert outside >= around - 0.02


def test_membership_holds_for_records_that_nobody_tagged(planted: World, lowrank: Fitted) -> None:
    logits = membership_logits(lowrank.network, Reader(planted.material.store, lowrank.lexicon), planted.rows)["query"]
    assert not planted.material.members[planted.rows].any()
    for code in range(SLICES):
        taken = logits[:, code] > 0
        assert taken[planted.member == code].mean() > 0.9
        assert taken[planted.member != code].mean() < 0.15


def test_a_task_with_a_hundredth_of_the_labels_still_learns(planted: World, plain: Fitted) -> None:
    targets = planted.material.targets
    assert len(targets["Tone"].items) == len(targets["Kind"].items) / 100
    assert plain.outcome.score is not None
    assert plain.outcome.score.tasks["Tone"] > 0.85
