"""Votes on one record in words: by item and source, spelled as in predictions.parquet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.errors import MissingError, UsageError
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.project import Project

ByItem = dict[int, dict[str, str]]
"""Position in the record → source → its label."""


@dataclass(frozen=True)
class Item:
    """What a task labels in one record."""

    position: int
    """0 for the record itself."""
    text: str
    """The token, or the id of the member; empty for the record itself."""


def row_of(store: Store, record: str) -> int:
    """The row of a record.

    Raises:
        UsageError: there is no such record.
    """
    row = store.row_of(record)
    if row is None:
        raise UsageError(f"no record `{record}`", why="the data does not have it, or it is in quarantine",
                         fix="ids are those of data/; a record without one is named by a hash", command="ovt status")
    return row


def items_of(store: Store, task: str, row: int) -> list[Item]:
    """The items of a record that a task labels."""
    granularity = store.schema.granularity(task)
    if granularity == "record":
        return [Item(0, "")]
    value = store.record(row)[store.schema.tasks[task].payload] or ()
    texts = value if granularity == "token" else [member.id or "" for member in value]
    return [Item(position, text) for position, text in enumerate(texts)]


def said(store: Store, task: str, row: int, votes: Votes) -> ByItem:
    """What each source says about each item of a record that it votes on."""
    offsets = store.item_offsets(task)
    first, last = (row, row + 1) if offsets is None else (int(offsets[row]), int(offsets[row + 1]))
    start, stop = np.searchsorted(votes.items, [first, last]).tolist()
    labels: dict[tuple[int, str], list[int]] = {}
    for item, source, label in zip(votes.items[start:stop].tolist(), votes.sources[start:stop].tolist(),
                                   votes.labels[start:stop].tolist(), strict=True):
        labels.setdefault((item - first, votes.names[source]), []).append(label)
    found: ByItem = {}
    for (position, name), codes in labels.items():
        found.setdefault(position, {})[name] = spell(store, task, codes)
    return found


def spell(store: Store, task: str, codes: list[int]) -> str:
    """One label in words: a class, a JSON list of classes, or the position of a candidate."""
    kind = store.schema.tasks[task].type
    if kind == "select":
        return str(codes[0])
    classes = store.classes[task]
    if kind == "multiclass":
        return classes[codes[0]]
    return json.dumps(sorted(classes[code] for code in codes if code >= 0), ensure_ascii=False, separators=(",", ":"))


def opened(project: Project) -> Store:
    """The row store of the workspace.

    Raises:
        MissingError: nothing was compiled yet.
    """
    from ovt.data.store import Store

    return Store.open(project.build / "store")


def stored_votes(project: Project, store: Store, task: str) -> Votes:
    """All votes that the label model saw; before the label stage ran, those inside the records."""
    labelled = project.build / "labels" / f"{safe_name(task)}.votes.arrow"
    inline = project.build / "votes" / f"{safe_name(task)}.arrow"
    return _load(labelled if labelled.is_file() else inline, store, task)


def gold_of(project: Project, store: Store, task: str, row: int) -> dict[int, str]:
    """The gold of a record's items, of whichever split it is; empty where there is none."""
    name = project.settings.gold.source
    for path in (*(project.build / "gold" / split / f"{safe_name(task)}.arrow" for split in ("dev", "test")),
                 project.build / "votes" / f"{safe_name(task)}.arrow"):
        found = said(store, task, row, _load(path, store, task))
        gold = {position: by_source[name] for position, by_source in found.items() if name in by_source}
        if gold:
            return gold
    return {}


def _load(path: Path, store: Store, task: str) -> Votes:
    if not path.is_file():
        raise MissingError(f"the votes of `{task}` are not here", at=str(path),
                           why="nothing was compiled, or it was not pulled", fix="run it", command="ovt run label")
    return Votes.load(path, store.n_items(task))
