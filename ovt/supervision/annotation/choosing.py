"""Which records a person should label next.

`random` is a simple random sample: what is labelled so is fit to be gold, since
it shows the data as it is. `disagreement` takes the records whose sources
contradict each other most (vote entropy: Dagan and Engelson 1995), `uncertain`
those that the label model is least sure of (entropy of the target: Lewis and
Gale 1994). They teach more per label and measure nothing: such records are
harder than others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ovt.data.votes import Votes
from ovt.errors import MissingError, UsageError, nearest
from ovt.schema.spec import SPLITS
from ovt.storage.files import safe_name
from ovt.supervision.annotation.targetfile import TargetFile
from ovt.supervision.collection.corrected import corrections_of
from ovt.supervision.label_models.ballots import counts, sums
from ovt.supervision.reporting.opinions import stored_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.project import Project

Strategy = Literal["disagreement", "uncertain", "random"]
ZERO = 1e-9
"""A score below which nobody contradicts anybody."""
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


@dataclass(frozen=True)
class Wanted:
    """What should be labelled."""

    task: str
    n: int = 200
    """Records."""
    strategy: Strategy = "random"
    slice: str | None = None
    """None: all records."""
    split: str | None = None
    """None: all splits."""
    seed: int = 0
    """Of the random order. A larger sample of one seed holds the smaller one."""


@dataclass(frozen=True)
class Choice:
    """The records chosen."""

    rows: NDArray[np.int64]
    """In the order in which they should be labelled."""
    of: int
    """How many there were to choose from."""


def choose(project: Project, store: Store, wanted: Wanted) -> Choice:
    """Choose records for people to label: at most `n` that have no gold for the task yet.

    Args:
        project: compiled, and labelled unless the strategy is `random`.
        store: its records.
        wanted: which, how many, chosen how.

    Raises:
        UsageError: no such slice or split.
        MissingError: the label stage has not run.
    """
    task, n = wanted.task, wanted.n
    there = _in_split(store, wanted.split) & _in_slice(project, store, wanted.slice)
    if store.lineage is not None:
        there[store.lineage.rows] = False  # made records are nobody's data
    rows = np.flatnonzero(_without_gold(project, store, task) & there)
    if wanted.strategy == "random":
        return Choice(rows[_shuffled(store, rows, wanted.seed)][:n], len(rows))
    rows = rows[~_corrected(project, store, task)[rows]]
    measure = _contested if wanted.strategy == "disagreement" else _unsure
    scores = _by_record(store, task, measure(project, store, task))
    rows = rows[scores[rows] > ZERO]
    rows = rows[_shuffled(store, rows, wanted.seed)]
    return Choice(rows[np.argsort(-np.round(scores[rows], 6), kind="stable")][:n], len(rows))


def _without_gold(project: Project, store: Store, task: str) -> NDArray[np.bool_]:
    """(n,) records with items that the task could label, and no gold on any of them."""
    offsets = store.candidates(task) if store.schema.tasks[task].type == "select" else store.item_offsets(task)
    free = np.diff(offsets) > 0 if offsets is not None else store.present(store.schema.tasks[task].payload).copy()
    gold, name = project.settings.gold.source, f"{safe_name(task)}.arrow"
    for path in (project.build / "gold/dev" / name, project.build / "gold/test" / name, project.build / "votes" / name):
        votes = Votes.load(path, store.n_items(task))
        if gold in votes.names:
            known = votes.items[votes.sources == votes.names.index(gold)]
            free[store.rows_of_items(task, known)] = False
    return np.asarray(free, bool)


def _corrected(project: Project, store: Store, task: str) -> NDArray[np.bool_]:
    """(n,) train records of which somebody has corrected a label: they stay contested and need nobody else."""
    done = np.zeros(store.n, bool)
    found = corrections_of(project, store).get(task)
    if found is not None:
        done[store.rows_of_items(task, found.items)] = True
    return done


def _in_split(store: Store, split: str | None) -> NDArray[np.bool_]:
    if split is None:
        return np.ones(store.n, bool)
    if split not in SPLITS:
        raise UsageError(f"no split `{split}`", why=nearest(split, SPLITS))
    return np.asarray(store.splits == SPLITS.index(split))


def _in_slice(project: Project, store: Store, name: str | None) -> NDArray[np.bool_]:
    from ovt.slicing.membership import Membership

    if name is None:
        return np.ones(store.n, bool)
    membership = Membership.load(project.build / "slices", store.n)
    if name not in membership.names:
        raise UsageError(f"no slice `{name}`", why=nearest(name, membership.names), command="ovt slice list")
    return np.asarray(membership.column(name))


def _shuffled(store: Store, rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """An order by a hash of seed and id: the same for the same records, whatever else the data holds."""
    ids = store.ids.take(rows.tolist()).to_pylist() if len(rows) else []
    keys = [hashlib.sha256(f"{seed}\0{identity}".encode()).digest() for identity in ids]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _by_record(store: Store, task: str, of_items: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the largest score among each record's items."""
    scores = np.zeros(store.n)
    at = np.flatnonzero(of_items)
    np.maximum.at(scores, store.rows_of_items(task, at), of_items[at])
    return scores


def _contested(project: Project, store: Store, task: str) -> NDArray[np.float64]:
    """(items,) entropy of the sources' answers, each source with one vote."""
    votes = stored_votes(project, store, task).without(project.settings.gold.source)
    m = max(len(votes.names), 1)
    _, first = np.unique(votes.items * m + votes.sources, return_index=True)
    if not len(first):
        return np.zeros(votes.n_items)
    # An answer is the set of a source's labels on an item; random codes tell sets apart.
    code = np.random.default_rng(0).integers(1, 1 << 40, int(votes.labels.max(initial=0)) + 2)
    answers = np.add.reduceat(code[votes.labels + 1], first)
    order = np.lexsort((answers, votes.items[first]))
    items, answers = votes.items[first][order], answers[order]
    fresh = np.ones(len(items), bool)
    fresh[1:] = (np.diff(items) != 0) | (np.diff(answers) != 0)
    starts = np.flatnonzero(fresh)
    sizes = np.diff(np.append(starts, len(items)))
    share = sizes / counts(items, votes.n_items)[items[starts]]
    return sums(items[starts], -share * np.log(share), votes.n_items)


def _unsure(project: Project, store: Store, task: str) -> NDArray[np.float64]:
    """(items,) entropy of the label model's probabilities; 0 where nobody votes."""
    path = project.build / "labels" / f"{safe_name(task)}.arrow"
    if not path.is_file():
        raise MissingError(f"`{task}` has no probabilities yet", at=project.shown(path),
                           why="the label stage has not run", fix="run it", command="ovt run label")
    targets = TargetFile.open(path)
    cells = np.clip(targets.values.astype(np.float64), 1e-12, 1.0)
    entropy = -cells * np.log(cells)
    if store.schema.tasks[task].type == "bitvector":
        rest = np.clip(1 - cells, 1e-12, 1.0)
        entropy -= rest * np.log(rest)
    return sums(targets.items[targets.owner], entropy, store.n_items(task))
