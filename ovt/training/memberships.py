"""What a network's indicators say of some rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ovt.training.network.network import Network, to_tensors
from ovt.training.optimisation.batches import ordered_batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.training.reader import Reader

BATCH = 256


@torch.no_grad()
def membership_logits(network: Network, reader: Reader, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """By payload with slice experts: (rows, slices) logits, above 0 where the record is taken for a member."""
    network.eval()
    found: dict[str, NDArray[np.float32]] = {}
    for places, chosen in ordered_batches(rows, reader.lengths(rows), BATCH):
        outputs = network(to_tensors(reader.read(chosen)))
        for payload, logits in outputs.memberships.items():
            if payload not in found:
                found[payload] = np.zeros((len(rows), logits.shape[1]), np.float32)
            found[payload][places] = logits.numpy()
    return found
