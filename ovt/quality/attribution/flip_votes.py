"""What each source says for or against the new answer of each flip, before and after, as arrays.

A vote for the class that the new answer has counts for the flip, a vote for the
class of the old answer against it. A bitvector's answers are sets: each name
that came or went counts, and a vote that does not have the name speaks against
it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.data.votes import Votes
    from ovt.quality.metrics import Form
    from ovt.quality.slicediff import Flip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOTHING = 1e-9
TRUSTED_MORE = 0.5
"""Change of log odds from which a weight counts as changed: 70 % to 79 %, 90 % to 94 %."""
LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Trusted:
    """One version's votes on the items of the newer one, and how far it trusts who cast them."""

    votes: Votes
    accuracies: Mapping[str, float]
    """By source, as the version's label model estimates them."""


@dataclass(frozen=True)
class Flipped:
    """Flips of one task as arrays."""

    items: Ints
    """(m,) item of the newer version's store; -1 where it does not have it."""
    pairs: Ints
    """(m,) which pair of answers."""
    directions: Floats
    """(pairs, k + 1) +1 for a class that the new answer has and the old has not, -1 the other way round.

    The last column is what a bitvector's VOTED row adds: a vote without a class is a vote against it.
    """


def lay_flips(flips: Sequence[Flip], items: Ints, classes: Sequence[str] | None, form: Form) -> Flipped:
    """Turn the answers of flips into directions.

    Args:
        flips: of one task.
        items: (m,) their items.
        classes: of the task; None for select, whose answers are positions.
        form: of the task.
    """
    codes: dict[tuple[str, str], int] = {}
    pairs = np.asarray([codes.setdefault((flip.old, flip.new), len(codes)) for flip in flips], np.int64)
    sets = [(_classes(old, classes, form), _classes(new, classes, form)) for old, new in codes]
    highest = max((number for pair in sets for found in pair for number in found), default=0)
    k = max(len(classes or ()), highest + 1)
    directions = np.zeros((len(sets), k + 1))
    for row, (old, new) in zip(directions, sets, strict=True):
        row[sorted(new - old)] = 1.0
        row[sorted(old - new)] = -1.0
    if form == "bitvector":
        directions[:, k] = -directions[:, :k].sum(axis=1)
        directions[:, :k] *= 2
    return Flipped(items, pairs, directions)


@dataclass(frozen=True)
class Opinions:
    """What each source says for and against each flip, one entry per (flip, source) with a vote before or after."""

    places: Ints
    sources: Ints
    before: Floats
    """How far its votes before speak for the new answer and against the old."""
    after: Floats
    trust_before: Floats
    trust_after: Floats

    def by_vote(self) -> tuple[Ints, Ints, Floats]:
        """Flip, source, and how much its changed vote pushes towards the new answer."""
        return self.places, self.sources, (self.after - self.before) * np.maximum(self.trust_after, self.trust_before)

    def by_weight(self) -> tuple[Ints, Ints, Floats]:
        """The same for a source whose vote stayed and whose weight changed."""
        gain = self.trust_after - self.trust_before
        pushes = np.where((self.after == self.before) & (np.abs(gain) >= TRUSTED_MORE), self.after * gain, 0.0)
        return self.places, self.sources, pushes


def opinions(flipped: Flipped, names: Sequence[str], before: Trusted, after: Trusted) -> Opinions:
    """What the sources (`names`: of both versions, sorted) say about each flip in either version."""
    n = max(len(names), 1)
    parts = [_spoken(flipped, side.votes, names) for side in (before, after)]
    keys = np.unique(np.concatenate([part[0] for part in parts]))
    said = [
        np.bincount(np.searchsorted(keys, part[0]), weights=part[1], minlength=len(keys)).astype(np.float64)
        for part in parts
    ]
    sources = keys % n
    trusts = [_by_name(side.accuracies, names) for side in (before, after)]
    # A source that one version does not have is trusted as the other trusts it.
    old, new = (np.where(np.isnan(one), other, one) for one, other in (trusts, trusts[::-1]))
    old, new = (np.nan_to_num(found, nan=LEAST_WEIGHT) for found in (old, new))
    return Opinions(keys // n, sources, said[0], said[1], old[sources], new[sources])


def _spoken(flipped: Flipped, votes: Votes, names: Sequence[str]) -> tuple[Ints, Floats]:
    """(v,) flip x sources + source of each vote on a flipped item, and what it says for the new answer."""
    starts = np.searchsorted(votes.items, flipped.items, side="left")
    stops = np.searchsorted(votes.items, flipped.items, side="right")
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    rows = np.arange(total) - np.repeat(ends - lengths, lengths) + np.repeat(starts, lengths)
    places = np.repeat(np.arange(len(flipped.items)), lengths)
    table = np.asarray([names.index(name) for name in votes.names] or [0], np.int64)
    k = flipped.directions.shape[1] - 1
    labels = votes.labels[rows].astype(np.int64)
    known = labels < k
    columns = np.where(labels < 0, k, np.minimum(labels, k - 1))
    values = np.where(known, flipped.directions[flipped.pairs[places], columns], 0.0)
    return places * max(len(names), 1) + table[votes.sources[rows]], values


def strongest(entries: tuple[Ints, Ints, Floats]) -> list[tuple[int, int]]:
    """(flip, source) of the strongest push above 0 of each flip; of equals the first by name."""
    places, sources, pushes = entries
    order = np.lexsort((sources, -pushes, places))
    order = order[pushes[order] > NOTHING]
    first = np.ones(len(order), bool)
    first[1:] = np.diff(places[order]) != 0
    chosen = order[first]
    return list(zip(places[chosen].tolist(), sources[chosen].tolist(), strict=True))


def _by_name(trust: Mapping[str, float], names: Sequence[str]) -> Floats:
    """(sources,) NaN where nothing is known."""
    return log_odds(np.asarray([trust.get(name, np.nan) for name in names], float))


def log_odds(accuracy: Floats) -> Floats:
    """Of accuracies, never below LEAST_WEIGHT: what a source says is at least heard."""
    safe = np.clip(accuracy, 0.01, 0.99)
    return np.maximum(np.log(safe / (1 - safe)), LEAST_WEIGHT)


def _classes(answer: str, classes: Sequence[str] | None, form: Form) -> set[int]:
    """The class numbers of one answer; none for no answer."""
    if classes is None:
        return {int(answer)} if answer.isdecimal() else set()
    names = json.loads(answer) if form == "bitvector" and answer.startswith("[") else [answer]
    return {classes.index(name) for name in names if name in classes}
