"""Why test items flipped, as far as votes tell: which source's change stands behind each flip.

A model does not see the votes on test records; it has learned from the votes
on train records like them. So the cause of a flip is looked for in this order:

1. *training noise*: with three or more seeds on both sides, the flip is not
   what most seeds of both versions say.
2. *vote*: a source speaks differently about this very record, towards the new
   answer or away from the old one. It did the same to train records like it.
3. *weight*: no vote on the record changed, but a source that spoke for the new
   answer is trusted more now (or one that spoke for the old one less).
4. *learned*: nothing about the record changed; a source's changed votes on
   train records of the same slice push from the old answer to the new one, and
   the training targets of the slice moved that way.
5. *unknown*: none of these. With fewer than three seeds noise cannot be told
   from what is left.

Votes are weighed by the log odds of their source's accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ovt.quality.attribution.flip_votes import LEAST_WEIGHT, Flipped, Trusted, log_odds, opinions, strongest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ovt.quality.attribution.blame import BlameKind
    from ovt.quality.attribution.vote_changes import VoteChanges
    from ovt.quality.predictions import GradedPredictions
    from ovt.quality.slicediff import Flip

Floats = NDArray[np.float64]
Cause = Literal["vote", "weight", "learned", "training noise", "unknown"]
CAUSES: tuple[Cause, ...] = ("vote", "weight", "learned", "training noise", "unknown")
"""In the order in which groups are listed."""
ENOUGH_SEEDS = 3
FEWEST, SHARE = 5, 0.01
"""Changed votes on train items of a slice, and their share of its items, from which something can be learned."""
EXAMPLES = 5


@dataclass(frozen=True)
class FlipCause:
    """Why one item flipped."""

    cause: Cause
    source: str | None
    """The source that stands behind it; None for training noise and for unknown causes."""


@dataclass(frozen=True)
class FlipGroup:
    """The flips of one cause."""

    cause: Cause
    source: str | None
    kind: BlameKind | None
    """What happened to the source between the versions: new, edited, removed, reweighted."""
    count: int
    broken: int
    fixed: int
    examples: tuple[str, ...]
    """Record ids: the most confident mistakes first."""


@dataclass(frozen=True)
class Evidence:
    """What two versions know about one task, on the items of the newer one."""

    before: Trusted
    after: Trusted
    taught: Mapping[str | None, Taught]
    """By slice (None: all): the changed votes on its train items."""
    shift: Callable[[str | None], Floats | None]
    """(k,) how the training targets of a slice moved, by class; None where that is not known."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All sources of both, sorted."""
        return tuple(sorted({*self.before.votes.names, *self.after.votes.names}))


@dataclass(frozen=True)
class Taught:
    """Changed votes on the train items of one slice."""

    items: int
    """Train items that the slice has."""
    pushes: Mapping[str, Floats]
    """By source, (k + 1,) votes that came minus votes that went, by class; the last is a bitvector's VOTED."""


def causes_of(
    flips: Sequence[Flip], flipped: Flipped, evidence: Evidence, held: NDArray[np.bool_] | None,
) -> list[FlipCause]:
    """The cause of each flip.

    Args:
        flips: of one task.
        flipped: the same as arrays.
        evidence: votes of both versions.
        held: (m,) whether most seeds of both versions agree on the flip; None with fewer than three seeds.
    """
    names = evidence.names
    found: list[FlipCause] = [FlipCause("unknown", None)] * len(flips)
    said = opinions(flipped, names, evidence.before, evidence.after)
    for place, source in strongest(said.by_weight()):
        found[place] = FlipCause("weight", names[source])
    for place, source in strongest(said.by_vote()):
        found[place] = FlipCause("vote", names[source])
    learned: dict[tuple[int, tuple[str, ...]], FlipCause] = {}
    for place, flip in enumerate(flips):
        if found[place].cause == "unknown":
            key = (int(flipped.pairs[place]), flip.slices)
            if key not in learned:
                learned[key] = _learned(flipped.directions[key[0]], flip.slices, evidence)
            found[place] = learned[key]
    if held is not None:
        for place in np.flatnonzero(~held).tolist():
            found[place] = FlipCause("training noise", None)
    return found


def held_over_seeds(
    flips: Sequence[Flip], a: GradedPredictions, b: GradedPredictions,
) -> NDArray[np.bool_] | None:
    """(m,) whether more than half of the seeds of each version say what the flip says; None with too few seeds."""
    if min(a.seeds, b.seeds) < ENOUGH_SEEDS:
        return None
    broken = np.asarray([flip.kind == "broken" for flip in flips], bool)
    right_a, right_b = _right_share(flips, a), _right_share(flips, b)
    held: NDArray[np.bool_] = np.where(broken, (right_a > 0.5) & (right_b < 0.5), (right_a < 0.5) & (right_b > 0.5))
    return held | np.isnan(right_a) | np.isnan(right_b)


def _right_share(flips: Sequence[Flip], part: GradedPredictions) -> Floats:
    """(m,) share of the seeds that are right; NaN for a record that the version was not asked about."""
    ids = np.asarray([flip.id for flip in flips], dtype=object)
    rows = np.minimum(np.searchsorted(part.ids, ids), len(part.ids) - 1)
    items = np.minimum(part.offsets[rows] + np.asarray([flip.position for flip in flips], np.int64), len(part.gold) - 1)
    shares: Floats = np.stack([seed.correct[items] for seed in part.by_seed()]).mean(axis=0)
    return np.where(part.ids[rows] == ids, shares, np.nan)


def grouped(
    flips: Sequence[Flip], causes: Sequence[FlipCause], kinds: Mapping[str, BlameKind],
) -> list[FlipGroup]:
    """Flips by cause and source: sources first, the largest group on top; then noise, then what is unknown."""
    places: dict[FlipCause, list[int]] = {}
    for place, cause in enumerate(causes):
        places.setdefault(cause, []).append(place)
    groups = []
    for cause, members in places.items():
        broken = sum(flips[place].kind == "broken" for place in members)
        examples = tuple(dict.fromkeys(flips[place].id for place in members[:4 * EXAMPLES]))[:EXAMPLES]
        kind = None if cause.source is None else "reweighted" if cause.cause == "weight" else kinds.get(cause.source)
        groups.append(FlipGroup(cause.cause, cause.source, kind, len(members), broken, len(members) - broken, examples))
    return sorted(groups, key=lambda group: (
        group.source is None, -group.count if group.source else CAUSES.index(group.cause), group.source or "",
        CAUSES.index(group.cause)))


def by_source(groups: Sequence[FlipGroup]) -> list[FlipGroup]:
    """One group for each source, whatever way it worked: the cause is that of most of its flips."""
    merged: dict[str | None, list[FlipGroup]] = {}
    for group in groups:
        merged.setdefault(group.source or group.cause, []).append(group)
    found = []
    for parts in merged.values():
        main = max(parts, key=lambda group: group.count)
        examples = tuple(dict.fromkeys(name for part in parts for name in part.examples))[:EXAMPLES]
        found.append(FlipGroup(
            main.cause, main.source, main.kind, sum(part.count for part in parts), sum(part.broken for part in parts),
            sum(part.fixed for part in parts), examples))
    return sorted(found, key=lambda group: (group.source is None, -group.count, group.source or group.cause))


def taught(changes: VoteChanges, train: NDArray[np.bool_], k: int) -> Taught:
    """Sum the changed votes on the train items of one slice.

    Args:
        changes: of one task.
        train: (n_items,) train items of the slice.
        k: how many classes, or positions.
    """
    inside = train[changes.items] & (changes.labels < k)
    sources, signs = changes.sources[inside], changes.signs[inside].astype(np.float64)
    columns = np.where(changes.labels[inside] < 0, k, changes.labels[inside])
    table = np.bincount(sources * (k + 1) + columns, weights=signs, minlength=len(changes.names) * (k + 1))
    rows = table.reshape(len(changes.names), k + 1)
    touched = sorted(set(sources.tolist()))
    return Taught(int(train.sum()), {changes.names[source]: rows[source] for source in touched})


def _learned(direction: Floats, slices: Sequence[str], evidence: Evidence) -> FlipCause:
    """The source whose changed votes teach this, in the smallest slice of the record where one does."""
    known: list[str | None] = [name for name in slices if name in evidence.taught]
    known.sort(key=lambda name: (evidence.taught[name].items, name or ""))
    for name in (*known, None):
        lesson = evidence.taught.get(name)
        if lesson is None:
            continue
        pushes = {source: float(found @ direction) for source, found in lesson.pushes.items()}
        trusted = {
            source: push * _weight(source, evidence) for source, push in pushes.items()
            if push >= max(FEWEST, SHARE * lesson.items)
        }
        shift = evidence.shift(name) if trusted else None
        if trusted and (shift is None or _along(shift, direction) > 0):
            return FlipCause("learned", min(trusted, key=lambda source: (-trusted[source], source)))
    return FlipCause("unknown", None)


def _along(shift: Floats, direction: Floats) -> float:
    """How far targets moved from the old answer to the new; the direction's last column is no class."""
    k = min(len(shift), len(direction) - 1)
    return float(shift[:k] @ direction[:k])


def _weight(source: str, evidence: Evidence) -> float:
    """How much a source is trusted, for comparing sources; the least where nothing is known."""
    found = evidence.after.accuracies.get(source, evidence.before.accuracies.get(source))
    return LEAST_WEIGHT if found is None else float(log_odds(np.asarray([found]))[0])
