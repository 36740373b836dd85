from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.training.features import FIRST_WORD
from ovt.training.inference import infer
from ovt.training.model_files import load_model, save_model
from ovt.training.optimisation.fit import Fitted, Material, fit, load_material
from ovt.training.optimisation.hooks import Hooks
from ovt.training.reader import Reader
from ovt.training.transfer.alignment import listings
from ovt.training.transfer.warm_start import Parent, WarmStart
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.project import Project

QUICK = {"training": {"epochs": 2, "batch": 64, "dropout": 0.0}, "payloads": {"tokens": {"encoder": "bag", "size": 32}}}


def values_of(store: Store, more: dict[str, Any] | None = None) -> Values:
    return overlay(overlay(default_values(store.schema, measure(store)), QUICK), more or {})


@pytest.fixture(scope="module")
def first(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the world, in a folder."""
    folder = tmp_path_factory.mktemp("parent")
    save_model(folder, fit(material, values_of(material.store), 0, Silent()))
    return folder


@pytest.fixture(scope="module")
def grown(world: Project, make_project: Callable[..., Project], stages: Callable[..., None],
          tmp_path_factory: pytest.TempPathFactory) -> Material:
    """The world after a new task, class, slice, source and word."""
    records = [json.loads(line) for line in (world.root / "data" / "records.jsonl").read_text().splitlines()]
    schema = json.loads((world.root / "schema.json").read_text())
    schema["tasks"]["Verb"] = {"payload": "query", "type": "multiclass"}
    for place, record in enumerate(records):
        tokens = record["payloads"]["tokens"] or []
        source = "gold" if "train" not in record["tags"] else "newcomer"
        if tokens:
            record["tasks"]["Verb"] = {source: "asks" if place % 2 else "says"}
        if record["tasks"].get("Adult") and place % 10 == 0:
            record["tasks"]["Adult"] = {next(iter(record["tasks"]["Adult"])): "baby"}
        if place % 3 == 0 and tokens:
            record["payloads"]["tokens"] = ["aardvark", *tokens[1:]]
    project = make_project(tmp_path_factory.mktemp("grown") / "project", records, schema)
    (project.root / "slices" / "more.yaml").write_text("alpha: {field: query, keyword: [car]}\n")
    stages(project, "compile", "label")
    return load_material(project.build, Store.open(project.build / "store"))


def started(material: Material, folder: Path, freeze: tuple[str, ...] = (), more: dict[str, Any] | None = None,
            ) -> tuple[Fitted, WarmStart, Silent]:
    parent, heard = Parent.load(folder), Silent()
    start = WarmStart(parent, freeze, heard)
    values = overlay(parent.shape(values_of(material.store)), more or {})
    return fit(material, values, 1, Silent(), hooks=Hooks(start=start)), start, heard


def untrained(material: Material, folder: Path) -> tuple[Any, Any, WarmStart, Parent]:
    """A network with the parent's weights, before any step."""
    from ovt.training.optimisation.fit import build

    parent = Parent.load(folder)
    start = WarmStart(parent)
    torch.manual_seed(5)
    network, lexicon = build(material, parent.shape(values_of(material.store)), Hooks(start=start))
    start.begin(network, Reader(material.store, lexicon))
    return network, lexicon, start, parent


def test_an_unchanged_world_takes_every_tensor(material: Material, first: Path) -> None:
    network, _, start, parent = untrained(material, first)
    assert (start.taken.partly, start.taken.fresh, start.taken.left) == ({}, {}, [])
    theirs = dict(parent.network.named_parameters())
    assert all(torch.equal(value, theirs[name]) for name, value in network.named_parameters())


def test_training_goes_on_from_the_parent(material: Material, first: Path) -> None:
    heard: list[float] = []
    parent = Parent.load(first)
    values = overlay(parent.shape(values_of(material.store)), {"training": {"epochs": 1, "learning_rate": 1e-5}})
    warm = fit(material, values, 1, Silent(), lambda _, score: heard.append(score.criterion), Hooks(start=WarmStart(parent)))
    cold = fit(material, values, 1, Silent())
    assert warm.outcome.score is not None
    assert cold.outcome.score is not None
    assert warm.outcome.score.criterion > cold.outcome.score.criterion + 0.2


def test_rows_of_what_stayed_are_taken_by_name_and_the_rest_is_listed(grown: Material, first: Path) -> None:
    network, lexicon, start, parent = untrained(grown, first)
    taken = start.taken
    assert any(name.startswith("heads.@Verb.") for name in taken.fresh)
    assert all(why == "not in the parent" for name, why in taken.fresh.items() if name.startswith("heads.@Verb."))
    assert taken.partly["heads.@Adult.linear.weight"] == "2 of 3 classes"
    assert "heads.@Intent.linear.weight" in taken.whole
    assert any(name.startswith("slices.@query.") and how == "1 of 2 slices" for name, how in taken.partly.items())
    own, theirs = network.state_dict(), parent.network.state_dict()
    adult = list(network.blueprint.classes["Adult"])
    old = list(parent.network.blueprint.classes["Adult"])
    assert adult == ["baby", "no", "yes"]
    assert old == ["no", "yes"]
    for name in ("heads.@Adult.linear.weight", "heads.@Adult.linear.bias"):
        assert torch.equal(own[name][1:], theirs[name])
    places = [(place, parent.lexicon.words.words.index(word)) for place, word in enumerate(lexicon.words.words)
              if word in parent.lexicon.words.words]
    assert any(here != there for here, there in places)  # `aardvark` pushed them on
    for here, there in places:
        assert torch.equal(own["words.words.weight"][here + FIRST_WORD], theirs["words.words.weight"][there + FIRST_WORD])
    assert "new: " in taken.told()
    assert "by name: " in taken.told()


def test_a_slices_rows_stay_its_own(grown: Material, first: Path) -> None:
    network, _, _, parent = untrained(grown, first)
    here, there = network.blueprint.slices, parent.network.blueprint.slices
    assert there == ("boats",)
    place, rank = here.index("boats"), network.blueprint.values.slices.rank
    own, theirs = network.state_dict(), parent.network.state_dict()
    assert here == ("alpha", "boats")
    membership = next(name for name in own if name.startswith("slices.@query.") and name.endswith("membership.weight"))
    assert torch.equal(own[membership][place:place + 1], theirs[membership])
    expert = membership.replace("membership.weight", "into.weight")
    assert torch.equal(own[expert][place * rank:(place + 1) * rank], theirs[expert])


def test_another_size_is_new_and_says_so(material: Material, first: Path) -> None:
    fitted, start, _ = started(material, first, more={"payloads": {"tokens": {"size": 48}}, "training": {"epochs": 1}})
    assert fitted.network.blueprint.values.payloads["tokens"].size == 48
    assert any("32" in why and "48" in why for why in start.taken.fresh.values())


def test_the_shape_of_the_parent_is_kept_where_nothing_else_is_asked(material: Material, first: Path) -> None:
    fresh = default_values(material.store.schema, measure(material.store))
    shaped = Parent.load(first).shape(fresh)
    assert shaped.payloads["tokens"].size == 32 != fresh.payloads["tokens"].size
    assert shaped.training == fresh.training


FROZEN = ("Intent", "POS")


def test_frozen_tasks_do_not_move_while_the_others_learn(grown: Material, first: Path, tmp_path: Path) -> None:
    fitted, _, heard = started(grown, first, FROZEN, {"training": {"epochs": 3, "learning_rate": 0.02}})
    network, lexicon = load_model(first)
    rows = np.arange(grown.store.n)
    before = infer(network, Reader(grown.store, lexicon, network.blueprint.schema), rows)
    save_model(tmp_path, fitted)
    again, words = load_model(tmp_path)
    after = infer(again, Reader(grown.store, words), rows)
    for task in FROZEN:
        assert np.abs(before[task].probabilities - after[task].probabilities).max() < 1e-6
    assert np.abs(after["Adult"].probabilities - infer_shape(before["Adult"].probabilities, after["Adult"].probabilities)).max() > 0
    verbs = after["Verb"].probabilities.max(1)
    assert verbs.std() > 0  # the new task's head has learnt something
    assert fitted.outcome.score is not None
    assert any("`Intent`, `POS` held still" in note and "heads.@Verb" in note for note in heard.notes)
    assert all(found.requires_grad for found in fitted.network.parameters())
    assert "Adult" in fitted.outcome.score.tasks


def infer_shape(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The old probabilities as columns of the new (which has a class more, in front)."""
    return np.column_stack([np.zeros(len(old), np.float32), old]) if old.shape != new.shape else old


@pytest.mark.parametrize(("freeze", "more", "what", "why"), [
    (("Verb",), {}, "`Verb` cannot be frozen", "no such task"),
    (("Adult",), {}, "`Adult` cannot be frozen", "its classes changed since the parent: baby"),
    (("Intent",), {"payloads": {"tokens": {"size": 48}}}, "`Intent` cannot be held still", "32"),
])
def test_what_cannot_be_held_still_is_refused(
    freeze: tuple[str, ...], more: dict[str, Any], what: str, why: str, grown: Material, first: Path,
) -> None:
    with pytest.raises(ProjectError, match=what) as error:
        started(grown, first, freeze, more)
    assert why in (error.value.why or "")


def test_all_frozen_leaves_nothing_to_learn(material: Material, first: Path) -> None:
    with pytest.raises(ProjectError, match="nothing is left to learn"):
        started(material, first, tuple(material.store.schema.tasks))


def test_every_table_and_head_is_listed_by_name(material: Material, first: Path) -> None:
    parent = Parent.load(first)
    prefixes = tuple(found.prefix for found in listings(parent.network, parent.lexicon))
    tables = [name for name, _ in parent.network.named_parameters()
              if name.endswith((".ids.weight", ".table.weight", "words.words.weight")) or name.startswith(("heads.", "slices."))]
    assert len(tables) > 10
    assert [name for name in tables if not name.startswith(prefixes) and "@IntentArg" not in name] == []
