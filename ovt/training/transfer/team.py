"""Several processes that train one network (`torchrun`): each its share of every batch, gradients averaged.

All of them read the same data, draw the same batches and make the same steps,
so their weights stay equal. Only the leader (rank 0) runs the other stages and
writes; the rest wait until it trains, and train along.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

PATIENCE = timedelta(hours=12)
"""That followers wait for the leader, which may have much to compile and label first."""
TRAIN, DONE = "train", "done"


@dataclass(frozen=True)
class Processes:
    """A `Team` (see `ovt.training.optimisation.hooks`)."""

    rank: int
    size: int

    def share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every `size`-th row of the batch, which is sorted by length: shares are alike. A tiny batch is everyone's."""
        return rows[self.rank::self.size] if len(rows) >= self.size else rows

    def agree(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by the mean over all processes; one that some do not have counts as zeros."""
        wanted = [found for found in parameters if found.requires_grad]
        has = torch.tensor([found.grad is not None for found in wanted], dtype=torch.uint8)
        _sum(has)
        taking = [found for found, count in zip(wanted, has.tolist(), strict=True) if count]
        if not taking:
            return
        sparse = torch.tensor([found.grad is not None and found.grad.is_sparse for found in taking], dtype=torch.uint8)
        _sum(sparse)
        flat = torch.cat([_dense(found).reshape(-1) for found in taking])
        _sum(flat)
        flat /= self.size
        means = torch.split(flat, [found.numel() for found in taking])
        for found, mean, by_row in zip(taking, means, sparse.tolist(), strict=True):
            found.grad = _rows(mean.view_as(found)) if by_row else mean.view_as(found)


def _dense(found: nn.Parameter) -> Tensor:
    if found.grad is None:
        return torch.zeros_like(found)
    return found.grad.to_dense() if found.grad.is_sparse else found.grad


def _rows(grad: Tensor) -> Tensor:
    """A table's gradient by the rows that were read, so that the optimizer leaves the others alone."""
    rows = grad.abs().sum(1).nonzero().reshape(-1)
    return torch.sparse_coo_tensor(rows.unsqueeze(0), grad[rows], grad.shape, is_coalesced=True)


@contextmanager
def joined() -> Iterator[Processes]:
    """Meet the others; part at the end. The leader sends them home even if it failed."""
    from torch import distributed

    distributed.init_process_group("gloo", timeout=PATIENCE)
    team = Processes(distributed.get_rank(), distributed.get_world_size())
    try:
        yield team
    finally:
        if team.rank == 0:
            call(DONE)
        distributed.destroy_process_group()


def call(word: str) -> None:
    """The leader tells the others what is next."""
    from torch import distributed

    distributed.broadcast_object_list([word], src=0)


def listen() -> str:
    """A follower hears what is next."""
    from torch import distributed

    heard: list[Any] = [None]
    distributed.broadcast_object_list(heard, src=0)
    return str(heard[0])


def _sum(found: Tensor) -> None:
    from torch import distributed

    distributed.all_reduce(found)
