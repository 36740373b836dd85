from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn

from ovt.training.optimisation.optimizer import AdamW


def test_dense_steps_are_those_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizer = AdamW(list(ours.parameters()), weight_decay=0.1, clip=1e9)
    groups = [{"params": [theirs.weight], "weight_decay": 0.1}, {"params": [theirs.bias], "weight_decay": 0.0}]
    oracle = torch.optim.AdamW(groups, lr=0.01)
    for _ in range(5):
        x = torch.randn(4, 5)
        for network in (ours, theirs):
            network.zero_grad()
            network(x).square().sum().backward()
        optimizer.step(0.01)
        oracle.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def test_sparse_steps_are_those_of_torch_and_touch_no_other_row() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Embedding(6, 3, sparse=True), nn.Embedding(6, 3, sparse=True)
    theirs.load_state_dict(ours.state_dict())
    before = ours.weight.detach().clone()
    optimizer = AdamW(list(ours.parameters()), weight_decay=0.1, clip=1e9)
    oracle = torch.optim.SparseAdam(theirs.parameters(), lr=0.01)
    for rows in ([1, 2, 2], [2, 4]):
        for table in (ours, theirs):
            table.zero_grad()
            table(torch.tensor(rows)).square().sum().backward()
        optimizer.step(0.01)
        oracle.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    assert torch.equal(ours.weight[[0, 3, 5]], before[[0, 3, 5]])


def test_clipping_counts_dense_and_sparse_gradients_together() -> None:
    linear, table = nn.Linear(1, 1, bias=False), nn.Embedding(2, 1, sparse=True)
    optimizer = AdamW([*linear.parameters(), *table.parameters()], weight_decay=0.0, clip=1.0)
    linear.weight.grad = torch.tensor([[3.0]])
    table.weight.grad = torch.sparse_coo_tensor(torch.tensor([[1]]), torch.tensor([[4.0]]), (2, 1), check_invariants=False)
    optimizer.step(0.0)
    first = [found.clone() for found in optimizer._first]
    torch.testing.assert_close(first[0], torch.tensor([[0.1 * 3 / 5]]))
    torch.testing.assert_close(first[1], torch.tensor([[0.0], [0.1 * 4 / 5]]))


def test_a_training_step_imports_no_compiler() -> None:
    code = """
import sys, torch
from ovt.training.optimisation.optimizer import AdamW
layer = torch.nn.Linear(2, 2)
optimizer = AdamW(list(layer.parameters()), 0.0)
layer(torch.ones(1, 2)).sum().backward()
optimizer.step(0.1)
print("torch._dynamo" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
