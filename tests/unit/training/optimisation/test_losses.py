from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from ovt.training.optimisation.losses import (
    item_losses,
    mask_candidates,
    membership_loss,
    smooth,
    weighted_mean,
)


def test_cross_entropy_of_certain_labels_is_the_log_loss() -> None:
    logits = torch.randn(6, 3)
    gold = torch.tensor([0, 1, 2, 0, 1, 1])
    found = item_losses("multiclass", logits, torch.nn.functional.one_hot(gold, 3).float())
    assert found.mean().item() == pytest.approx(log_loss(gold.numpy(), torch.softmax(logits.double(), 1).numpy()), abs=1e-6)


def test_uncertain_labels_are_the_expectation() -> None:
    logits = torch.randn(1, 2)
    sure = item_losses("multiclass", logits.repeat(2, 1), torch.eye(2))
    assert item_losses("multiclass", logits, torch.tensor([[0.3, 0.7]])).item() == pytest.approx(
        (0.3 * sure[0] + 0.7 * sure[1]).item())


def test_bits_are_questions_of_their_own() -> None:
    logits, wanted = torch.randn(4, 3), torch.tensor(np.eye(4, 3), dtype=torch.float32)
    each = [log_loss(wanted[:, bit].numpy(), torch.sigmoid(logits[:, bit]).numpy(), labels=[0, 1]) for bit in range(3)]
    assert item_losses("bitvector", logits, wanted).mean().item() == pytest.approx(sum(each), abs=1e-5)


def test_candidates_beyond_the_set_have_no_chance() -> None:
    scores = mask_candidates(torch.tensor([[1.0, 1.0, 50.0]]), torch.tensor([2]))
    assert torch.softmax(scores, 1)[0].tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert item_losses("select", scores, torch.tensor([[1.0, 0.0, 0.0]])).item() == pytest.approx(np.log(2))


def test_weights_say_how_much_an_item_counts() -> None:
    losses = torch.tensor([1.0, 5.0])
    assert weighted_mean(losses, torch.tensor([1.0, 0.0])).item() == pytest.approx(1)
    assert weighted_mean(losses, torch.tensor([0.0, 0.0])).item() == 0


def test_smoothing_keeps_the_sum() -> None:
    found = smooth(torch.tensor([[1.0, 0.0]]), 0.1)
    assert found.tolist() == [pytest.approx([0.95, 0.05])]


def test_members_of_a_rare_slice_count_more() -> None:
    says_no, members = torch.full((10, 1), -2.0), torch.zeros(10, 1)
    members[0] = 1
    plain = membership_loss(says_no, members, torch.ones(1))
    assert membership_loss(says_no, members, torch.tensor([9.0])) > 2 * plain
