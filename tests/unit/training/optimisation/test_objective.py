from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.training.network.network import Outputs, to_tensors
from ovt.training.optimisation.fit import Fitted, Material, build, fit, repeatable_torch
from ovt.training.optimisation.hooks import Hooks
from ovt.training.optimisation.lesson import Lesson
from ovt.training.optimisation.objective import WEIGHTY, Losses, slice_lifts
from ovt.training.optimisation.optimizer import AdamW
from ovt.training.optimisation.precision import autocast, native_bfloat16
from ovt.training.optimisation.targets import TargetIndex
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Sequence

PAYLOADS = ("tokens", "query", "entities", "title", "device", "age", "picture", "side")
TINY: dict[str, Any] = {
    "payloads": {name: {"size": 16, "encoder": "bag", "attention": "1x16"} for name in PAYLOADS},
    "words": {"size": 16, "buckets": 256},
    "training": {"epochs": 3, "batch": 32, "learning_rate": 0.02, "dropout": 0.0, "word_dropout": 0.0},
}


def run(material: Material, changes: dict[str, Any], hooks: Hooks | None = None) -> Fitted:
    values = overlay(overlay(default_values(material.store.schema, measure(material.store)), TINY), changes)
    return fit(material, values, 0, Silent(), hooks=hooks or Hooks())


def losses_of(material: Material, changes: dict[str, Any]) -> Losses:
    values = overlay(overlay(default_values(material.store.schema, measure(material.store)), TINY), changes)
    with repeatable_torch(0):
        network, lexicon = build(material, values)
    targets = {task: TargetIndex(material.store, task, found) for task, found in material.targets.items()}
    lesson = Lesson(Reader(material.store, lexicon), material.rows, targets, material.members, material.gold)
    return Losses(network, lesson)


@pytest.mark.parametrize("form", ["logit", "sram"])
def test_every_form_learns_tokens_sets_and_select(form: str, material: Material) -> None:
    found = run(material, {"slices": {"form": form}})
    assert found.outcome.score is not None
    scores = found.outcome.score.tasks
    assert scores["POS"] > 0.8
    assert scores["Kind"] > 0.9
    assert scores["IntentArg"] > 0.5


def test_experts_of_sram_are_taught_by_their_members_alone(material: Material) -> None:
    losses = losses_of(material, {"slices": {"form": "sram"}})
    rows = material.rows[:40]
    arrays = losses.lesson.reader.read(rows)
    outputs = losses.network(to_tensors(arrays))
    for task in ("Intent", "POS", "IntentArg"):
        found = losses.lesson.targets[task].read(rows)
        own = torch.zeros_like(outputs.experts[task], requires_grad=True)
        losses._expert_loss(task, own, found, arrays, rows).backward()
        assert own.grad is not None
        taught = own.grad.abs().sum(3).permute(0, 2, 1).sum(2) > 0  # (B, 1 + slices)
        boats = torch.from_numpy(losses.lesson.members[rows, 0])
        labelled = np.isin(np.arange(len(rows)), found.places if task != "POS" else found.places // own.shape[1])
        assert torch.equal(taught[:, 1], boats & torch.from_numpy(labelled))
        assert torch.equal(taught[:, 0], torch.from_numpy(labelled))


def test_the_lift_of_slices_is_a_weight_of_their_records(material: Material) -> None:
    rows = np.asarray([row for row in material.rows[:30] if row in material.targets["Intent"].items])
    shares = material.members[material.rows].mean(0)
    lifted = losses_of(material, {"slices": {"weight": 3.0, "form": "none"}})
    lift = float(np.clip(WEIGHTY / shares[0], 1, 3))
    lifted.lifts = np.asarray([2.5], np.float32)
    arrays = lifted.lesson.reader.read(rows)
    lifted.network.eval()
    outputs = lifted.network(to_tensors(arrays))
    found = lifted.lesson.targets["Intent"].read(rows)
    weights = torch.from_numpy(found.weights * np.where(material.members[rows, 0], 2.5, 1).astype(np.float32))
    each = cross_entropy(outputs.logits["Intent"], torch.from_numpy(found.probabilities), reduction="none")
    expected = (each * weights).sum() / weights.sum()
    torch.testing.assert_close(lifted._task_loss("Intent", outputs, arrays, rows), expected)
    assert lift >= 1
    pos = lifted.lesson.targets["POS"].read(rows)
    spread = lifted._lift(outputs.logits["POS"], pos, rows, select=False)
    width = outputs.logits["POS"].shape[1]
    assert spread.tolist() == [2.5 if material.members[rows[place // width], 0] else 1.0 for place in pos.places]


def test_only_rare_slices_are_lifted() -> None:
    assert slice_lifts(np.asarray([0.01, 0.05, 0.5]), 1.0) is None
    found = slice_lifts(np.asarray([0.01, 0.05, 0.5]), 4.0)
    assert found is not None
    assert found.tolist() == pytest.approx([4.0, 2.0, 1.0])


class Poison:
    """Makes a weight useless after some steps, as a divergence would."""

    def __init__(self, step: int, losses: Sequence[str] = ()) -> None:
        self.at, self.steps, self.weight = step, 0, None

    def step(self, loss: torch.Tensor, rate: float) -> None:
        del loss, rate
        self.steps += 1

    def epoch(self, number: int, score: object) -> None:
        del number, score


def test_a_loss_that_is_not_finite_stops_with_the_task_the_step_and_a_fix(material: Material) -> None:
    targets = dict(material.targets)
    bad = targets["Intent"].probabilities.copy()
    bad[5:] = np.nan
    targets["Intent"] = replace(targets["Intent"], probabilities=bad)
    watcher = Poison(0)
    with pytest.raises(ProjectError) as raised:
        run(replace(material, targets=targets), {}, Hooks(watcher=watcher))
    told = raised.value
    assert "the loss of task `Intent` is not finite" in str(told)
    assert f"step {watcher.steps + 1}," in str(told.at)
    assert "learning_rate: 0.005" in str(told.fix)
    assert "untouched" in str(told.why)


def test_a_gradient_that_is_not_finite_changes_no_weight() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = AdamW([weight], 0.0)
    weight.grad = torch.tensor([1.0, float("inf"), 0.0])
    with pytest.raises(FloatingPointError):
        optimizer.step(0.1)
    assert weight.tolist() == [1, 1, 1]
    assert optimizer.steps == 0


def test_bfloat16_learns_as_well_and_leaves_float32_weights(material: Material) -> None:
    found = run(material, {"training": {"precision": "bfloat16"}, "payloads": {"tokens": {"encoder": "lstm"}}})
    assert found.outcome.score is not None
    assert found.outcome.score.tasks["POS"] > 0.8
    assert {parameter.dtype for parameter in found.network.parameters()} == {torch.float32}


def test_auto_takes_bfloat16_only_where_the_processor_has_it() -> None:
    layer = torch.nn.Linear(4, 4)
    for precision, wanted in (("float32", torch.float32), ("bfloat16", torch.bfloat16),
                              ("auto", torch.bfloat16 if native_bfloat16() else torch.float32)):
        with autocast(precision):  # type: ignore[arg-type]
            assert layer(torch.zeros(1, 4)).dtype == wanted


def test_outputs_have_experts_only_where_they_are_predictors(material: Material) -> None:
    losses = losses_of(material, {})
    found: Outputs = losses.network(to_tensors(losses.lesson.reader.read(material.rows[:3])))
    assert found.experts == {}
