"""From the answers of labeling functions to votes: labels by name become numbers of the task's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import VOTED, Votes
from ovt.errors import ProjectError, nearest
from ovt.functions.answers import OPINION, SPOKEN
from ovt.functions.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.functions.answers import Label
    from ovt.functions.apply import Applied
    from ovt.functions.cache import Answers
    from ovt.functions.discover import Function

UNKNOWN = -2
"""Stands for a label that names no class of the task."""


def votes_of(
    store: Store, functions: Iterable[Function], applied: Applied, votes_silently: Callable[[str], bool],
) -> tuple[dict[str, list[Votes]], list[Failure]]:
    """The votes of each function, by task; answers that name no class are no votes but failures of their function.

    Args:
        store: the records.
        functions: labeling functions.
        applied: what they answered.
        votes_silently: of a source's name: whether an item that it leaves out is a vote for "none".
    """
    parts: dict[str, list[Votes]] = {}
    failures: list[Failure] = []
    for function in functions:
        task = str(function.task)
        answers = applied.answers[function.name]
        labels = class_codes(store.classes.get(task), answers.table)[answers.labels]
        if (labels == UNKNOWN).any():
            failures.append(_unknown_class(store, function, answers, labels == UNKNOWN))
        items, labels = answers.items[labels != UNKNOWN], labels[labels != UNKNOWN]
        silent = none_label(store, task) if votes_silently(function.name) else None
        items, labels = with_silence(store, task, items, labels, silent)
        sources = np.zeros(len(items), np.int32)
        parts.setdefault(task, []).append(Votes.build(items, sources, labels, (function.name,), store.n_items(task)))
    return parts, failures


def refuse_unknown_labels(store: Store, functions: Iterable[Function]) -> None:
    """Labels that stand in YAML functions must be classes, whether or not they ever vote.

    Raises:
        ProjectError: one is not.
    """
    for function in functions:
        classes = store.classes.get(str(function.task))
        codes = class_codes(classes, function.says)
        wrong = next((label for label, code in zip(function.says, codes, strict=True) if code == UNKNOWN), None)
        if wrong is not None and classes is not None:
            raise ProjectError(
                f"labeling function `{function.name}` gives a label that is no class of `{function.task}`",
                at=function.at, why=f"found {wrong!r}", fix=_hint(classes, wrong, str(function.task)),
            )


def class_codes(classes: Sequence[str] | None, table: Sequence[Label]) -> NDArray[np.int32]:
    """Each label as the number of its class, UNKNOWN if it has none; without classes a label is a position."""
    index: dict[Label, int] = {name: code for code, name in enumerate(classes or ())}
    index |= {code: code for code in range(len(classes or ()))}
    index |= {OPINION: VOTED, SPOKEN: SPOKEN}
    if classes is None:
        return np.asarray(table, np.int32)
    return np.asarray([index.get(label, UNKNOWN) for label in table], np.int32)


def none_label(store: Store, task: str) -> int | None:
    """What silence on an item says where it is a vote: `O`, or an empty opinion; None where neither can be said."""
    if store.schema.granularity(task) == "record":
        return None
    if store.schema.tasks[task].type == "bitvector":
        return VOTED
    classes = store.classes[task]
    return classes.index("O") if "O" in classes else None


def with_silence(
    store: Store, task: str, items: NDArray[np.int64], labels: NDArray[np.int32], silent: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """One source without SPOKEN marks, with votes for `silent` on all that it left out of records it answered."""
    spoken = labels == SPOKEN
    voted_items, voted_labels = items[~spoken], labels[~spoken]
    offsets = store.item_offsets(task)
    if silent is None or offsets is None or not len(items):
        return voted_items, voted_labels
    rows = np.unique(store.rows_of_items(task, items))
    lengths = offsets[rows + 1] - offsets[rows]
    starts = np.repeat(offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
    left_out = np.setdiff1d(starts + np.arange(int(lengths.sum())), voted_items)
    return (
        np.concatenate((voted_items, left_out)),
        np.concatenate((voted_labels, np.full(len(left_out), silent, np.int32))),
    )


def _unknown_class(store: Store, function: Function, answers: Answers, wrong: NDArray[np.bool_]) -> Failure:
    task = str(function.task)
    rows = np.unique(store.rows_of_items(task, answers.items[wrong]))
    label = answers.table[answers.labels[wrong][0]]
    return Failure(function, len(rows), store.record(int(rows[0])).id, f"{label!r} is no class of `{task}`",
                   function.at, _hint(store.classes[task], label, task))


def _hint(classes: Sequence[str], label: Label, task: str) -> str:
    hint = nearest(label, classes) if isinstance(label, str) else f"0 … {len(classes) - 1}"
    if hint.startswith("did you mean"):
        return hint
    return f"{hint or 'the data has no labels'}; or list it in the schema: `classes` of `{task}`"
