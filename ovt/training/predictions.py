"""What a model says about a task: probabilities and decoded labels per item, as plain arrays.

The evaluate stage reads these; nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TaskPredictions:
    """The predictions of one task on the items of some rows, in the order of the rows."""

    items: NDArray[np.int64]
    """(m,) item numbers, as the store counts them."""
    probabilities: NDArray[np.float32]
    """(m, k): of each class (multiclass rows sum to 1; bitvector: each class on its own).
    For `select` (v,): of each candidate, the candidates of item `i` at `offsets[i]:offsets[i + 1]`."""
    decoded: NDArray[np.int32] | NDArray[np.bool_]
    """(m,) int32: the class, or the candidate's position (-1: no candidate); BIO tasks are decoded to valid spans,
    so this may differ from the arg max; -1 for a class that the store does not know. For `bitvector` (m, k) bool."""
    offsets: NDArray[np.int64] | None = None
    """(m + 1,) for `select`, None otherwise."""

    def confidence(self) -> NDArray[np.float32]:
        """(m,) the probability of what was decoded; for `bitvector` the product over its classes."""
        if self.offsets is not None:
            found = np.zeros(len(self.items), np.float32)
            chosen = self.decoded >= 0
            found[chosen] = self.probabilities[self.offsets[:-1][chosen] + self.decoded[chosen]]
            return found
        if self.decoded.ndim == 2:
            agreed = np.where(self.decoded, self.probabilities, 1 - self.probabilities)
            return np.asarray(agreed.prod(axis=1), np.float32)
        if not self.probabilities.shape[1]:
            return np.zeros(len(self.items), np.float32)
        found = self.probabilities[np.arange(len(self.items)), self.decoded]
        return np.asarray(np.where(self.decoded >= 0, found, 0), np.float32)
