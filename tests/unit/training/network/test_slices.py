from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from ovt.training.network.payloads import Representation
from ovt.training.network.slice_forms import FORMS, WIDEST, build_slices, expert_rank
from ovt.training.network.slices import Logit, LowRank, SliceLayer, SliceShape
from ovt.training.network.slices_sram import Sram, confidence
from ovt.training.tuning.values import SliceValues

if TYPE_CHECKING:
    from ovt.schema.spec import TaskType

TASKS: dict[str, tuple[TaskType, int]] = {"Kind": ("multiclass", 3), "Marks": ("bitvector", 2), "Pick": ("select", 1)}


def representation(rows: int = 3, width: int = 4, size: int = 8) -> Representation:
    lengths = torch.arange(rows) % width + 1
    return Representation(torch.randn(rows, width, size), torch.arange(width).unsqueeze(0) < lengths.unsqueeze(1))


def shape(slices: int = 5, rank: int = 2, temperature: float = 0.0) -> SliceShape:
    return SliceShape(8, slices, TASKS, rank, temperature)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def force(layer: SliceLayer, memberships: list[float]) -> None:
    """Indicators that say so of every record."""
    with torch.no_grad():
        layer.membership.weight.zero_()
        layer.membership.bias.copy_(torch.tensor(memberships))


@pytest.mark.parametrize("form", ["logit", "lowrank"])
def test_at_first_no_slice_changes_anything(form: str) -> None:
    found = representation()
    sliced = FORMS[form](shape())(found)
    for task in TASKS:
        torch.testing.assert_close(sliced.elements[task], found.elements)
        assert task not in sliced.added or not sliced.added[task].any()
    assert sliced.membership.shape == (3, 5)


def test_two_products_are_the_sum_over_slices() -> None:
    layer = LowRank(shape())
    torch.nn.init.normal_(layer.out)
    found = representation()
    sliced = layer(found)
    expected = found.elements.clone()
    for place in range(5):
        part = slice(2 * place, 2 * place + 2)
        inner = torch.nn.functional.gelu(found.elements @ layer.into.weight[part].T + layer.into.bias[part])
        expected = expected + torch.sigmoid(sliced.membership[:, place])[:, None, None] * (inner @ layer.out[part])
    torch.testing.assert_close(sliced.elements["Kind"], expected)


def test_logits_are_the_gated_sum_of_the_slices_heads() -> None:
    layer = Logit(shape())
    for head in layer.heads.values():
        torch.nn.init.normal_(head.weight)
    found = representation()
    sliced = layer(found)
    head = layer.heads[layer.names["Kind"]]
    expected = torch.zeros(3, 4, 3)
    for place in range(5):
        own = found.elements @ head.weight[3 * place:3 * place + 3].T
        expected = expected + torch.sigmoid(sliced.membership[:, place])[:, None, None] * own
    torch.testing.assert_close(sliced.added["Kind"], expected)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_shut_slice_changes_nothing_whatever_its_indicator_says(form: str) -> None:
    layer = FORMS[form](shape(slices=2))
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    found = representation()
    layer.scale[0] = 0.0
    force(layer, [-9.0, 1.0])
    closed = layer(found)
    force(layer, [9.0, 1.0])
    opened = layer(found)
    layer.scale[0] = 1.0
    wide = layer(found)
    for task in TASKS:
        what = "added" if form == "logit" else "elements"
        one, other, third = (getattr(found, what)[task] for found in (opened, closed, wide))
        torch.testing.assert_close(one, other)
        assert not torch.allclose(one, third)


def test_an_expert_acts_on_its_slice_alone() -> None:
    layer = LowRank(shape(slices=1))
    torch.nn.init.normal_(layer.out)
    with torch.no_grad():
        layer.membership.weight.zero_()
        layer.membership.weight[0, 0] = 100.0
        layer.membership.bias.zero_()
    z = torch.randn(2, 1, 8)
    z[0, 0, 0], z[1, 0, 0] = 1, -1
    changed = layer(Representation(z, torch.ones(2, 1, dtype=torch.bool))).elements["Kind"]
    assert not torch.allclose(changed[0], z[0])
    torch.testing.assert_close(changed[1], z[1])


def test_sram_as_published_drowns_the_right_slice_and_a_learned_temperature_does_not() -> None:
    published, learned = Sram(shape(slices=50, temperature=1.0)), Sram(shape(slices=50))
    assert published.log_temperature is None
    scores = torch.zeros(1, 1, 51)
    scores[..., 7] = 1.0  # as likely and as sure as can be
    everyone = torch.ones(51)
    assert float(published._attention(scores, everyone)[0, 0, 7]) == pytest.approx(2.71828 / (2.71828 + 50), rel=1e-4)
    assert learned._attention(scores, everyone)[0, 0, 7].item() > 0.5
    found = representation()
    learned(found).elements["Kind"].sum().backward()
    assert learned.log_temperature is not None
    assert learned.log_temperature.grad is not None
    assert learned.log_temperature.grad.item() != 0


def test_confidence_is_per_token_and_for_select_over_the_candidates_that_are_there() -> None:
    found = representation(rows=2)
    logits = torch.randn(2, 4, 6, 3)
    assert confidence("multiclass", logits, found.mask).shape == (2, 4, 6)
    torch.testing.assert_close(confidence("multiclass", logits, found.mask)[0, 1, 2], logits[0, 1, 2].softmax(0).max())
    assert confidence("bitvector", logits, found.mask).min() >= 0.5
    scores = torch.randn(2, 4, 6, 1)
    picked = confidence("select", scores, found.mask)
    assert picked.shape == (2, 1, 6)
    torch.testing.assert_close(picked[0], torch.ones(1, 6))  # its only candidate
    torch.testing.assert_close(picked[1, 0, 3], scores[1, :2, 3, 0].softmax(0).max())


def test_what_experts_say_alone_is_there_for_sram_only() -> None:
    found = representation()
    assert Sram(shape())(found).experts["Kind"].shape == (3, 4, 6, 3)
    assert not LowRank(shape())(found).experts


def test_very_many_slices_get_smaller_experts() -> None:
    assert [expert_rank(16, slices) for slices in (1, 20, 300, 100_000)] == [16, 16, WIDEST // 300, 1]
    layer = build_slices(SliceValues(), 8, 300, TASKS)
    assert isinstance(layer, LowRank)
    assert layer.out.shape == (300 * (WIDEST // 300), 8)


@pytest.mark.parametrize("form", ["logit", "lowrank"])
def test_hundreds_of_slices_at_once(form: str) -> None:
    layer = FORMS[form](shape(slices=400, rank=1))
    assert layer(representation()).membership.shape == (3, 400)
