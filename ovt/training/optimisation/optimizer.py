"""AdamW (Loshchilov and Hutter 2019) with gradient clipping, and rows of word tables updated only when they were read.

Why not `torch.optim`: its first optimizer imports `torch._dynamo`, 1.9 s here,
more than all other fixed costs of a training run; and its AdamW takes no sparse
gradients, so that every step would touch every row of the word tables. The
arithmetic of a dense step is torch's own fused kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterable

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass
class AdamW:
    """Optimizer state over the parameters of one network."""

    parameters: list[nn.Parameter]
    weight_decay: float
    """On matrices alone: biases, norms and embeddings keep theirs."""
    clip: float = 1.0
    """Largest norm of the gradient of one step."""
    steps: int = 0
    _first: list[Tensor] = field(default_factory=list)
    _second: list[Tensor] = field(default_factory=list)
    _counts: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._first = [torch.zeros_like(found) for found in self.parameters]
        self._second = [torch.zeros_like(found) for found in self.parameters]
        self._counts = [torch.zeros(()) for _ in self.parameters]

    def moments(self) -> dict[str, list[Tensor]]:
        """What it remembers of past gradients, besides the number of steps."""
        return {"first": self._first, "second": self._second, "count": self._counts}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for found in self.parameters:
            found.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Clip the gradients and change the parameters.

        Raises:
            FloatingPointError: a gradient is not finite; nothing has been changed.
        """
        grads = {place: _coalesced(found.grad) for place, found in enumerate(self.parameters) if found.grad is not None}
        _clip(grads.values(), self.clip)
        self.steps += 1
        dense = [place for place, grad in grads.items() if not grad.is_sparse]
        for decayed in (True, False):
            group = [place for place in dense if (self.parameters[place].ndim > 1) is decayed]
            self._dense_step(group, grads, learning_rate, self.weight_decay if decayed else 0.0)
        for place, grad in grads.items():
            if grad.is_sparse:
                self._sparse_step(place, grad, learning_rate)

    def _dense_step(self, places: list[int], grads: dict[int, Tensor], learning_rate: float, decay: float) -> None:
        if not places:
            return
        torch._fused_adamw_(
            [self.parameters[place] for place in places], [grads[place] for place in places],
            [self._first[place] for place in places], [self._second[place] for place in places], [],
            self._advance(places), amsgrad=False, lr=learning_rate, beta1=BETA1, beta2=BETA2, weight_decay=decay,
            eps=EPSILON, maximize=False,
        )

    def _advance(self, places: list[int]) -> list[Tensor]:
        for place in places:
            self._counts[place] += 1
        return [self._counts[place] for place in places]

    def _sparse_step(self, place: int, grad: Tensor, learning_rate: float) -> None:
        """Adam on the rows that have a gradient (as `torch.optim.SparseAdam`)."""
        rows, values = grad._indices()[0], grad._values()
        count = float(self._advance([place])[0])
        first = self._first[place].index_select(0, rows).lerp_(values, 1 - BETA1)
        second = self._second[place].index_select(0, rows).mul_(BETA2).addcmul_(values, values, value=1 - BETA2)
        self._first[place].index_copy_(0, rows, first)
        self._second[place].index_copy_(0, rows, second)
        scale = learning_rate * (1 - BETA2**count) ** 0.5 / (1 - BETA1**count)
        self.parameters[place].index_add_(0, rows, first.div_(second.sqrt_().add_(EPSILON)), alpha=-scale)


def _coalesced(grad: Tensor) -> Tensor:
    return grad.coalesce() if grad.is_sparse else grad


def _clip(grads: Iterable[Tensor], largest: float) -> None:
    tensors = [grad._values() if grad.is_sparse else grad for grad in grads]
    norms = torch._foreach_norm(tensors)
    total = float(torch.stack(norms).norm()) if norms else 0.0
    if not math.isfinite(total):
        msg = "a gradient is not finite"
        raise FloatingPointError(msg)
    if total > largest:
        torch._foreach_mul_(tensors, largest / total)
