"""Random choices that are the same on every machine and every version of Python: only `Random.random` is used."""

from __future__ import annotations

import random
from collections.abc import Mapping, MutableSequence, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """One independent stream of choices; a change in one part of the generator leaves the others as they were."""

    def __init__(self, seed: int, stream: str) -> None:
        self._next = random.Random(f"{seed}/{stream}").random

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability

    def below(self, stop: int) -> int:
        """A whole number from 0 to stop - 1."""
        return int(self._next() * stop)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[self.below(len(options))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by its weight."""
        point = self._next() * sum(weights.values())
        for option, weight in weights.items():
            point -= weight
            if point < 0:
                return option
        return next(reversed(list(weights)))

    def popular(self, options: Sequence[T]) -> T:
        """One of the options, the first ones more often: what people ask about is never even."""
        first, second = self.below(len(options)), self.below(len(options))
        return options[min(first, second)]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put the items in random order."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
