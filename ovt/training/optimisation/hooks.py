"""What may be hung on a training run from outside: where it starts, who teaches it, who helps, who watches.

None of them is there by default, and then training is what it is without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network
    from ovt.training.optimisation.checkpoint import Checkpoint
    from ovt.training.optimisation.distillation import Teacher
    from ovt.training.optimisation.scores import DevScore
    from ovt.training.reader import Reader


class Start(Protocol):
    """Where a network's weights come from."""

    def lexicon(self, fresh: Lexicon) -> Lexicon:
        """The words and names to train with, instead of those that the data would give."""

    def begin(self, network: Network, reader: Reader) -> frozenset[str]:
        """Put weights into a new network and hold still what must not move; the tasks that learn nothing."""

    def end(self, network: Network, reader: Reader) -> None:
        """Look at the trained network: what must not move has not moved."""


class Watcher(Protocol):
    """Looks on and changes nothing."""

    def step(self, loss: Tensor, rate: float) -> None:
        """After a step: the loss of its batch and its learning rate."""

    def epoch(self, number: int, score: DevScore | None) -> None:
        """After an epoch."""


class Team(Protocol):
    """Several processes that train one network together, each on its share of every batch."""

    @property
    def rank(self) -> int:
        """0: the leader, which writes."""

    def share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's rows of a batch."""

    def agree(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes."""


@dataclass(frozen=True)
class Hooks:
    """All of them; None: not there."""

    start: Start | None = None
    teacher: Teacher | None = None
    team: Team | None = None
    watcher: Watcher | None = None
    checkpoint: Checkpoint | None = None


PLAIN = Hooks()
