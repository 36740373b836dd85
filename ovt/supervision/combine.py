"""Many sources in, one probability for each answer out: `combine` for arrays, `combine_task` for a task's votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import UsageError
from ovt.supervision import fitting
from ovt.supervision.copies import named
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints, counts, rectangular
from ovt.supervision.label_models.priors import BALANCE_STRENGTH
from ovt.supervision.targets import Combined, combine_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.supervision.choice import Chosen

__all__ = ["Combination", "Combined", "combine", "combine_task"]

ABSTAIN = -1
"""In a dense array of votes: the source says nothing on the row."""


@dataclass(frozen=True)
class Combination:
    """What `combine` found."""

    probabilities: NDArray[np.float32]
    """(n, k); a row that no source covers has the class balance."""
    accuracies: NDArray[np.float32]
    """(m,) estimated accuracy of each source."""
    model: str
    """Name of the label model that was chosen."""
    reason: str
    """Why."""
    candidates: dict[str, dict[str, float]]
    """By label model: log_loss, accuracy, f1 and ece on gold it has not seen; empty without gold."""
    names: tuple[str, ...]
    """Of the sources."""
    copies: tuple[tuple[str, ...], ...]
    """Near-copies, which share one vote."""


def combine(
    votes: NDArray[np.integer], cardinality: int, *, gold: NDArray[np.integer] | None = None,
    names: Sequence[str] | None = None, seed: int = 0,
) -> Combination:
    """Estimate how far each source can be trusted and combine their votes into probabilities.

    Args:
        votes: (n, m) class index that each of m sources gives to each of n rows, -1 where it abstains.
        cardinality: number of classes k.
        gold: (n,) true class where it is known (dev rows), -1 elsewhere. It chooses the model, sets the class
            balance and the temperature.
        names: of the sources; default `source_0` and so on.
        seed: of the sample and of the cross-validation.

    Returns:
        Probabilities, accuracies, and which label model was chosen why.

    Three sources on 1,000 rows of two classes; the third is worse, and now and then silent:

    >>> import numpy as np
    >>> import ovt
    >>> random = np.random.default_rng(7)
    >>> truth = random.integers(0, 2, 1000)
    >>> right = random.random((1000, 3)) < [0.9, 0.85, 0.6]
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None])
    >>> votes[::5, 2] = -1
    >>> gold = np.where(np.arange(1000) < 200, truth, -1)
    >>> found = ovt.combine(votes, 2, gold=gold)
    >>> found.probabilities.shape
    (1000, 2)
    >>> bool((found.probabilities.argmax(axis=1) == truth).mean() > 0.88)
    True
    >>> bool(np.abs(found.accuracies - [0.9, 0.85, 0.6]).max() < 0.05)
    True
    """
    labelled = _checked(votes, cardinality, gold, names)
    kept = tuple(names) if names is not None else tuple(f"source_{i}" for i in range(votes.shape[1]))
    turnout = (votes >= 0).sum(axis=1)
    drawn = fitting.sample(turnout, labelled != UNKNOWN, votes.shape[1], cardinality, seed)
    picked = np.flatnonzero(drawn & (turnout > 0))
    ballots = _dense(votes[picked], cardinality)
    nothing = np.full(len(picked), UNKNOWN, np.int64)
    fitted = fitting.fit(ballots, labelled[picked], nothing, seed)
    probabilities = np.empty((len(votes), cardinality), np.float32)
    step = fitting.piece_rows(cardinality)
    for start in range(0, len(votes), step):
        rows = slice(start, start + step)
        piece = _dense(votes[rows], cardinality)
        probabilities[rows] = fitted.probabilities(piece).reshape(-1, cardinality)
    probabilities[turnout == 0] = _silent_balance(fitted.chosen, labelled[turnout == 0], cardinality)
    chosen = fitted.chosen
    scores = {name: score.rounded() for name, score in chosen.scores.items()}
    accuracies = chosen.model.accuracies(chosen.parameters).astype(np.float32)
    return Combination(
        probabilities, accuracies, chosen.name, chosen.reason, scores, kept, named(fitted.clusters, kept)
    )


def _checked(
    votes: NDArray[np.integer], k: int, gold: NDArray[np.integer] | None, names: Sequence[str] | None
) -> Ints:
    """(n,) gold with UNKNOWN where there is none; raises for arrays that do not fit together."""
    if votes.ndim != 2 or not np.issubdtype(votes.dtype, np.integer):
        raise UsageError(
            "votes must be a two-dimensional array of integers",
            why=f"got {votes.ndim} dimensions of {votes.dtype}", fix="rows are items, columns are sources, -1 abstains",
        )
    if k < 1 or (votes.size and (int(votes.max()) >= k or int(votes.min()) < ABSTAIN)):
        low, high = (int(votes.min()), int(votes.max())) if votes.size else (0, 0)
        raise UsageError(
            f"a vote is not a class of {k}", why=f"votes run from {low} to {high}",
            fix=f"use 0 … {k - 1}, and -1 for abstain",
        )
    if names is not None and len(names) != votes.shape[1]:
        raise UsageError(f"{len(names)} names for {votes.shape[1]} sources", fix="give one name for each column")
    if gold is None:
        return np.full(len(votes), UNKNOWN, np.int64)
    if gold.shape != (len(votes),) or (gold.size and (int(gold.max()) >= k or int(gold.min()) < UNKNOWN)):
        raise UsageError("gold does not fit the votes", why=f"shape {gold.shape} for {len(votes)} rows and {k} classes",
                         fix="give one class for each row, -1 where it is unknown")
    return gold.astype(np.int64)


def _dense(votes: NDArray[np.integer], k: int) -> Ballots:
    items, sources = np.nonzero(votes >= 0)
    labels = votes[items, sources].astype(np.int32)
    return rectangular(items, sources.astype(np.int32), labels, votes.shape[1], (len(votes), k))


def _silent_balance(chosen: Chosen, gold: Ints, k: int) -> Floats:
    """(k,) class balance of rows without a vote: of their gold, drawn to the balance of all."""
    share: Floats = chosen.parameters.balance.mean(axis=0)
    seen = counts(gold[gold != UNKNOWN], k)
    mixed: Floats = (seen + BALANCE_STRENGTH * share) / (seen.sum() + BALANCE_STRENGTH)
    return mixed
