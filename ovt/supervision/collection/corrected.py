"""What people corrected, and gold given later: the target of a train item, the truth of a dev or test item.

A correction decides its own item and teaches the label model nothing about the
sources: people correct what looks wrong, so on corrected items every source
looks worse than it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.progress import Silent
from ovt.project import CORRECTIONS, GOLD
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name
from ovt.supervision.collection.carry import with_carried
from ovt.supervision.collection.outside import read_corrections, read_gold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.supervision.targets import Combined


def corrections_of(
    project: Project, store: Store, progress: Progress | None = None, *, strict: bool = False,
) -> dict[str, Votes]:
    """Corrections of train records per task, the last word of whoever spoke last, as votes of the gold source.

    Raises:
        ProjectError: too many rows of the file are bad.
    """
    if not (project.root / CORRECTIONS).is_file():
        return {}
    found = read_corrections(project, store, progress or Silent(), strict=strict)
    return {task: with_carried(outside, store, task).votes for task, outside in found.items()}


def with_corrections(combined: Combined, corrections: Votes | None, candidates: NDArray[np.int64] | None) -> Combined:
    """Targets in which every corrected item has its correction: probabilities 0 and 1, weight 1.

    Args:
        combined: what the label model says.
        corrections: of the task; None: there are none.
        candidates: (n_items + 1,) where each item's candidates begin, for select.
    """
    if corrections is None or not len(corrections.items):
        return combined
    items = np.union1d(combined.items, corrections.items)
    weights = np.ones(len(items), np.float32)
    weights[np.searchsorted(items, combined.items)] = combined.weights
    weights[np.searchsorted(items, corrections.items)] = 1.0
    if candidates is not None:
        sizes = np.diff(candidates)[items]
    else:
        width = combined.probabilities.shape[1]
        sizes = np.full(len(items), width)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values = np.zeros(int(offsets[-1]), np.float32)
    values[np.repeat(np.isin(items, combined.items), sizes)] = combined.probabilities.ravel()
    values[np.repeat(np.isin(items, corrections.items), sizes)] = 0.0
    said = corrections.labels >= 0
    values[offsets[np.searchsorted(items, corrections.items[said])] + corrections.labels[said]] = 1.0
    if candidates is None:
        return replace(combined, items=items, weights=weights, probabilities=values.reshape(len(items), -1))
    return replace(combined, items=items, weights=weights, probabilities=values, offsets=offsets)


def add_later_gold(project: Project, store: Store, build: Path, progress: Progress, *, strict: bool = False) -> int:
    """Put gold of `supervision/gold.jsonl` and corrections into the gold files of dev and test; how many items.

    Args:
        project: whose files are read.
        store: just compiled.
        build: where `gold/dev` and `gold/test` have been written.
        progress: hears about bad rows.
        strict: no bad row is allowed.

    Raises:
        ProjectError: too many rows are bad, or one about a dev or test record is.
    """
    if not any((project.root / name).is_file() for name in (GOLD, CORRECTIONS)):
        return 0
    changed = 0
    for task, outside in read_gold(project, store, progress, strict=strict).items():
        again = np.union1d(outside.items, _items_of(store, task, outside.rows))
        for split, mask in _held_out(store, task):
            path = build / "gold" / split / f"{safe_name(task)}.arrow"
            old = Votes.load(path, store.n_items(task))
            kept = old.on_items(~np.isin(np.arange(old.n_items), again))
            added = outside.votes.on_items(mask)
            Votes.concat([_as_gold(kept, project), _as_gold(added, project)], old.n_items).save(path)
            changed += len(np.unique(added.items))
    return changed


def _as_gold(votes: Votes, project: Project) -> Votes:
    """The same votes, as those of the gold source."""
    return replace(votes, names=(project.settings.gold.source,), sources=np.zeros(len(votes.items), np.int32))


def _held_out(store: Store, task: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    offsets = store.item_offsets(task)
    for split in ("dev", "test"):
        of_records = store.splits == SPLITS.index(split)
        yield split, of_records if offsets is None else np.repeat(of_records, np.diff(offsets))


def _items_of(store: Store, task: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """All items of some records."""
    offsets = store.item_offsets(task)
    if offsets is None:
        return rows
    lengths = offsets[rows + 1] - offsets[rows]
    starts = np.repeat(offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
    return np.asarray(starts + np.arange(int(lengths.sum())), np.int64)
