"""`reports/sources.json`: for each task the label model and why, and a row for each source.

Coverage, overlaps, conflicts and polarity have Snorkel's meaning: fractions of
all train items, and the answers that a source ever gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.supervision.collection.crowds import groups
from ovt.supervision.label_models.ballots import UNKNOWN, Floats, Ints, counts, sums
from ovt.supervision.reporting.certainty import effective_votes, wilson
from ovt.supervision.tally import Kind, tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.supervision.targets import Combined

FORMAT = "ovt.sources/1"
MOST_ROWS = 200
"""Sources with a row of their own, those with most votes first; a crowd's others are told together."""
ENOUGH_DEV = 100
"""Dev items with gold below which the report advises to label more."""


def sources_report(tasks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The whole file."""
    return {"format": FORMAT, "tasks": dict(sorted(tasks.items()))}


def task_report(  # noqa: PLR0913 - the same facts that combine_task was given
    votes: Votes,
    combined: Combined,
    *,
    kind: Kind,
    n_classes: int,
    gold: Votes | None = None,
    gold_name: str = "gold",
    train_items: NDArray[np.bool_] | None = None,
    candidates: Ints | None = None,
    classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """One task: its label model, every candidate's dev score, and its sources.

    Args:
        votes: all that the label model saw; the gold source's are left out.
        combined: what `combine_task` returned for them.
        kind: of the task.
        n_classes: k; unused for select.
        gold: of dev items.
        gold_name: the source that is the truth.
        train_items: (n_items,) which items coverage is a fraction of; None: all.
        candidates: (n_items + 1,) for select.
        classes: names, for polarity; None for select.
    """
    judged = votes.without(gold_name)
    train = np.ones(votes.n_items, bool) if train_items is None else train_items
    told = _Told.of(judged.names)
    on_train = judged.on_items(train)
    shape = _shape(on_train, told)
    right, checked = dev_accuracy(judged, kind, n_classes, gold, candidates)
    accuracies = combined.accuracies
    sure = effective_votes(on_train, combined, kind, accuracies)
    polarity = _polarity(judged, told, classes)
    copies = {name: [other for other in group if other != name] for group in combined.copies for name in group}
    rows = [
        {
            "source": name,
            "votes": int(shape.votes[i]),
            "coverage": _share(shape.items[i], train.sum()),
            "overlaps": _share(shape.overlaps[i], train.sum()),
            "conflicts": _share(shape.conflicts[i], train.sum()),
            "polarity": polarity[i],
            **_accuracy(accuracies, [judged.names[at] for at in told.members[i]], sure[told.members[i]]),
            "dev": _dev(right[told.members[i]].sum(), checked[told.members[i]].sum()),
            "copies": copies.get(name, []),
            **(_workers(shape, told.members[i], judged.names, accuracies) if told.is_crowd(i, judged.names) else {}),
        }
        for i, name in enumerate(told.names)
    ]
    shown, others = _foremost(rows)
    dev_items = len(np.unique(gold.items)) if gold is not None else 0
    return {
        "label_model": combined.chosen,
        "reason": combined.reason,
        "candidates": {name: dict(sorted(score.items())) for name, score in sorted(combined.candidates.items())},
        "hidden_votes": {name: dict(sorted(heard.items())) for name, heard in sorted(combined.heard.items())},
        "decoders": {name: dict(sorted(score.items())) for name, score in sorted(combined.decoders.items())},
        "majority": combined.majority or None,
        "temperature": _rounded(combined.temperature),
        "items": {
            "train": int(train.sum()),
            "covered": int(np.count_nonzero(train & _voted(votes))),
            "train_gold": _gold_items(votes.on_items(train), gold_name),
            "conflicting": shape.contested,
            "dev_gold": dev_items,
        },
        "advice": _advice(dev_items, shape.contested),
        "sources": shown,
        "others": others,
    }


@dataclass(frozen=True)
class _Told:
    """The sources as the report tells them: the workers of a crowd together."""

    names: tuple[str, ...]
    number: Ints
    """(m,) which of them each source belongs to."""
    members: tuple[list[int], ...]

    @classmethod
    def of(cls, sources: Sequence[str]) -> _Told:
        names, number = groups(sources)
        members: tuple[list[int], ...] = tuple([] for _ in names)
        for source, at in enumerate(number.tolist()):
            members[at].append(source)
        return cls(names, number, members)

    def is_crowd(self, at: int, sources: Sequence[str]) -> bool:
        """Whether several workers are told as one."""
        return self.names[at] != sources[self.members[at][0]]


@dataclass(frozen=True)
class _Shape:
    """Items by told source: voted on, shared with another source, contested by another source's other answer."""

    items: Ints
    votes: Ints
    """Of a crowd those of all its workers."""
    overlaps: Floats
    conflicts: Floats
    contested: int
    """Items."""
    by_source: Ints
    """(m,) votes of each source, of each worker too."""


def _voted(votes: Votes) -> NDArray[np.bool_]:
    """(n_items,) whether anybody votes on an item; `np.unique` takes a second for five million votes."""
    found = np.zeros(votes.n_items, bool)
    found[votes.items] = True
    return found


def _shape(votes: Votes, told: _Told) -> _Shape:
    m, g = len(votes.names), len(told.names)
    # Votes are sorted by item, source and label: an opinion begins where one of the first two changes.
    fresh = np.ones(len(votes.items), bool)
    fresh[1:] = (np.diff(votes.items) != 0) | (np.diff(votes.sources) != 0)
    first = np.flatnonzero(fresh)
    item, source = votes.items[first], votes.sources[first]
    # An opinion is the set of a source's labels on an item (one, but for a bitvector); random 40-bit codes add up
    # to a number that two different sets do not share.
    code = np.random.default_rng(0).integers(1, 1 << 40, int(votes.labels.max(initial=0)) + 2)
    begins = np.ones(len(item), bool)
    begins[1:] = np.diff(item) != 0
    start = np.flatnonzero(begins)
    turnout = np.diff(np.append(start, len(item)))
    place = np.repeat(np.arange(len(start)), turnout)
    contested = np.zeros(len(start), bool)
    if len(start):
        opinion = np.add.reduceat(code[votes.labels + 1], first)
        contested = np.minimum.reduceat(opinion, start) != np.maximum.reduceat(opinion, start)
    group = told.number[source]
    if g < m:  # an item that several workers of a crowd voted on is one item of the crowd
        once = np.unique(place * g + group)
        of_item, of_group = once // g, once % g
    else:
        of_item, of_group = place, group
    return _Shape(
        counts(of_group, g), counts(group, g), sums(of_group, turnout[of_item] > 1, g),
        sums(of_group, contested[of_item], g), int(contested.sum()), counts(source, m),
    )


def _accuracy(accuracies: Mapping[str, float], members: Sequence[str], sure: Floats) -> dict[str, Any]:
    """Estimated accuracy and its interval; of a crowd the mean of its workers, by what is known of each."""
    known = [(accuracies[name], n) for name, n in zip(members, sure.tolist(), strict=True) if name in accuracies]
    if not known:
        return {"accuracy": None, "accuracy_interval": None}
    total = sum(n for _, n in known)
    mean = sum(rate * n for rate, n in known) / total if total > 0 else sum(rate for rate, _ in known) / len(known)
    if len(known) == 1:
        mean = known[0][0]
    return {"accuracy": _rounded(mean), "accuracy_interval": [_rounded(end) for end in wilson(mean, total)]}


def _dev(right: float, checked: int) -> dict[str, Any] | None:
    return {"accuracy": _share(right, checked), "n": int(checked)} if checked else None


def _workers(
    shape: _Shape, members: Sequence[int], names: Sequence[str], accuracies: Mapping[str, float],
) -> dict[str, Any]:
    """How many workers there are, and how much and how well they vote: quantiles, nobody alone."""
    votes = shape.by_source[list(members)]
    rates = [accuracies[names[at]] for at in members if names[at] in accuracies]
    quantiles = (0.1, 0.5, 0.9)
    return {"workers": {
        "n": len(members),
        "votes": [float(value) for value in np.quantile(votes, quantiles)],
        "accuracy": [_rounded(float(value)) for value in np.quantile(rates, quantiles)] if rates else None,
    }}


def dev_accuracy(
    votes: Votes, kind: Kind, n_classes: int, gold: Votes | None, candidates: Ints | None
) -> tuple[Floats, Ints]:
    """(m,) right votes and (m,) votes on dev items with gold; of a bitvector each bit is a vote."""
    m = len(votes.names)
    if gold is None or not len(gold.items):
        return np.zeros(m), np.zeros(m, np.int64)
    has_gold = np.zeros(votes.n_items, bool)
    has_gold[gold.items] = True
    counted = tally(votes.on_items(has_gold), kind, n_classes, candidates)
    ballots = counted.ballots
    truth = counted.gold_of(gold)[ballots.items]
    source = ballots.sources if ballots.parents is None else ballots.parents[ballots.sources]
    known = truth != UNKNOWN
    right = (truth == ballots.labels) & known
    return sums(source, right, m), counts(source[known], m)


def _gold_items(votes: Votes, gold_name: str) -> int:
    if gold_name not in votes.names:
        return 0
    return len(np.unique(votes.items[votes.sources == votes.names.index(gold_name)]))


def _polarity(votes: Votes, told: _Told, classes: Sequence[str] | None) -> list[list[str]]:
    """The answers that each told source ever gives."""
    if classes is None:
        return [[] for _ in told.names]
    k = len(classes) + 1
    seen = np.zeros(len(told.names) * k, bool)
    seen[told.number[votes.sources] * k + votes.labels + 1] = True
    return [[classes[at] for at in np.flatnonzero(row[1:]).tolist()] for row in seen.reshape(-1, k)]


def _foremost(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The rows shown, by name, and one line for the others."""
    if len(rows) <= MOST_ROWS:
        return rows, None
    by_votes = sorted(rows, key=lambda row: (-row["votes"], row["source"]))
    shown = sorted(by_votes[:MOST_ROWS], key=lambda row: str(row["source"]))
    rest = by_votes[MOST_ROWS:]
    shares = ("coverage", "overlaps", "conflicts")
    means = {name: _rounded(float(np.mean([row[name] for row in rest]))) for name in shares}
    known = [row["accuracy"] for row in rest if row["accuracy"] is not None]
    accuracy = _rounded(float(np.mean(known))) if known else None
    return shown, {"sources": len(rest), "votes": sum(row["votes"] for row in rest), "accuracy": accuracy, **means}


def _advice(dev_items: int, contested: int) -> list[str]:
    if dev_items >= ENOUGH_DEV:
        return []
    start = f"; begin with the {contested} train items that sources disagree on to mend sources" if contested else ""
    return [f"{dev_items} dev items have gold: label about {ENOUGH_DEV} at random to choose and calibrate by{start}"]


def _share(part: float, whole: float) -> float:
    return round(float(part) / float(whole), 6) if whole else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
