"""A function tried on single records, in a worker as in a run: nothing is cached, and a failure is one record's."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.data.view import Rows
from ovt.functions.failures import Failure, Told, death_of
from ovt.functions.predictions import PredictionCache
from ovt.functions.processes.isolation import watching
from ovt.functions.processes.passes import Asked, run_pass
from ovt.functions.processes.pool import Pool
from ovt.functions.processes.running import ensure_predictions, limits_of
from ovt.functions.processes.workers import Death, Desk

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from ovt.data.store import Store
    from ovt.data.tags import TagTable
    from ovt.functions.answers import Answer
    from ovt.functions.discover import Function
    from ovt.functions.processes.workers import Limits
    from ovt.project import Project

_FIRST, _MOST = 32, 2048
"""Records that a worker is given at once: few at first, since most trials end after a few."""


@dataclass(frozen=True)
class Tried:
    """What a function did with one record."""

    row: int
    answer: Answer
    """Empty if it abstains, or failed."""
    failure: Failure | None
    printed: str


@dataclass(frozen=True)
class _Said:
    """What a worker sends about one record."""

    row: int
    answer: Answer
    failure: Told | None
    printed: str


def dry_run(
    project: Project, store: Store, function: Function, rows: Sequence[int], tags: TagTable | None,
    limits: Limits | None = None,
) -> Generator[Tried, None, None]:
    """Ask a function about rows, in their order, for as long as the caller wants to know more.

    Args:
        project: whose limits and predictions count.
        store: the records.
        function: which.
        rows: which records; those of one shard together where the function uses predictions.
        tags: where it reads them.
        limits: what it may take; None: what the project allows.

    Raises:
        ProjectError: it uses predictions of a revision that is not pinned.
        MissingError: predictions that it needs cannot be made here.
    """
    if function.predictions:
        rows = sorted(rows, key=store.shard_of)
    trial = _Trial(project, store, function, tags)
    size, at = _FIRST, 0
    with Pool(trial.work, limits or limits_of(project), 1) as pool:
        while at < len(rows):
            part = tuple(rows[at:at + size])
            if function.predictions:
                ensure_predictions(project, store, [function], {number: [0] for number in map(store.shard_of, part)})
            yield from _heard(pool, store, function, part)
            at, size = at + size, min(2 * size, _MOST)


def _heard(pool: Pool, store: Store, function: Function, rows: tuple[int, ...]) -> Iterator[Tried]:
    left = list(rows)
    for _, message in pool.run([rows]):
        if isinstance(message, Death) and left:
            row = left.pop(0)
            record = str(store.ids[row].as_py())
            yield Tried(row, [], death_of(function, record, message), message.printed)
            if left:
                pool.tasks.append(tuple(left))
        elif isinstance(message, _Said):
            left.remove(message.row)
            failure = message.failure.of(function) if message.failure else None
            yield Tried(message.row, message.answer, failure, message.printed)


class _Trial:
    """The worker's side."""

    def __init__(self, project: Project, store: Store, function: Function, tags: TagTable | None) -> None:
        self._store, self._function = store, function
        self._tags = tags if function.reads_tags else None
        self._asked = Asked(function, store)
        self._predictions = PredictionCache(project.cache, store)
        self._active = ExitStack()
        self._entered = False

    def work(self, rows: tuple[int, ...], desk: Desk) -> None:
        """Say something about each row."""
        if not self._entered:
            self._entered = True
            self._active.enter_context(self._function.environment.active())  # until the process ends
        for row in rows:
            with watching(self._function.environment.boundary, sys.stdout):
                said = self._said(row, desk)
            desk.send(said)

    def _said(self, row: int, desk: Desk) -> _Said:
        opened = Rows(self._store, row, row + 1, self._tags)
        shard = self._store.shards[self._store.shard_of(row)]
        predicted = {
            name: self._predictions.read(wanted, shard).from_row(row - shard.start)
            for name, wanted in self._function.predictions.items()
        }
        done = run_pass(self._asked, opened, opened, predicted, desk.beat)
        answer = list(zip(done.items, done.labels, strict=True))
        return _Said(row, answer, done.failure, desk.printed())
