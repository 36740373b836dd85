"""`reports/sources.json`: for each task the label model and why, and a row for each source.

Coverage, overlaps, conflicts and polarity have Snorkel's meaning: fractions of
all train items, and the answers that a source ever gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.supervision.label_models.ballots import UNKNOWN, Floats, Ints, counts, sums
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
    shape = _shape(judged.on_items(train))
    correct, counted = dev_accuracy(judged, kind, n_classes, gold, candidates)
    copies = {name: [other for other in group if other != name] for group in combined.copies for name in group}
    rows = [
        {
            "source": name,
            "votes": int(shape["votes"][i]),
            "coverage": _share(shape["votes"][i], train.sum()),
            "overlaps": _share(shape["overlaps"][i], train.sum()),
            "conflicts": _share(shape["conflicts"][i], train.sum()),
            "polarity": _polarity(judged, i, classes),
            "accuracy": _rounded(combined.accuracies.get(name)),
            "dev": {"accuracy": _share(correct[i], counted[i]), "n": int(counted[i])} if counted[i] else None,
            "copies": copies.get(name, []),
        }
        for i, name in enumerate(judged.names)
    ]
    shown, others = _foremost(rows)
    dev_items = len(np.unique(gold.items)) if gold is not None else 0
    return {
        "label_model": combined.chosen,
        "reason": combined.reason,
        "candidates": {name: dict(sorted(score.items())) for name, score in sorted(combined.candidates.items())},
        "majority": combined.majority or None,
        "temperature": _rounded(combined.temperature),
        "items": {
            "train": int(train.sum()),
            "covered": int(np.count_nonzero(train[np.unique(votes.items)])),
            "train_gold": _gold_items(votes.on_items(train), gold_name),
            "conflicting": int(shape["contested"]),
            "dev_gold": dev_items,
        },
        "advice": _advice(dev_items, int(shape["contested"])),
        "sources": shown,
        "others": others,
    }


def _shape(votes: Votes) -> dict[str, Any]:
    """Items by source: voted on, shared with another source, contested by another source's other answer."""
    m = len(votes.names)
    pairs, first = np.unique(votes.items * max(m, 1) + votes.sources, return_index=True)
    item, source = pairs // max(m, 1), pairs % max(m, 1)
    # An opinion is the set of a source's labels on an item (one, but for a bitvector); random 40-bit codes add up
    # to a number that two different sets do not share.
    code = np.random.default_rng(0).integers(1, 1 << 40, int(votes.labels.max(initial=0)) + 2)
    covered, start, turnout = np.unique(item, return_index=True, return_counts=True)
    place = np.repeat(np.arange(len(covered)), turnout)
    contested = np.zeros(len(covered), bool)
    if len(covered):
        opinion = np.add.reduceat(code[votes.labels + 1], first)
        contested = np.minimum.reduceat(opinion, start) != np.maximum.reduceat(opinion, start)
    return {
        "votes": counts(source, m),
        "overlaps": sums(source, turnout[place] > 1, m),
        "conflicts": sums(source, contested[place], m),
        "contested": contested.sum(),
    }


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


def _polarity(votes: Votes, source: int, classes: Sequence[str] | None) -> list[str]:
    if classes is None:
        return []
    labels = np.unique(votes.labels[votes.sources == source])
    return [classes[label] for label in labels if label >= 0]


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
