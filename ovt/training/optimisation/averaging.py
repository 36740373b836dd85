"""A running average of the weights (Polyak and Juditsky 1992): what is evaluated and kept.

Single steps at a high learning rate jump around a good place; their average
lies in it. It is taken every few steps, which costs little and changes nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = 8
"""Steps between two looks at the weights, where an average spans many more."""


class Average:
    """Exponential moving average of a network's parameters over about the last `span` steps."""

    def __init__(self, network: nn.Module, span: float) -> None:
        self.parameters = list(network.parameters())
        self.mean: list[Tensor] = [found.detach().clone() for found in self.parameters]
        self.every = max(1, min(EVERY, int(span / 4)))
        self.share = min(1.0, self.every / span)
        self.looks = 0

    @torch.no_grad()
    def look(self, step: int) -> None:
        """Take the weights in, if it is time."""
        if step % self.every:
            return
        self.looks += 1
        # Early on the mean is that of all looks: the start, which is random, must not stay in it.
        share = max(1 / self.looks, self.share)
        torch._foreach_lerp_(self.mean, self._values(), share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The network has the average weights inside, its own again afterwards."""
        own = self._values()
        self.put(self.mean)
        try:
            yield
        finally:
            self.put(own)

    def copy(self) -> list[Tensor]:
        """The average as it is now."""
        return [found.clone() for found in self.mean]

    def put(self, values: list[Tensor]) -> None:
        """Give the network these weights."""
        for found, value in zip(self.parameters, values, strict=True):
            found.data = value

    def _values(self) -> list[Tensor]:
        return [found.data for found in self.parameters]
