"""A rule tried on dev before anything is written.

The trial asks the very function that the file will declare, in a process of its
own that may not take long: a regular expression can take for ever. Test records
are not looked at.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.votes import Votes
from ovt.errors import ProjectError, UsageError
from ovt.functions.apply import Applied, ApplyStats
from ovt.functions.cache import Answers
from ovt.functions.dry_run import dry_run
from ovt.functions.processes.workers import Limits
from ovt.functions.rules import SHOWN, entry_of, function_of, written
from ovt.functions.voting import refuse_unknown_labels, votes_of
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name
from ovt.supervision.recordtext import texts_of
from ovt.supervision.reporting.opinions import opened, spell, stored_votes
from ovt.supervision.reporting.report import dev_accuracy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.functions.discover import Function
    from ovt.functions.rules import Rule
    from ovt.project import Project

MOST_RECORDS = 5000
"""Dev records that a rule is tried on; of more, a sample that is always the same."""
MOST_HITS = 300
SECONDS = 2.0
"""That a rule may take for one record."""
MEMORY = 1 << 30
SEED = 0

Item = tuple[str, int]
"""Record id and position."""


@dataclass(frozen=True)
class RuleHit:
    """One item of dev that the rule votes on."""

    id: str
    position: int
    vote: str
    gold: str | None
    against: tuple[str, ...]
    """Other sources that say something else."""
    text: str

    @property
    def right(self) -> bool | None:
        """Whether gold says so too; None where there is no gold."""
        return None if self.gold is None else self.gold == self.vote


@dataclass(frozen=True)
class RuleTrial:
    """What a rule does on dev."""

    entry: str
    """As it will stand in the file."""
    records: int
    """Dev records that it was tried on."""
    of: int
    """Dev records that there are."""
    items: int
    """Their items."""
    votes: int
    """Items that it votes on."""
    right: int
    """Votes that gold agrees with; of a bitvector each bit is a vote."""
    checked: int
    """Votes on items with gold."""
    overlaps: int
    """Items that another source votes on too."""
    conflicts: int
    """Items that another source says something else about."""
    mended: int
    """Of the model's errors that were named: items that the rule votes right on."""
    hits: tuple[RuleHit, ...]
    """What it votes on, wrong votes first, at most MOST_HITS."""

    @property
    def coverage(self) -> float:
        """Share of the items that it votes on."""
        return self.votes / self.items if self.items else 0.0

    @property
    def accuracy(self) -> float | None:
        """Of the votes on items with gold."""
        return self.right / self.checked if self.checked else None


def try_rule(
    project: Project, rule: Rule, errors: Collection[Item] = (), *, still_wanted: Callable[[], bool] = lambda: True,
) -> RuleTrial:
    """Try a rule on the dev records of the workspace.

    Args:
        project: compiled.
        rule: what was typed.
        errors: items of dev that the model has wrong: how many of them the rule would label rightly is counted.
        still_wanted: asked now and then; once it says no the trial ends with what it has.

    Raises:
        UsageError: there is nothing to look for, or no dev record.
        ProjectError: the rule cannot be understood, takes too long, or gives a label that is no class.
        MissingError: nothing was compiled yet.
    """
    store = opened(project)
    function = function_of(rule, project)
    rows, of = _dev_rows(store)
    if not len(rows):
        raise UsageError("there is no dev record to try the rule on", why="no record carries the tag `dev`",
                         fix="tag some records `dev`", command="ovt run")
    votes = _votes(project, store, function, rows, still_wanted)
    return _judged(_Dev(project, store, str(function.task), rows), votes, of, written(entry_of(rule, project)), errors)


def _dev_rows(store: Store) -> tuple[NDArray[np.int64], int]:
    rows = np.flatnonzero(np.asarray(store.splits) == SPLITS.index("dev"))
    of = len(rows)
    if of > MOST_RECORDS:
        rows = np.sort(np.random.default_rng(SEED).permutation(rows)[:MOST_RECORDS])
    return rows, of


def _votes(
    project: Project, store: Store, function: Function, rows: NDArray[np.int64], still_wanted: Callable[[], bool],
) -> Votes:
    """What the function votes on some rows, as the label stage would read it."""
    refuse_unknown_labels(store, [function])
    offsets = store.item_offsets(str(function.task))
    items: list[int] = []
    labels: list[Any] = []
    with closing(dry_run(project, store, function, rows.tolist(), None, Limits(SECONDS, MEMORY))) as tried:
        for one in tried:
            if one.failure is not None:
                raise ProjectError("the rule fails", at=one.failure.first, why=one.failure.why,
                                   fix="make the pattern simpler")
            start = one.row if offsets is None else int(offsets[one.row])
            items += [start + position for position, _ in one.answer]
            labels += [label for _, label in one.answer]
            if not still_wanted():
                break
    applied = Applied({function.name: Answers.of(items, labels)}, ApplyStats())
    silence = project.settings.source(function.name).silence == "vote"
    found, unknown = votes_of(store, [function], applied, lambda _: silence)
    if unknown:
        raise ProjectError("the rule gives a label that is no class", at=SHOWN, why=unknown[0].why)
    return found[str(function.task)][0]


@dataclass(frozen=True)
class _Dev:
    """What a rule's votes are judged by."""

    project: Project
    store: Store
    task: str
    rows: NDArray[np.int64]

    @property
    def items(self) -> int:
        offsets = self.store.item_offsets(self.task)
        return len(self.rows) if offsets is None else int((offsets[self.rows + 1] - offsets[self.rows]).sum())

    def gold(self) -> Votes:
        path = self.project.build / "gold/dev" / f"{safe_name(self.task)}.arrow"
        n = self.store.n_items(self.task)
        return Votes.load(path, n) if path.is_file() else Votes.empty(n)


def _judged(dev: _Dev, votes: Votes, of: int, entry: str, errors: Collection[Item]) -> RuleTrial:
    store, task, gold = dev.store, dev.task, dev.gold()
    kind = store.schema.tasks[task].type
    candidates = store.candidates(task) if kind == "select" else None
    right, checked = dev_accuracy(votes, kind, len(store.classes.get(task) or ()), gold, candidates)
    own, truth, others = _spelled(dev, votes), _spelled(dev, gold), _others(dev, votes)
    said = {item: next(iter(by.values())) for item, by in own.items()}
    golds = {item: next(iter(by.values())) for item, by in truth.items() if item in said}
    against = {item: tuple(sorted(name for name, label in others.get(item, {}).items() if label != said[item]))
               for item in said}
    hits = _hits(dev, said, golds, against)
    mended = sum(hit.right is True and (hit.id, hit.position) in errors for hit in hits)
    return RuleTrial(
        entry, len(dev.rows), of, dev.items, len(said), int(right.sum()), int(checked.sum()),
        sum(item in others for item in said), sum(bool(names) for names in against.values()), mended,
        tuple(_with_texts(dev, hits[:MOST_HITS])),
    )


def _others(dev: _Dev, votes: Votes) -> dict[int, dict[str, str]]:
    """What the other sources say about the items that the rule votes on."""
    stored = stored_votes(dev.project, dev.store, dev.task).without(dev.project.settings.gold.source)
    wanted = np.zeros(stored.n_items, bool)
    wanted[votes.items] = True
    return _spelled(dev, stored.on_items(wanted))


def _spelled(dev: _Dev, votes: Votes) -> dict[int, dict[str, str]]:
    """Item → source → label."""
    codes: dict[int, dict[int, list[int]]] = {}
    for item, source, label in zip(votes.items.tolist(), votes.sources.tolist(), votes.labels.tolist(), strict=True):
        codes.setdefault(item, {}).setdefault(source, []).append(label)
    return {item: {votes.names[source]: spell(dev.store, dev.task, labels) for source, labels in by.items()}
            for item, by in codes.items()}


def _hits(
    dev: _Dev, said: dict[int, str], gold: dict[int, str], against: dict[int, tuple[str, ...]],
) -> list[RuleHit]:
    """Wrong votes first, then those nobody can judge, then right ones; without their texts."""
    items = np.fromiter(said, np.int64, len(said))
    rows = dev.store.rows_of_items(dev.task, items)
    offsets = dev.store.item_offsets(dev.task)
    starts = rows if offsets is None else offsets[rows]
    ids = dev.store.ids.take(rows).to_pylist() if len(rows) else []
    found = [
        RuleHit(record, int(item - start), said[item], gold.get(item), against[item], "")
        for item, start, record in zip(items.tolist(), starts.tolist(), ids, strict=True)
    ]
    order = {False: 0, None: 1, True: 2}
    return sorted(found, key=lambda hit: (order[hit.right], not hit.against))


def _with_texts(dev: _Dev, hits: Sequence[RuleHit]) -> list[RuleHit]:
    rows = dev.store.rows_of([hit.id for hit in hits]).tolist()
    positions = [hit.position for hit in hits]
    return [replace(hit, text=text) for hit, text in
            zip(hits, texts_of(dev.store, dev.task, rows, positions), strict=True)]
