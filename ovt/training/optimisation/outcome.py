"""What came of a training run: the epoch that was kept, its score, and the slices that were shut."""

from __future__ import annotations

from dataclasses import dataclass

from ovt.training.optimisation.scores import DevScore  # noqa: TC001 - msgspec reads the annotation


@dataclass(frozen=True)
class Health:
    """What became of a slice's expert; there is none for a slice about which there is nothing to say."""

    slice: str
    payload: str
    scale: float
    """By how much its expert was turned down; 0: shut."""
    why: str

    def __str__(self) -> str:
        state = "shut" if self.scale == 0 else f"turned down to {self.scale:g}"
        return f"the expert of slice `{self.slice}` ({self.payload}) is {state}: {self.why}"


@dataclass
class Outcome:
    """What came of it."""

    epochs: int = 0
    """Epochs that were run."""
    best_epoch: int = 0
    """Epochs after which the weights were kept."""
    score: DevScore | None = None
    """Dev's score of those weights."""
    health: tuple[Health, ...] = ()
    """The slices whose experts are shut or turned down, and why."""

    def note(self, epoch: int, found: DevScore | None) -> bool:
        """Take in the score after an epoch; True if it is the best so far. Without scores the last is the best."""
        self.epochs = epoch
        if found is None or (self.score is not None and found.criterion <= self.score.criterion):
            self.best_epoch = epoch if found is None else self.best_epoch
            return False
        self.score, self.best_epoch = found, epoch
        return True
