"""Entity spans that BIO labels spell, by seqeval's (and conlleval's) definition, without a loop over tokens.

A span begins at `B-x`, and at `I-x` where no span of `x` is open; it goes on
over `I-x`. It is right when its first token, its last token and its type are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

OUTSIDE = -1


@dataclass(frozen=True)
class SpanLabels:
    """What each class of a BIO task spells."""

    types: NDArray[np.int64]
    """(k,) a number per entity type; OUTSIDE for `O` and anything that is no `B-` or `I-`."""
    begins: NDArray[np.bool_]
    """(k,) whether it is a `B-` label."""

    @classmethod
    def of(cls, classes: Sequence[str]) -> SpanLabels:
        """Read the class names."""
        numbers: dict[str, int] = {}
        types = np.full(len(classes), OUTSIDE, np.int64)
        for index, name in enumerate(classes):
            if name[:2] in {"B-", "I-"}:
                types[index] = numbers.setdefault(name[2:], len(numbers))
        return cls(types, np.asarray([name.startswith("B-") for name in classes], bool))


def span_counts(
    gold: NDArray[np.integer], predicted: NDArray[np.integer], offsets: NDArray[np.int64], labels: SpanLabels,
) -> NDArray[np.int64]:
    """Spans per record.

    Args:
        gold: (items,) class indices; -1 where there is no gold, which ends a span on both sides.
        predicted: (items,) class indices, -1 for none.
        offsets: (n + 1,) the items of each record.
        labels: what the classes spell.

    Returns:
        (n, 3): spans found that are right, spans predicted, spans in gold.
    """
    known = gold >= 0
    n_items = len(gold)
    first = np.zeros(n_items + 1, bool)
    first[offsets] = True
    gold_types, gold_starts, gold_ends = _spans(np.where(known, gold, -1), first, labels)
    found_types, found_starts, found_ends = _spans(np.where(known, predicted, -1), first, labels)
    right = gold_starts & found_starts & (gold_types == found_types)
    right[right] = gold_ends[right] == found_ends[right]
    sums = np.zeros((n_items + 1, 3), np.int64)
    for column, marks in enumerate((right, found_starts, gold_starts)):
        np.cumsum(marks, out=sums[1:, column])
    counts: NDArray[np.int64] = np.diff(sums[offsets], axis=0)
    return counts


def _spans(
    codes: NDArray[np.integer], first: NDArray[np.bool_], labels: SpanLabels,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Per item: its entity type, whether a span begins there, and where the span that it is in ends (exclusive)."""
    n_items = len(codes)
    types = np.append(labels.types, OUTSIDE)[codes]
    begins = np.append(labels.begins, False)[codes]
    before = np.full(n_items, OUTSIDE, np.int64)
    before[1:] = types[:-1]
    before[first[:-1]] = OUTSIDE
    starts = (types != OUTSIDE) & (begins | (before != types))
    stops = np.append(starts | (types == OUTSIDE), True) | first
    # The end of the span at i is the next stop after i.
    positions = np.where(stops, np.arange(n_items + 1), n_items)
    following = np.minimum.accumulate(positions[::-1])[::-1]
    return types, starts, following[1:]
