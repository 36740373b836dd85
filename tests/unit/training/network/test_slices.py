from __future__ import annotations

import torch

from ovt.training.network.slices import SliceExperts


def test_at_first_no_slice_changes_anything() -> None:
    torch.manual_seed(0)
    layer = SliceExperts(8, 5, 2)
    z = torch.randn(3, 4, 8)
    changed, logits = layer(z, torch.randn(3, 16))
    torch.testing.assert_close(changed, z)
    assert logits.shape == (3, 5)


def test_two_products_are_the_sum_over_slices() -> None:
    torch.manual_seed(0)
    layer = SliceExperts(8, 5, 2)
    torch.nn.init.normal_(layer.out)
    z, summary = torch.randn(3, 4, 8), torch.randn(3, 16)
    changed, logits = layer(z, summary)
    expected = z.clone()
    for place in range(5):
        part = slice(2 * place, 2 * place + 2)
        inner = torch.nn.functional.gelu(z @ layer.into.weight[part].T + layer.into.bias[part])
        expected = expected + torch.sigmoid(logits[:, place])[:, None, None] * (inner @ layer.out[part])
    torch.testing.assert_close(changed, expected)


def test_an_expert_acts_on_its_slice_alone() -> None:
    torch.manual_seed(0)
    layer = SliceExperts(8, 1, 2)
    torch.nn.init.normal_(layer.out)
    with torch.no_grad():
        layer.membership.weight.zero_()
        layer.membership.weight[0, 0] = 100.0
        layer.membership.bias.zero_()
    z, summary = torch.randn(2, 1, 8), torch.zeros(2, 16)
    summary[0, 0], summary[1, 0] = 1, -1
    changed, _ = layer(z, summary)
    assert not torch.allclose(changed[0], z[0])
    torch.testing.assert_close(changed[1], z[1])
