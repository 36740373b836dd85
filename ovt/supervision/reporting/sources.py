"""The sources of a project, as `ovt source list` shows them: from the report, and live where there is none yet."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ovt.errors import MissingError, UsageError, nearest
from ovt.functions.discover import Function, discover
from ovt.supervision.collect import inline_votes
from ovt.supervision.reporting.certainty import wilson
from ovt.supervision.reporting.lineage import Lineage, lineages
from ovt.supervision.reporting.opinions import opened, stored_votes
from ovt.supervision.reporting.touched import Touched, slices_touched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ovt.data.votes import Votes
    from ovt.project import Project

Interval = tuple[float, float]


@dataclass(frozen=True)
class SourceRow:
    """One source of one task; None is not known yet."""

    source: str
    task: str
    kind: Literal["function", "data", "crowd"]
    """Whether it is a labeling function, named in the records or in `supervision/`, or all workers of a crowd."""
    at: str | None
    """FILE:LINE of a labeling function."""
    silence: Literal["abstain", "vote"]
    votes: int | None = None
    """Train items that it votes on."""
    coverage: float | None = None
    overlaps: float | None = None
    conflicts: float | None = None
    polarity: tuple[str, ...] = ()
    accuracy: float | None = None
    """As the label model estimates it."""
    dev_accuracy: float | None = None
    dev_n: int = 0
    copies: tuple[str, ...] = ()
    """Sources that say nearly the same."""
    stale: bool = False
    """It is not in the report: the label stage has not seen it."""
    interval: Interval | None = None
    """95 % interval of the estimated accuracy, from the votes that others can judge."""
    dev_interval: Interval | None = None
    """95 % interval of dev accuracy."""
    slices: Touched = ()
    """Where it votes more often than elsewhere: slices with their lift of coverage."""
    lineage: Lineage | None = None
    """The commits of a function; None for other sources."""
    workers: int | None = None
    """Of a crowd."""


SORTS: dict[str, Callable[[SourceRow], Any]] = {
    "name": lambda row: row.source,
    "votes": lambda row: -(row.votes or 0),
    "coverage": lambda row: -(row.coverage or 0.0),
    "overlaps": lambda row: -(row.overlaps or 0.0),
    "conflicts": lambda row: -(row.conflicts or 0.0),
    "accuracy": lambda row: row.accuracy if row.accuracy is not None else 2.0,
    "dev": lambda row: row.dev_accuracy if row.dev_accuracy is not None else 2.0,
    "commit": lambda row: -(row.lineage.brought.when if row.lineage and row.lineage.brought.commit else 1 << 40),
}
"""Orders of a list: shares fall, accuracies rise (the worst first), commits from the newest."""


def list_sources(project: Project, task: str | None = None, sort: str = "name") -> list[SourceRow]:
    """Every source, by task and in the order asked for.

    Without `reports/sources.json`, or for a function that it does not know, the
    row has what can be told without running anything.

    Raises:
        UsageError: no such task or order.
        ProjectError: the functions of the project cannot be loaded.
    """
    tasks = list(project.schema.tasks)
    if task is not None and task not in tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, tasks), command="ovt source list")
    if sort not in SORTS:
        raise UsageError(f"sources cannot be sorted by `{sort}`", why=nearest(sort, SORTS), command="ovt source list")
    functions = {(str(function.task), function.name): function for function in discover(project, "labeling")}
    report = _report(project.reports / "sources.json")
    rows = _reported(project, functions, report) if report is not None else _inline(project)
    known = {(row.task, row.source) for row in rows}
    rows += [_row(project, *place, functions, stale=True) for place in functions if place not in known]
    wanted = _with_slices(project, _with_lineage(project, [row for row in rows if task in {None, row.task}]))
    return sorted(wanted, key=lambda row: (tasks.index(row.task), SORTS[sort](row), row.source))


def _report(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _reported(
    project: Project, functions: dict[tuple[str, str], Function], report: dict[str, Any],
) -> list[SourceRow]:
    return [
        _row(
            project, task, told["source"], functions, votes=told["votes"], coverage=told["coverage"],
            overlaps=told["overlaps"], conflicts=told["conflicts"], polarity=tuple(told["polarity"]),
            accuracy=told["accuracy"], copies=tuple(told["copies"]), interval=_pair(told.get("accuracy_interval")),
            workers=(told.get("workers") or {}).get("n"), **_dev(told["dev"]),
        )
        for task, found in report["tasks"].items() if task in project.schema.tasks
        for told in found["sources"]
    ]


def _pair(ends: Sequence[float] | None) -> Interval | None:
    return None if ends is None else (ends[0], ends[1])


def _dev(told: dict[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {}
    low, high = wilson(told["accuracy"], told["n"])
    return {"dev_accuracy": told["accuracy"], "dev_n": told["n"], "dev_interval": (round(low, 6), round(high, 6))}


def _row(
    project: Project, task: str, source: str, functions: dict[tuple[str, str], Function], **known: Any,
) -> SourceRow:
    function = functions.get((task, source))
    kind: Literal["function", "data", "crowd"] = "function" if function else "crowd" if known.get("workers") else "data"
    return SourceRow(source, task, kind, function.at if function else None, project.settings.source(source).silence,
                     **known)


def _inline(project: Project) -> list[SourceRow]:
    """Sources in compiled records, with their coverage of train items; none where nothing was compiled."""
    from ovt.data.store import Store

    if not (project.build / "store").is_dir() or not (project.build / "votes").is_dir():
        return []
    store = Store.open(project.build / "store")
    rows: list[SourceRow] = []
    for task in store.schema.tasks:
        votes = inline_votes(project.build, store, task)
        train = store.splits[store.rows_of_items(task, np.arange(votes.n_items))] == 0
        rows += _covered(project, task, votes.without(project.settings.gold.source).on_items(train), int(train.sum()))
    return rows


def _covered(project: Project, task: str, votes: Votes, n: int) -> list[SourceRow]:
    counts = [len(np.unique(votes.items[votes.sources == number])) for number in range(len(votes.names))]
    return [
        _row(project, task, name, {}, votes=count, coverage=count / n if n else 0.0, stale=True)
        for name, count in zip(votes.names, counts, strict=True)
    ]


def _with_lineage(project: Project, rows: list[SourceRow]) -> list[SourceRow]:
    found = lineages(project, {row.source: row.at for row in rows if row.at})
    return [replace(row, lineage=found.get(row.source)) for row in rows]


def _with_slices(project: Project, rows: list[SourceRow]) -> list[SourceRow]:
    """The slices that each source touches, where records, votes and slices are those of one compilation."""
    from ovt.slicing.membership import Membership

    if not (project.build / "slices").is_dir():
        return rows
    try:
        store = opened(project)
        membership = Membership.load(project.build / "slices", store.n)
        by_task = {
            task: slices_touched(store, task, stored_votes(project, store, task), membership)
            for task in {row.task for row in rows} & set(store.schema.tasks)
        }
    except (MissingError, IndexError):  # half of a run
        return rows
    return [replace(row, slices=by_task.get(row.task, {}).get(row.source, ())) for row in rows]
