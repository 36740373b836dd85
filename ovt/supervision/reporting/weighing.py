"""What each vote on one item is worth: the label model asked again without it.

Nothing is fitted: `posterior` is asked about the record's votes, once with all
and once without each source, so that near-copies, neighbouring tokens and
calibration count exactly as they did when the target was made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.supervision.label_models.candidates import label_model
from ovt.supervision.posterior import Learned, posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store

Ranked = tuple[tuple[str, float], ...]
"""Labels with their probabilities, the most probable first."""
CERTAIN = 1e-6
"""Probabilities are read as at least this far from 0 and 1, so that a weight is a number."""


@dataclass(frozen=True)
class RecordVotes:
    """The votes on one record, its items numbered from 0."""

    votes: Votes
    candidates: NDArray[np.int64] | None
    """(2,) for select: 0 and the number of candidates."""
    sequences: NDArray[np.int64] | None
    """(2,) for tokens: 0 and their number."""

    @classmethod
    def of(cls, store: Store, task: str, row: int, votes: Votes) -> RecordVotes:
        """Cut them out of the task's votes."""
        offsets = store.item_offsets(task)
        first, last = (row, row + 1) if offsets is None else (int(offsets[row]), int(offsets[row + 1]))
        start, stop = np.searchsorted(votes.items, [first, last]).tolist()
        own = Votes(votes.items[start:stop] - first, votes.sources[start:stop], votes.labels[start:stop], votes.names,
                    last - first)
        size = store.candidates(task)[row:row + 2] if store.schema.tasks[task].type == "select" else None
        token = store.schema.granularity(task) == "token"
        return cls(own, None if size is None else size - size[0],
                   np.array([0, last - first], np.int64) if token else None)

    def sources_on(self, position: int) -> list[str]:
        """The sources that vote on an item, sorted."""
        return [self.votes.names[number] for number in np.unique(self.votes.sources[self.votes.items == position])]


@dataclass(frozen=True)
class Weight:
    """What one source's votes on the record do to the answer on an item."""

    source: str
    accuracy: float | None
    """As the label model estimates it."""
    log_odds: float | None
    """What it adds to the log-odds of the answer; negative: it spoke against it. None: it was not counted."""
    without: Ranked
    """Probabilities without it; empty if nobody else votes."""
    decisive: bool
    """Without it the answer would be another, or none."""


@dataclass(frozen=True)
class Weighed:
    """The label model's answer on one item and what each source did to it."""

    probabilities: Ranked
    """Empty if no source that it knows votes on the item."""
    answer: str | None
    weights: tuple[Weight, ...]
    """By source; only those that vote on the item."""

    @property
    def decisive(self) -> str | None:
        """The source without which the answer changes and that weighs most; None if no single one decides."""
        able = [weight for weight in self.weights if weight.decisive]
        return max(able, key=lambda weight: weight.log_odds or 0.0).source if able else None


def weigh(learned: Learned, record: RecordVotes, position: int, classes: Sequence[str] | None) -> Weighed:
    """Ask the label model about one item with all votes, and without each source's.

    Args:
        learned: of the task.
        record: the votes on one record.
        position: the item.
        classes: of the task; None for select.
    """
    full = _asked(learned, record, position)
    if full is None:
        return Weighed((), None, ())
    answer = _answer(learned, full)
    known = accuracies(learned)
    weights = []
    for source in record.sources_on(position):
        if source not in known:
            continue
        rest = _asked(learned, record, position, source)
        log_odds = _log_odds(learned, full, answer) - _log_odds(learned, _or_even(learned, full, rest), answer)
        weights.append(Weight(source, known[source], log_odds, ranked(learned.kind, rest, classes),
                              rest is None or not np.array_equal(_answer(learned, rest), answer)))
    return Weighed(ranked(learned.kind, full, classes), _spelled(learned, answer, classes), tuple(weights))


def accuracies(learned: Learned) -> dict[str, float]:
    """Source → accuracy; of a bitvector the mean over its bits."""
    flat = label_model(learned.model).accuracies(learned.parameters)
    by_source = np.asarray(flat).reshape(len(learned.names), -1).mean(axis=1)
    return dict(zip(learned.names, by_source.tolist(), strict=True))


def ranked(kind: str, probabilities: NDArray[np.float32] | None, classes: Sequence[str] | None) -> Ranked:
    """Labels with their probabilities; of select the positions of candidates."""
    if probabilities is None:
        return ()
    names = [str(number) for number in range(len(probabilities))] if kind == "select" or classes is None else classes
    pairs = zip(names, probabilities.tolist(), strict=True)
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _asked(
    learned: Learned, record: RecordVotes, position: int, without: str | None = None,
) -> NDArray[np.float32] | None:
    found = posterior(learned, record.votes, candidates=record.candidates, sequences=record.sequences,
                      without=() if without is None else (without,))
    return found.of_item(position)


def _or_even(
    learned: Learned, full: NDArray[np.float32], rest: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Where nobody else votes, nothing is known."""
    if rest is not None:
        return rest
    return np.full(len(full), 0.5 if learned.kind == "bitvector" else 1 / max(len(full), 1), np.float32)


def _answer(learned: Learned, probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """The classes answered: one, or those of a bitvector that are more likely than not."""
    if learned.kind == "bitvector":
        return np.flatnonzero(probabilities >= 0.5)
    return np.array([int(probabilities.argmax())])


def _log_odds(learned: Learned, probabilities: NDArray[np.float32], answer: NDArray[np.int64]) -> float:
    """Of the answer; of a bitvector of all its bits being as answered."""
    if learned.kind == "bitvector":
        yes = np.zeros(len(probabilities), bool)
        yes[answer] = True
        chance = float(np.prod(np.where(yes, probabilities, 1 - probabilities)))
    else:
        chance = float(probabilities[answer[0]])
    chance = min(max(chance, CERTAIN), 1 - CERTAIN)
    return float(np.log(chance) - np.log1p(-chance))


def _spelled(learned: Learned, answer: NDArray[np.int64], classes: Sequence[str] | None) -> str:
    if learned.kind == "bitvector" and classes is not None:
        return json.dumps(sorted(classes[at] for at in answer), ensure_ascii=False, separators=(",", ":"))
    return str(answer[0]) if learned.kind == "select" or classes is None else classes[answer[0]]
