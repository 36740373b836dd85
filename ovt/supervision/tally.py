"""From the votes of a task, of any kind, to ballots; and gold in the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ovt.data.votes import VOTED, Votes
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Ints, rectangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["multiclass", "bitvector", "select"]


@dataclass(frozen=True)
class Tally:
    """Ballots of a task, and which items they are about."""

    ballots: Ballots
    covered: Ints
    """(c,) the items that some source voted on. Ballots of a bitvector have c * k items: one for each bit."""
    kind: Kind
    width: int
    """Ballot items per covered item: the number of bits, else 1."""

    @property
    def classes(self) -> int:
        """Number of classes of the task; 0 for select."""
        return self.width if self.kind == "bitvector" else self.ballots.k or 0

    def gold_of(self, gold: Votes | None) -> Ints:
        """(ballot items,) the gold answer of each, UNKNOWN where there is none."""
        answers = np.full(self.ballots.n, UNKNOWN, np.int64)
        if gold is None or not len(gold.items) or not len(self.covered):
            return answers
        place = np.minimum(np.searchsorted(self.covered, gold.items), len(self.covered) - 1)
        here = self.covered[place] == gold.items
        place, labels = place[here], gold.labels[here]
        if self.kind != "bitvector":
            fits = labels < self.ballots.sizes[place]
            answers[place[fits]] = labels[fits]
            return answers
        bits = answers.reshape(-1, self.width)
        bits[place] = 0
        positive = labels != VOTED
        bits[place[positive], labels[positive]] = 1
        return answers

    def of_items(self, per_item: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(ballot items,) a mask over the task's items as a mask over the ballots."""
        return np.repeat(per_item[self.covered], self.width)


def tally(votes: Votes, kind: Kind, n_classes: int, candidates: Ints | None) -> Tally:
    """Count the votes; items without a vote take no room."""
    # Votes are sorted by item, so that the different ones need no sorting.
    fresh = np.diff(votes.items, prepend=-1) != 0
    covered, compact = votes.items[fresh], np.cumsum(fresh) - 1
    if kind == "bitvector":
        return Tally(_bits(votes, compact, len(covered), n_classes), covered, kind, n_classes)
    if kind == "multiclass":
        shape = (len(covered), n_classes)
        return Tally(rectangular(compact, votes.sources, votes.labels, len(votes.names), shape), covered, kind, 1)
    assert candidates is not None
    sizes = np.maximum(np.diff(candidates)[covered], 1)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    ballots = Ballots(offsets, compact, votes.sources, votes.labels, len(votes.names), None)
    return Tally(ballots, covered, kind, 1)


def _bits(votes: Votes, compact: Ints, n: int, k: int) -> Ballots:
    """Each opinion on an item is a yes or no on each of its bits; sources are judged bit by bit."""
    m = len(votes.names)
    opinions, owner = np.unique(compact * max(m, 1) + votes.sources, return_inverse=True)
    said = np.zeros((len(opinions), k), np.int32)
    positive = votes.labels != VOTED
    said[owner[positive], votes.labels[positive]] = 1
    bit = np.tile(np.arange(k), len(opinions))
    items = np.repeat(opinions // max(m, 1), k) * k + bit
    order = np.argsort(items, kind="stable")
    sources = (np.repeat(opinions % max(m, 1), k) * k + bit).astype(np.int32)
    return Ballots(
        np.arange(n * k + 1, dtype=np.int64) * 2, items[order], sources[order], said.ravel()[order], m * k, 2,
        groups=np.tile(np.arange(k, dtype=np.int32), n), n_groups=k,
        parents=np.repeat(np.arange(m, dtype=np.int32), k),
    )
