"""All votes of every task: from the records, from labeling functions, from `supervision/`.

`silence: vote` makes an item that a source left out a vote for "none", in each
record that the source has spoken about at all: a list that labels nothing has
spoken, `null` and `ABSTAIN` for the whole record have not. It is applied where
the labels are read: to those inside records by the compile stage, to the others
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.errors import ProjectError
from ovt.functions.apply import try_functions
from ovt.functions.discover import Function, discover
from ovt.functions.failures import raise_failures
from ovt.functions.voting import refuse_unknown_labels, votes_of
from ovt.storage.files import safe_name
from ovt.supervision.collection.carry import with_carried
from ovt.supervision.collection.outside import Outside, read_supervision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ovt.data.store import Store
    from ovt.data.tags import TagTable
    from ovt.progress import Progress
    from ovt.project import Project


def collect_votes(project: Project, store: Store, progress: Progress, *, strict: bool = False) -> dict[str, Votes]:
    """The votes of every task, of all splits; gold of train records among them where `gold.train` allows it.

    Raises:
        ProjectError: a labeling function failed or has the name of another source, or `supervision/` is too bad.
    """
    functions = discover(project, "labeling")
    refuse_gold(functions, project.settings.gold.source)
    outside = read_supervision(project, store, progress, strict=strict)
    outside = {task: with_carried(found, store, task) for task, found in outside.items()}
    inline = {task: inline_votes(project.build, store, task) for task in store.schema.tasks}
    _refuse_taken(functions, inline, outside)
    computed = function_votes(project, store, functions, progress)
    return {
        task: _joined(store, task, votes, outside.get(task), computed.get(task, [])) for task, votes in inline.items()
    }


def inline_votes(build: Path, store: Store, task: str) -> Votes:
    """The votes that stand in the records themselves."""
    return Votes.load(build / "votes" / f"{safe_name(task)}.arrow", store.n_items(task))


def function_votes(
    project: Project, store: Store, functions: Sequence[Function], progress: Progress,
) -> dict[str, list[Votes]]:
    """The votes of each labeling function by task, run or from the cache.

    Raises:
        ProjectError: one of them failed, after all were tried.
    """
    refuse_unknown_labels(store, functions)
    applied = try_functions(project, store, functions, progress, tags=tags_for(project, functions))
    votes, unknown = votes_of(
        store, functions, applied, lambda name: project.settings.source(name).silence == "vote")
    raise_failures([*applied.failures.values(), *unknown], store.n, progress)
    return votes


def tags_for(project: Project, functions: Sequence[Function]) -> TagTable | None:
    """The tags of the records, if one of the functions reads them."""
    from ovt.data.tags import TagTable

    needed = any(function.reads_tags for function in functions)
    return TagTable.load(project.build / "tags.parquet") if needed else None


def refuse_gold(functions: Sequence[Function], gold: str) -> None:
    """A labeling function may not pass for the gold source.

    Raises:
        ProjectError: one does.
    """
    for function in functions:
        if function.name == gold:
            raise ProjectError(f"labeling function `{gold}` has the name of the gold source", at=function.at,
                               why="its votes would be taken for the truth", fix="rename it")


def _refuse_taken(
    functions: Sequence[Function], inline: Mapping[str, Votes], outside: Mapping[str, Outside],
) -> None:
    in_data = {name for votes in inline.values() for name in votes.names}
    in_supervision = {name for found in outside.values() for name in (*found.names, *found.votes.names)}
    for function in functions:
        for names, where in ((in_data, "the records"), (in_supervision, "supervision/")):
            if function.name in names:
                raise ProjectError(
                    f"labeling function `{function.name}` has the name of a source in {where}", at=function.at,
                    why="two sources under one name cannot be judged", fix="rename it",
                )


def _joined(store: Store, task: str, inline: Votes, outside: Outside | None, computed: Sequence[Votes]) -> Votes:
    parts = [inline] if outside is None else [_without_replaced(store, task, inline, outside), outside.votes]
    return Votes.concat([*parts, *computed], store.n_items(task))


def _without_replaced(store: Store, task: str, inline: Votes, outside: Outside) -> Votes:
    """The inline votes, but for those of a source and record, or item, that `supervision/` speaks of again."""
    position = {name: number for number, name in enumerate(outside.names)}
    known = np.asarray([position.get(name, -1) for name in inline.names] or [-1], np.int64)
    said_by = known[inline.sources] if len(inline.sources) else np.empty(0, np.int64)
    width = len(outside.names)
    rows = store.rows_of_items(task, inline.items)
    again = np.isin(rows * width + said_by, outside.rows * width + outside.sources)
    again |= np.isin(inline.items * width + said_by, outside.items * width + outside.item_sources)
    keep = ~((said_by >= 0) & again)
    return Votes(inline.items[keep], inline.sources[keep], inline.labels[keep], inline.names, inline.n_items)
