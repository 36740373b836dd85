from __future__ import annotations

import numpy as np
import pytest
import torch

from ovt.training.network.aggregations import AGGREGATIONS, build_aggregation
from ovt.training.network.attention import Attention, length_mask
from ovt.training.network.dropout import RowDropout
from ovt.training.tuning.values import AGGREGATION_NAMES


def test_every_named_aggregation_is_built_in() -> None:
    assert tuple(sorted(AGGREGATIONS)) == AGGREGATION_NAMES


@pytest.mark.parametrize(("name", "reduce"), [("mean", np.mean), ("max", np.max)])
def test_aggregations_of_what_is_there(name: str, reduce: object) -> None:
    x = torch.randn(3, 4, 8)
    lengths = [4, 2, 1]
    found = build_aggregation(name, 8)(x, length_mask(torch.tensor(lengths), 4))
    for row, length in enumerate(lengths):
        assert found[row].numpy() == pytest.approx(reduce(x[row, :length].numpy(), axis=0), abs=1e-6)


@pytest.mark.parametrize("name", AGGREGATION_NAMES)
def test_padding_changes_nothing_and_no_element_gives_zeros(name: str) -> None:
    torch.manual_seed(0)
    pool = build_aggregation(name, 8)
    x = torch.randn(2, 3, 8)
    mask = length_mask(torch.tensor([2, 0]), 3)
    changed = torch.where(mask.unsqueeze(2), x, 100.0)
    torch.testing.assert_close(pool(x, mask), pool(changed, mask))
    assert not pool(x, mask)[1].any()


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours = Attention(8, 8, 2, 4)
    oracle = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    oracle.in_proj_weight.data = torch.cat([layer.weight for layer in (ours.query, ours.key, ours.value)])
    oracle.in_proj_bias.data = torch.cat([layer.bias for layer in (ours.query, ours.key, ours.value)])
    oracle.out_proj.weight.data, oracle.out_proj.bias.data = ours.out.weight.data, ours.out.bias.data
    queries, keys = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    mask = length_mask(torch.tensor([5, 2]), 5)
    expected, _ = oracle(queries, keys, keys, key_padding_mask=~mask)
    torch.testing.assert_close(ours(queries, keys, mask), expected)


def test_row_dropout_forgets_the_same_components_of_all_elements() -> None:
    torch.manual_seed(0)
    layer = RowDropout(0.5)
    found = layer(torch.ones(2, 3, 400))
    assert torch.equal(found[:, 0], found[:, 2])
    assert not torch.equal(found[0], found[1])
    assert found.mean().item() == pytest.approx(1, abs=0.15)
    assert torch.equal(layer.eval()(found), found)
