"""The sources of a project, as `ovt source list` shows them: from the report, and live where there is none yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ovt.errors import UsageError, nearest
from ovt.functions.discover import Function, discover
from ovt.supervision.collect import inline_votes

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.data.votes import Votes
    from ovt.project import Project


@dataclass(frozen=True)
class SourceRow:
    """One source of one task; None is not known yet."""

    source: str
    task: str
    kind: Literal["function", "data"]
    """Whether it is a labeling function, or named in the records or in `supervision/`."""
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


def list_sources(project: Project, task: str | None = None) -> list[SourceRow]:
    """Every source, by task and name.

    Without `reports/sources.json`, or for a function that it does not know, the
    row has what can be told without running anything.

    Raises:
        UsageError: no such task.
        ProjectError: the functions of the project cannot be loaded.
    """
    tasks = list(project.schema.tasks)
    if task is not None and task not in tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, tasks), command="ovt source list")
    functions = {(str(function.task), function.name): function for function in discover(project, "labeling")}
    report = _report(project.reports / "sources.json")
    rows = _reported(project, functions, report) if report is not None else _inline(project)
    known = {(row.task, row.source) for row in rows}
    rows += [_row(project, *place, functions, stale=True) for place in functions if place not in known]
    wanted = [row for row in rows if task in {None, row.task}]
    return sorted(wanted, key=lambda row: (tasks.index(row.task), row.source))


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
            accuracy=told["accuracy"], dev_accuracy=(told["dev"] or {}).get("accuracy"),
            dev_n=(told["dev"] or {}).get("n", 0), copies=tuple(told["copies"]),
        )
        for task, found in report["tasks"].items() if task in project.schema.tasks
        for told in found["sources"]
    ]


def _row(
    project: Project, task: str, source: str, functions: dict[tuple[str, str], Function], **known: Any,
) -> SourceRow:
    function = functions.get((task, source))
    return SourceRow(source, task, "function" if function else "data", function.at if function else None,
                     project.settings.source(source).silence, **known)


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
