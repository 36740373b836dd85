"""Trying one source: what a function answers about a record or a sample, beside the other sources and gold.

Nothing is written and no cache is read, so that a function can be tried while
it is being edited; a failure is shown on its record instead of ending the trial.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import UsageError, nearest
from ovt.functions.answers import SPOKEN, AnswerError
from ovt.functions.discover import Function, discover
from ovt.functions.dry_run import dry_run
from ovt.functions.failures import failure_of
from ovt.functions.voting import UNKNOWN, class_codes
from ovt.schema.spec import SPLITS
from ovt.supervision.collect import tags_for
from ovt.supervision.reporting.opinions import Item, gold_of, items_of, opened, row_of, said, spell, stored_votes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.functions.answers import Answer
    from ovt.functions.dry_run import Tried
    from ovt.functions.failures import Failure
    from ovt.project import Project

SCANNED = 20_000
"""Records that a sample is looked for in."""
SEED = 0


@dataclass(frozen=True)
class TriedItem:
    """One item of a record and what is said about it."""

    item: Item
    vote: str | None
    """None: the source abstains."""
    others: dict[str, str]
    """The other sources that vote, with their labels."""
    gold: str | None


@dataclass(frozen=True)
class TriedRecord:
    """One record of a trial."""

    id: str
    split: str
    items: tuple[TriedItem, ...]
    """Items that the source, another source or gold says something about."""
    problem: str | None = None
    """Why the function failed on it."""
    at: str | None = None
    """The line where it failed."""
    traceback: str = ""
    """Of the failure: the function's lines, outermost first."""

    @property
    def voted(self) -> bool:
        """Whether the source votes on any item."""
        return any(item.vote is not None for item in self.items)


@dataclass(frozen=True)
class Trial:
    """What a source says."""

    source: str
    task: str
    at: str | None
    """FILE:LINE of the function; None for a source that is no function."""
    records: tuple[TriedRecord, ...]
    scanned: int
    """Records that were looked at to find these."""
    hits: int
    """How many of those it votes on."""
    printed: str = ""
    """What the function printed."""


def try_source(project: Project, source: str, *, record: str | None = None, sample: int = 10) -> list[Trial]:
    """Try a source on one record, or on a sample of train and dev that it votes on.

    Args:
        project: needs a compiled row store.
        source: a labeling function, or a source of the data (then its stored votes are shown).
        record: id of the record.
        sample: how many records it votes on are looked for, in an order that is random but always the same.

    Returns:
        One trial; more where a source of the data votes on several tasks.

    Raises:
        UsageError: no such source or record.
        ProjectError: the functions of the project cannot be loaded.
    """
    store = opened(project)
    functions = {function.name: function for function in discover(project, "labeling")}
    if source in functions:
        return [_try_function(project, store, functions[source], record, sample)]
    votes = {task: stored_votes(project, store, task) for task in store.schema.tasks}
    tasks = [task for task, found in votes.items() if source in found.names]
    if not tasks:
        known = {*functions, *(name for found in votes.values() for name in found.names)}
        raise UsageError(f"no source `{source}`", why=nearest(source, known), command="ovt source list")
    return [_show_stored(_Bench(project, store, task, source, votes[task]), record, sample) for task in tasks]


def _try_function(project: Project, store: Store, function: Function, record: str | None, sample: int) -> Trial:
    bench = _Bench.of(project, store, str(function.task), function.name)
    tags = tags_for(project, [function])
    printed: list[str] = []
    found: list[TriedRecord] = []
    scanned = hits = 0
    with closing(dry_run(project, store, function, list(_rows(store, record)), tags)) as trials:
        for tried in trials:
            vote, problem = _spelled_or_problem(store, function, tried)
            scanned += 1
            hits += bool(vote)
            printed.append(tried.printed)
            if record is not None or vote or problem:
                found.append(bench.tried(tried.row, vote, problem))
            if record is not None or len(found) == sample:
                break
    return Trial(function.name, str(function.task), function.at, tuple(found), scanned, hits, "".join(printed))


def _show_stored(bench: _Bench, record: str | None, sample: int) -> Trial:
    found: list[TriedRecord] = []
    scanned = hits = 0
    for row in _rows(bench.store, record):
        opinions = said(bench.store, bench.task, row, bench.votes)
        vote = {position: by[bench.source] for position, by in opinions.items() if bench.source in by}
        scanned += 1
        hits += bool(vote)
        if record is not None or vote:
            found.append(bench.tried(row, vote, None))
        if record is not None or len(found) == sample:
            break
    return Trial(bench.source, bench.task, None, tuple(found), scanned, hits)


def _spelled_or_problem(store: Store, function: Function, tried: Tried) -> tuple[dict[int, str], Failure | None]:
    if tried.failure is not None:
        return {}, tried.failure
    try:
        return _spelled(store, str(function.task), tried.answer), None
    except AnswerError as error:
        return {}, failure_of(function, str(store.ids[tried.row].as_py()), error)


def _spelled(store: Store, task: str, answer: Answer) -> dict[int, str]:
    codes: dict[int, list[int]] = {}
    for position, label in answer:
        code = int(class_codes(store.classes.get(task), [label])[0])
        if code == UNKNOWN:
            raise AnswerError(f"{label!r} is no class; {nearest(str(label), store.classes[task])}")
        if code != SPOKEN:
            codes.setdefault(position, []).append(code)
    return {position: spell(store, task, found) for position, found in codes.items()}


def _rows(store: Store, record: str | None) -> Iterator[int]:
    """The record asked for, or those of train and dev in an order that is random but always the same."""
    if record is not None:
        yield row_of(store, record)
        return
    seen = np.flatnonzero(np.asarray(store.splits) != SPLITS.index("test"))
    yield from np.random.default_rng(SEED).permutation(seen)[:SCANNED].tolist()


@dataclass(frozen=True)
class _Bench:
    """What a source's answers are laid beside."""

    project: Project
    store: Store
    task: str
    source: str
    votes: Votes

    @classmethod
    def of(cls, project: Project, store: Store, task: str, source: str) -> _Bench:
        return cls(project, store, task, source, stored_votes(project, store, task))

    def tried(self, row: int, vote: dict[int, str], problem: Failure | None) -> TriedRecord:
        """One record with everything that is said about the items that anyone speaks of."""
        opinions = said(self.store, self.task, row, self.votes)
        gold = gold_of(self.project, self.store, self.task, row)
        hidden = {self.source, self.project.settings.gold.source}
        items = []
        for item in items_of(self.store, self.task, row):
            others = {name: label for name, label in opinions.get(item.position, {}).items() if name not in hidden}
            own, truth = vote.get(item.position), gold.get(item.position)
            if others or own is not None or truth is not None:
                items.append(TriedItem(item, own, others, truth))
        return TriedRecord(
            str(self.store.ids[row].as_py()), SPLITS[self.store.splits[row]], tuple(items),
            problem.why if problem else None, problem.at if problem else None, problem.traceback if problem else "",
        )
