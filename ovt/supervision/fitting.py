"""A label model for many ballots in bounded time: fitted to a sample, near-copies joined, one pass to predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.choice import Chosen, Truth, choose, judged
from ovt.supervision.copies import agreement, clusters, comparable
from ovt.supervision.label_models import majority
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints, Ties
from ovt.supervision.ties import ties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SAMPLED_VOTES = 300_000
"""Votes that are always enough to fit to, plus VOTES_PER_SOURCE for each source."""
VOTES_PER_SOURCE = 1_000
SAMPLED_CELLS = 4_000_000
"""Cells (items times classes) that are fitted to: with thousands of classes fewer items are."""
PIECE, PIECE_CELLS = 65_536, 2_000_000
"""Items predicted at once, and their cells."""


@dataclass(frozen=True)
class Fitted:
    """A chosen label model and the copies it was told of."""

    chosen: Chosen
    clusters: NDArray[np.int32] | None
    """(n_sources,) sources with one number share one vote."""
    ties: Ties | None = None
    """Sources that err together."""

    def log_probabilities(self, ballots: Ballots) -> Iterator[tuple[int, Ballots, Floats]]:
        """First item, ballots and log probabilities of one piece after another."""
        rows = piece_rows(int(ballots.offsets[-1]) / max(ballots.n, 1))
        for start in range(0, ballots.n, rows):
            piece = replace(ballots.span(start, min(start + rows, ballots.n)), clusters=self.clusters, ties=self.ties)
            yield start, piece, self.chosen.log_probabilities(piece)

    def probabilities(self, ballots: Ballots) -> NDArray[np.float32]:
        """(cells,) of all items."""
        out = np.empty(int(ballots.offsets[-1]), np.float32)
        for start, piece, logs in self.log_probabilities(ballots):
            at = int(ballots.offsets[start])
            out[at : at + int(piece.offsets[-1])] = np.exp(logs)
        return out


def piece_rows(width: float) -> int:
    """How many items of that many cells are predicted at once."""
    return max(min(PIECE, int(PIECE_CELLS / max(width, 1.0))), 1)


def sample(turnout: Ints, keep: NDArray[np.bool_], n_sources: int, width: float, seed: int) -> NDArray[np.bool_]:
    """Which items to fit to: those of `keep` (with gold) and a random share of the others if there are many.

    Args:
        turnout: (n,) votes on each.
        keep: (n,) always taken.
        n_sources: the more, the more votes are needed.
        width: cells of an item.
        seed: of the draw.
    """
    total = int(turnout.sum())
    share = (SAMPLED_VOTES + VOTES_PER_SOURCE * n_sources) / max(total, 1)
    share = min(share, SAMPLED_CELLS / max(len(turnout) * width, 1.0))
    if share >= 1:
        return np.ones(len(turnout), bool)
    # A stream of its own: data simulated with the same seed must not decide who is sampled.
    random = np.random.default_rng((seed, len(turnout), total))
    return keep | (random.random(len(turnout)) < share)


def fit(ballots: Ballots, dev_gold: Ints, train_gold: Ints, seed: int, *, blocks: Ints | None = None) -> Fitted:
    """Find copies, choose a model on dev; where that loses to majority vote, majority vote with all votes counted.

    Args:
        ballots: to fit to.
        dev_gold: (n,) gold that chooses, UNKNOWN where there is none.
        train_gold: (n,) gold that sources are judged by as well.
        seed: of the folds.
        blocks: (n,) items with one number (tokens of a sequence) are held out together.
    """
    met = agreement(ballots) if comparable(ballots) else None
    joined = clusters(ballots, met)
    truth = judged(ballots, Truth(dev_gold, train_gold, blocks=blocks), seed)
    truth = replace(truth, floor=_plain_majority(ballots, truth.dev))
    merged = replace(ballots, clusters=joined)
    tied = None if met is None else ties(merged, met, truth.anchors, seed)
    found = Fitted(choose(replace(merged, ties=tied), truth, seed), joined, tied)
    if (joined is None and tied is None) or found.chosen.above_floor:
        return found
    return Fitted(choose(ballots, truth, seed), None, None)


def _plain_majority(ballots: Ballots, dev_gold: Ints) -> float:
    """Accuracy on dev of majority vote with one vote for each source."""
    dev = dev_gold != UNKNOWN
    if not dev.any():
        return 0.0
    parameters = majority.fit(ballots, dev_gold)
    few = ballots.pick(dev)
    return float((few.answers(majority.predict(parameters, few)) == dev_gold[dev]).mean())
