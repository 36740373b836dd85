"""How good made records are: the part `generators` of `reports/sources.json`.

For each transformation function and generator what it made and what of that was
dropped; per task how much of it has a vote, and how often the labeling functions
that fire agree with the label that the records came with (carried from the
parent, or given by the function itself). A transformation that changes what its
records mean shows up there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.lineage import AugmentSummary, read_summaries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.votes import Votes

SECTION = "generators"


def augment_report(
    folder: Path, store: Store, votes: Mapping[str, Votes], functions: Collection[str], gold: str,
) -> dict[str, Any]:
    """The section, or nothing where the project makes no records.

    Args:
        folder: `build/store`.
        store: opened.
        votes: per task, of all sources.
        functions: names of the labeling functions among them.
        gold: the gold source.
    """
    summaries = read_summaries(folder)
    if not summaries:
        return {}
    return {SECTION: [_row(store, summary, votes, functions, gold) for summary in summaries]}


def _row(
    store: Store, summary: AugmentSummary, votes: Mapping[str, Votes], functions: Collection[str], gold: str,
) -> dict[str, Any]:
    rows = store.lineage.made_by(summary.name) if store.lineage else np.empty(0, np.int64)
    return {
        "source": summary.name, "kind": summary.kind, "definition": summary.definition, "labels": summary.labels,
        "parents": summary.parents, "made": summary.made, "kept": summary.kept,
        "dropped": {"duplicates": summary.duplicates, "held_out": summary.held_out, "surplus": summary.surplus,
                    "collisions": summary.collisions},
        "tasks": {task: _quality(found, _items(store, task, rows), functions, gold) for task, found in votes.items()},
    }


def _items(store: Store, task: str, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n_items,) which items belong to some records."""
    made = np.zeros(store.n, bool)
    made[rows] = True
    offsets = store.item_offsets(task)
    return made if offsets is None else np.repeat(made, np.diff(offsets))


def _quality(votes: Votes, made: NDArray[np.bool_], functions: Collection[str], gold: str) -> dict[str, Any]:
    item, source, opinion = opinions(votes.on_items(made))
    computed = np.array([name in functions for name in votes.names] or [False], bool)[source]
    known, label = settled(item[~computed], opinion[~computed], source[~computed] == _number(votes, gold))
    agree, fired = 0, 0
    if len(known):
        at = np.minimum(np.searchsorted(known, item[computed]), len(known) - 1)
        has_label = known[at] == item[computed]
        agree = int((label[at] == opinion[computed])[has_label].sum())
        fired = int(has_label.sum())
    items = int(made.sum())
    return {
        "items": items, "coverage": _share(len(np.unique(item)), items), "labelled": _share(len(known), items),
        "agreement": {"value": _share(agree, fired), "n": fired} if fired else None,
    }


def opinions(votes: Votes) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Item, source and opinion of every pair that speaks; of a bitvector an opinion is a set of classes.

    A set is told by the sum of random 40-bit codes of its members, which two
    different sets do not share.
    """
    width = max(len(votes.names), 1)
    code = np.random.default_rng(0).integers(1, 1 << 40, int(votes.labels.max(initial=0)) + 2)
    keys = votes.items * width + votes.sources
    order = np.argsort(keys, kind="stable")
    pairs, starts = np.unique(keys[order], return_index=True)
    sums = np.add.reduceat(code[votes.labels[order] + 1], starts) if len(pairs) else pairs
    return pairs // width, (pairs % width).astype(np.int32), np.asarray(sums, np.int64)


def settled(
    item: NDArray[np.int64], opinion: NDArray[np.int64], is_gold: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items and their label: gold's where it speaks, else what most say; items without a most are left out."""
    weight = np.where(is_gold, len(item) + 1, 1)
    keys, inverse = np.unique(np.stack([item, opinion]), axis=1, return_inverse=True)
    support = np.bincount(inverse.ravel(), weight, keys.shape[1]) if len(item) else np.empty(0)
    order = np.lexsort((-support, keys[0]))
    items, labels, support = keys[0][order], keys[1][order], support[order]
    first = np.ones(len(items), bool)
    first[1:] = items[1:] != items[:-1]
    tied = np.zeros(len(items), bool)
    tied[:-1] = (items[1:] == items[:-1]) & (support[1:] == support[:-1])
    chosen = first & ~tied
    return items[chosen], labels[chosen]


def _number(votes: Votes, name: str) -> int:
    return votes.names.index(name) if name in votes.names else -1


def _share(part: float, whole: float) -> float:
    return round(float(part) / float(whole), 6) if whole else 0.0
