"""What the app shows, as one frozen value, and the pure functions that apply it to the rows of a comparison."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from ovt.render.diff import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.quality.slicediff import SliceRow, Verdict

Sort = Literal["verdict", "name", "n", "old", "new", "change", "flips"]
SORTS: tuple[Sort, ...] = get_args(Sort)
SUPPORTS = (0, 10, 30, 100, 300, 1000, 3000, 10000)
"""The steps of the least number of test records."""


@dataclass(frozen=True)
class State:
    """Everything that decides which rows stand where."""

    a: str
    """The version compared with, as typed."""
    b: str
    """The version looked at."""
    task: str | None = None
    """None: all tasks."""
    metric: str | None = None
    """None: every metric that the comparison has."""
    sort: Sort = "verdict"
    """`verdict` is the order of the comparison itself: regressions first, then by evidence."""
    reverse: bool = False
    filter: str = ""
    """Words that a row's slice or task must have in it."""
    only_regressions: bool = False
    hide_unclear: bool = False
    min_support: int = 0
    """Test records below which a slice is not shown."""

    def filtered(self) -> bool:
        """Whether rows may be hidden by more than the choice of task and metric."""
        return bool(self.filter.strip() or self.only_regressions or self.hide_unclear or self.min_support)


def slice_name(row: SliceRow) -> str:
    """The slice as it is shown, by the same word for all test records as `ovt diff` has."""
    return ALL if row.slice is None else row.slice


def visible(rows: Sequence[SliceRow], state: State) -> list[SliceRow]:
    """The rows that the state lets through, in its order."""
    words = state.filter.casefold().split()
    kept = [row for row in rows if _passes(row, state) and _matches(row, words)]
    return _sorted(kept, state)


def _passes(row: SliceRow, state: State) -> bool:
    if state.only_regressions and row.verdict != "regressed":
        return False
    if state.hide_unclear and row.verdict == "unclear":
        return False
    return row.n >= state.min_support and in_scope(row, state)


def in_scope(row: SliceRow, state: State) -> bool:
    """Whether the row is of the chosen task and metric."""
    return state.task in {None, row.task} and state.metric in {None, row.metric}


def _matches(row: SliceRow, words: Sequence[str]) -> bool:
    text = f"{row.task} {slice_name(row)}".casefold()
    return all(word in text for word in words)


_KEYS: dict[Sort, Callable[[SliceRow], float | None]] = {
    # What a reader looks for comes first: large slices, the worst change, the most flips.
    "n": lambda row: -row.n,
    "old": lambda row: None if row.old is None else -row.old,
    "new": lambda row: None if row.new is None else -row.new,
    "change": lambda row: row.delta,
    "flips": lambda row: -(row.broken + row.fixed),
}


def _sorted(rows: list[SliceRow], state: State) -> list[SliceRow]:
    if state.sort == "verdict":
        return rows[::-1] if state.reverse else rows
    if state.sort == "name":
        return sorted(rows, key=lambda row: (slice_name(row).casefold(), row.task), reverse=state.reverse)
    key = _KEYS[state.sort]
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]  # stays at the end in either direction
    known.sort(key=lambda row: key(row) or 0.0, reverse=state.reverse)
    return known + unknown


def tasks_of(rows: Sequence[SliceRow]) -> list[str]:
    """The tasks of a comparison, in its order of first mention by name."""
    return sorted({row.task for row in rows})


def metrics_of(rows: Sequence[SliceRow], task: str | None) -> list[str]:
    """The metrics that the chosen task has rows for."""
    return sorted({row.metric for row in rows if task in {None, row.task}})


def next_of(choices: Sequence[str], chosen: str | None) -> str | None:
    """The choice after this one; after the last comes None, which is all of them."""
    order: list[str | None] = [None, *choices]
    at = order.index(chosen) if chosen in order else 0
    return order[(at + 1) % len(order)]


def next_task(state: State, rows: Sequence[SliceRow]) -> State:
    """The next task; a metric that it does not have is let go."""
    task = next_of(tasks_of(rows), state.task)
    metric = state.metric if state.metric in metrics_of(rows, task) else None
    return replace(state, task=task, metric=metric)


def next_metric(state: State, rows: Sequence[SliceRow]) -> State:
    """The next metric of the chosen task, where it has more than one."""
    choices = metrics_of(rows, state.task)
    return replace(state, metric=next_of(choices, state.metric)) if len(choices) > 1 else state


def next_sort(state: State) -> State:
    """The next order."""
    return replace(state, sort=SORTS[(SORTS.index(state.sort) + 1) % len(SORTS)], reverse=False)


def sort_by(state: State, sort: Sort) -> State:
    """This order, or its reverse if it is the order already."""
    return replace(state, sort=sort, reverse=state.sort == sort and not state.reverse)


def step_support(state: State, steps: int) -> State:
    """More or fewer test records asked of a slice."""
    at = sum(1 for support in SUPPORTS if support <= state.min_support) - 1
    return replace(state, min_support=SUPPORTS[max(0, min(at + steps, len(SUPPORTS) - 1))])


def next_regression(rows: Sequence[SliceRow], cursor: int, step: int) -> int | None:
    """Index of the next regressed row in a direction, around the end; None where there is none."""
    count = len(rows)
    for distance in range(1, count + 1):
        at = (cursor + step * distance) % count
        if rows[at].verdict == "regressed":
            return at
    return None


def counts(rows: Sequence[SliceRow]) -> Counter[Verdict]:
    """How many rows have which verdict."""
    return Counter(row.verdict for row in rows)


def known_scope(state: State, rows: Sequence[SliceRow]) -> State:
    """The state without a task or metric that this comparison does not have (it was remembered from another)."""
    task = state.task if state.task in tasks_of(rows) else None
    metric = state.metric if state.metric in metrics_of(rows, task) else None
    return replace(state, task=task, metric=metric)
