"""Everything about one source: numbers by task, definition, confusions on dev, how its labels were collected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import VOTED, Votes
from ovt.errors import MissingError, UsageError, nearest
from ovt.storage.files import safe_name
from ovt.supervision.collection.batches import Batch, batches_of
from ovt.supervision.collection.confidence import plain_name
from ovt.supervision.collection.crowds import crowd_of
from ovt.supervision.collection.rows import worker_name
from ovt.supervision.reporting.explain import learned_of
from ovt.supervision.reporting.opinions import opened, stored_votes
from ovt.supervision.reporting.sources import SourceRow, list_sources
from ovt.supervision.reporting.weighing import accuracies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.project import Project

LINES = 30
"""Of a definition that are shown."""
CONFUSIONS = 10
"""Pairs of classes that are shown, the commonest first."""


@dataclass(frozen=True)
class Confusion:
    """How often a source gives one answer where gold has another, or the same, on dev."""

    task: str
    gold: str
    said: str
    n: int


@dataclass(frozen=True)
class Worker:
    """One worker of a crowd, on one task."""

    source: str
    """`CROWD/PSEUDONYM`."""
    task: str
    votes: int
    accuracy: float | None


@dataclass(frozen=True)
class SourceDetail:
    """One source."""

    rows: tuple[SourceRow, ...]
    """By task; of a source with confidences one for each part."""
    definition: str
    """The function's lines; empty for other sources."""
    confusions: tuple[Confusion, ...]
    batches: tuple[Batch, ...]
    worker: tuple[Worker, ...] = ()
    """Where one worker was asked for."""


def source_detail(project: Project, name: str) -> SourceDetail:
    """All that is known of a source, a crowd, or one worker (`CROWD/WORKER`, by pseudonym or own id).

    Raises:
        UsageError: no such source.
        ProjectError: the functions of the project cannot be loaded.
    """
    everything = list_sources(project)
    rows = tuple(row for row in everything if name in {row.source, plain_name(row.source)})
    workers = () if rows else _worker(project, name)
    if workers:
        rows = tuple(row for row in everything if row.source == crowd_of(name))
    if not rows:
        raise UsageError(f"no source `{name}`", why=nearest(name, {row.source for row in everything}),
                         command="ovt source list")
    asked = workers[0].source if workers else name
    tasks = list(dict.fromkeys(row.task for row in rows))
    return SourceDetail(rows, _definition(project, rows[0].at), _confusions(project, asked, tasks),
                        tuple(batches_of(project, asked)), workers)


def _definition(project: Project, at: str | None) -> str:
    """The lines from where a function is defined to the next thing of its file that begins at the margin."""
    file, _, line = (at or "").rpartition(":")
    if not file or not line.isdecimal():
        return ""
    lines = (project.root / file).read_text(encoding="utf-8", errors="replace").splitlines()
    start = int(line) - 1
    while start > 0 and lines[start - 1].startswith("@"):
        start -= 1
    end = start
    while end < len(lines) - 1 and lines[end][:1] in {"@", " ", "\t", ")"}:  # decorators, however many lines each
        end += 1
    end += 1
    while end < len(lines) and lines[end][:1] in {"", " ", "\t", ")"}:
        end += 1
    shown = lines[start:end][:LINES]
    return "\n".join(shown).rstrip() + ("\n…" if end - start > LINES else "")


def _worker(project: Project, name: str) -> tuple[Worker, ...]:
    """One worker's part in each task."""
    crowd, _, person = name.rpartition("/")
    if not crowd:
        return ()
    try:
        store = opened(project)
        votes = {task: stored_votes(project, store, task) for task in store.schema.tasks}
    except MissingError:
        return ()
    found = []
    for task, cast in votes.items():
        known = next((one for one in (name, worker_name(crowd, person)) if one in cast.names), None)
        if known is not None:
            learned = learned_of(project, task)
            own = cast.items[cast.sources == cast.names.index(known)]
            rate = accuracies(learned).get(known) if learned is not None else None
            found.append(Worker(known, task, len(np.unique(own)), rate))
    return tuple(found)


def _confusions(project: Project, name: str, tasks: Sequence[str]) -> tuple[Confusion, ...]:
    try:
        store = opened(project)
        return tuple(one for task in tasks if task in store.classes for one in _confused(project, store, task, name))
    except MissingError:
        return ()


def _confused(project: Project, store: Store, task: str, name: str) -> list[Confusion]:
    """The commonest pairs of gold and answer on dev; of a bitvector by class, given or not."""
    gold = Votes.load(project.build / "gold/dev" / f"{safe_name(task)}.arrow", store.n_items(task))
    own = _own(stored_votes(project, store, task), name)
    if not len(gold.items) or not len(own.items):
        return []
    pairs = _bits(own, gold) if store.schema.tasks[task].type == "bitvector" else _classes(own, gold)
    named = {at: label for at, label in enumerate(store.classes[task])} | {VOTED: "none"}  # noqa: C416 - typed so
    kinds, count = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-count, kind="stable")[:CONFUSIONS]
    return [Confusion(task, named[int(kinds[at, 0])], named[int(kinds[at, 1])], int(count[at])) for at in order]


def _own(votes: Votes, name: str) -> Votes:
    """The votes of a source, of all its parts, or of all workers of a crowd."""
    ours = np.array([name in {one, plain_name(one), crowd_of(one)} for one in votes.names] or [False])
    keep = ours[votes.sources] if len(votes.sources) else np.zeros(0, bool)
    return Votes(votes.items[keep], votes.sources[keep], votes.labels[keep], votes.names, votes.n_items)


def _classes(own: Votes, gold: Votes) -> NDArray[np.int64]:
    """(pairs, 2) gold and answer of each vote on an item with gold."""
    truth = np.full(own.n_items, VOTED, np.int64)
    truth[gold.items] = gold.labels
    known = truth[own.items] != VOTED
    return np.stack([truth[own.items[known]], own.labels[known].astype(np.int64)], axis=1)


def _bits(own: Votes, gold: Votes) -> NDArray[np.int64]:
    """(pairs, 2): a class given rightly, given wrongly (gold none), or left out (answer none)."""
    width = int(max(own.labels.max(), gold.labels.max())) + 2
    voted = np.intersect1d(own.items, gold.items)
    given = np.unique((own.items * width + own.labels)[np.isin(own.items, voted) & (own.labels != VOTED)])
    right = np.unique((gold.items * width + gold.labels)[np.isin(gold.items, voted) & (gold.labels != VOTED)])
    both = np.intersect1d(given, right) % width
    wrong, missed = np.setdiff1d(given, right) % width, np.setdiff1d(right, given) % width
    none_wrong, none_missed = np.full(len(wrong), VOTED), np.full(len(missed), VOTED)
    return np.concatenate([
        np.stack([both, both], axis=1), np.stack([none_wrong, wrong], axis=1), np.stack([missed, none_missed], axis=1),
    ]).astype(np.int64)
