"""What a network is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.training.optimisation.hooks import PLAIN, Hooks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ovt.training.optimisation.scores import DevGold
    from ovt.training.optimisation.targets import TargetIndex
    from ovt.training.reader import Reader

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lesson:
    """All that a network is trained on."""

    reader: Reader
    rows: Ints
    """Train rows with a label of some task."""
    targets: dict[str, TargetIndex]
    members: NDArray[np.bool_]
    """(n, slices) membership of all rows of the store."""
    gold: DevGold | None
    """None: nothing to stop early by, so all epochs are run."""
    hooks: Hooks = PLAIN
