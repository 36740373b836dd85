"""The chain's loss against sums over all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.training.decoding import Chain, marginals
from ovt.training.network.heads import ChainHead
from ovt.training.optimisation.chains import ChainTargets, chain_loss, log_partition

WIDTH, CLASSES = 4, 3
SEEDS = st.integers(0, 2**16)


def a_head(random: np.random.Generator, scale: float = 1.0) -> ChainHead:
    head = ChainHead(2, CLASSES, 0.0)
    with torch.no_grad():
        head.first.copy_(torch.from_numpy(random.normal(size=CLASSES) * scale))
        head.step.copy_(torch.from_numpy(random.normal(size=(CLASSES, CLASSES)) * scale))
    return head


def emissions_of(random: np.random.Generator, rows: int, scale: float = 1.0) -> torch.Tensor:
    found = torch.from_numpy((random.normal(size=(rows, WIDTH, CLASSES)) * scale).astype(np.float32))
    return found.requires_grad_()


def all_paths(emissions: torch.Tensor, head: ChainHead, length: int) -> tuple[list[tuple[int, ...]], torch.Tensor]:
    """Every path of a row and its score."""
    paths = list(itertools.product(range(CLASSES), repeat=length))
    scores = [
        head.first[path[0]] + sum(emissions[place, label] for place, label in enumerate(path))
        + sum(head.step[before, after] for before, after in itertools.pairwise(path)) for path in paths
    ]
    return paths, torch.stack(scores)


@settings(max_examples=25)
@given(SEEDS, st.lists(st.integers(1, WIDTH), min_size=1, max_size=3), st.sampled_from((1.0, 8.0)))
def test_the_partition_and_its_gradient_are_those_of_all_paths(seed: int, lengths: list[int], scale: float) -> None:
    random = np.random.default_rng(seed)
    head, emissions = a_head(random, scale), emissions_of(random, len(lengths), scale)
    found = log_partition(emissions, head.first, head.step, torch.tensor(lengths))
    wanted = torch.stack([torch.logsumexp(all_paths(emissions[row], head, length)[1], 0)
                          for row, length in enumerate(lengths)])
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)
    weights = torch.from_numpy(random.normal(size=len(lengths)).astype(np.float32))
    inputs = [emissions, head.first, head.step]
    for one, other in zip(torch.autograd.grad((found * weights).sum(), inputs),
                          torch.autograd.grad((wanted * weights).sum() + 0 * head.step.sum(), inputs), strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=2e-4)


@settings(max_examples=25)
@given(SEEDS, st.lists(st.none() | st.integers(0, CLASSES - 1), min_size=WIDTH, max_size=WIDTH))
def test_certain_and_missing_labels_give_the_exact_likelihood(seed: int, labels: list[int | None]) -> None:
    random = np.random.default_rng(seed)
    head, emissions = a_head(random), emissions_of(random, 1)
    places = [place for place, label in enumerate(labels) if label is not None]
    if not places:
        return
    certain = torch.eye(CLASSES)[[label for label in labels if label is not None]]
    targets = ChainTargets.of(emissions, torch.tensor([WIDTH]), torch.tensor(places), certain, torch.full((len(places),), 0.5))
    found = chain_loss(emissions, head, targets)
    paths, scores = all_paths(emissions[0], head, WIDTH)
    agree = torch.tensor([all(label is None or path[place] == label for place, label in enumerate(labels)) for path in paths])
    wanted = (torch.logsumexp(scores, 0) - torch.logsumexp(scores[agree], 0)) / len(places)
    assert torch.allclose(found, wanted, atol=1e-4)


@settings(max_examples=25)
@given(SEEDS)
def test_uncertain_labels_give_the_expected_likelihood(seed: int) -> None:
    random = np.random.default_rng(seed)
    head, emissions = a_head(random), emissions_of(random, 1)
    q = torch.from_numpy(random.dirichlet(np.ones(CLASSES), WIDTH).astype(np.float32))
    targets = ChainTargets.of(emissions, torch.tensor([WIDTH]), torch.arange(WIDTH), q, torch.ones(WIDTH))
    paths, scores = all_paths(emissions[0], head, WIDTH)
    chances = torch.stack([torch.stack([q[place, label] for place, label in enumerate(path)]).prod() for path in paths])
    wanted = (torch.logsumexp(scores, 0) - (chances * scores).sum()) / WIDTH
    assert torch.allclose(chain_loss(emissions, head, targets), wanted, atol=1e-4)


def test_a_record_counts_by_its_weight_and_one_without_labels_not_at_all() -> None:
    random = np.random.default_rng(0)
    head, emissions = a_head(random), emissions_of(random, 3)
    lengths, labels = torch.tensor([4, 2, 3]), torch.eye(CLASSES)[[0, 1, 2, 0, 1, 1]]
    places, weights = torch.tensor([0, 1, 2, 3, 4, 5]), torch.tensor([1.0, 1, 1, 1, 0.5, 0.5])
    both = chain_loss(emissions, head, ChainTargets.of(emissions, lengths, places, labels, weights))
    first, second = (
        chain_loss(emissions[row:row + 1], head, ChainTargets.of(
            emissions[row:row + 1], lengths[row:row + 1], torch.arange(count), labels[start:start + count], torch.ones(count)))
        for row, count, start in ((0, 4, 0), (1, 2, 4)))
    assert both.item() == pytest.approx(((4 * first + 1 * second) / 5).item(), abs=1e-5)
    nothing = ChainTargets.of(emissions, lengths, places[:0], labels[:0], weights[:0])
    assert chain_loss(emissions, head, nothing).item() == 0


@settings(max_examples=25)
@given(SEEDS)
def test_marginals_are_those_of_all_paths_and_blind_to_padding(seed: int) -> None:
    random = np.random.default_rng(seed)
    head, emissions = a_head(random), emissions_of(random, 2)
    chain = Chain(head.first.detach().numpy(), head.step.detach().numpy())
    found = marginals(emissions.detach().numpy(), np.asarray([WIDTH, 2]), chain)
    for row, length in ((0, WIDTH), (1, 2)):
        paths, scores = all_paths(emissions[row].detach(), head, length)
        chances = torch.softmax(scores, 0).detach().numpy()
        for place in range(length):
            wanted = [sum(chance for path, chance in zip(paths, chances, strict=True) if path[place] == label)
                      for label in range(CLASSES)]
            assert found[row, place] == pytest.approx(wanted, abs=1e-5)


def test_forbidden_paths_have_no_share_in_marginals() -> None:
    chain = Chain(np.zeros(3, np.float32), np.zeros((3, 3), np.float32)).only_valid(("B-x", "I-x", "O"))
    found = marginals(np.zeros((1, 2, 3), np.float32), np.asarray([2]), chain)[0]
    # B B, B I, B O, O B, O O are left.
    assert found[0] == pytest.approx([3 / 5, 0, 2 / 5], abs=1e-6)
    assert found[1] == pytest.approx([2 / 5, 1 / 5, 2 / 5], abs=1e-6)
