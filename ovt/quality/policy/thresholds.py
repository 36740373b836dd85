"""What the check asks of each row of a comparison: the settings of `ovt.yaml`, with their defaults filled in.

`floor` and `min_support` go down: from the check to a task, to a slice, to a
task on that slice. What must hold for a value (`minimum`, `maximum`, `margin`,
`negative_flips`) is asked of exactly the rows that it is written for: at the
top and under `tasks:` all test records, under `slices:` that slice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovt.settings import Check, Demands, PerMetric, SlicePolicy

Values = tuple[tuple[str, float], ...]
"""Numbers by name, sorted."""


@dataclass(frozen=True)
class Thresholds:
    """What holds for one slice, or for all test records."""

    floor: float
    """A smaller change of the metric is no regression and no improvement, however certain."""
    min_support: int
    """With fewer records nothing is said."""
    critical: bool = False
    """Tested apart from the others, so that their number does not dilute it."""
    minimum: float | None = None
    """The metric may not be below this, whatever the base had."""
    margin: float | None = None
    """Non-inferiority: it must be shown that the metric fell by less than this."""
    negative_flips: float | None = None
    """At most this share of the records may be right before and wrong now."""
    required: bool = False
    """It must be there with enough records to judge it."""
    floors: Values = ()
    """Floors of single metrics; they beat `floor`."""
    minima: Values = ()
    """Metrics of the newer version that may not be below a value."""
    maxima: Values = ()
    """Metrics of the newer version that may not be above a value."""

    def of(self, metric: str | None) -> Thresholds:
        """The same with the floor of one metric."""
        return replace(self, floor=dict(self.floors).get(metric or "", self.floor))


ANY = "\0"
"""In place of a slice: those without an entry of their own."""


@dataclass(frozen=True)
class Policy:
    """The thresholds of a whole comparison."""

    confidence: float = 0.95
    floor: float = 0.005
    min_support: int = 30
    slices: tuple[tuple[str, Thresholds], ...] = ()
    cells: tuple[tuple[tuple[str, str | None], Thresholds], ...] = ()
    """By (task, slice or None), where the policy says something about that task."""
    everything: Thresholds | None = None
    """Of all test records, for tasks without an entry; None: floor and support alone."""

    @classmethod
    def of(cls, check: Check) -> Policy:
        """The policy that the `check:` section says."""
        top = _everything(check)
        slices = {name: _of_slice(asked, top) for name, asked in check.slices.items()}
        plain = top.floor, top.min_support
        return cls(check.confidence, *plain, tuple(sorted(slices.items())), tuple(sorted(_cells(check), key=_order)),
                   None if top == Thresholds(*plain) else top)

    @property
    def alpha(self) -> float:
        """The share of false alarms that is accepted over the whole comparison."""
        return 1 - self.confidence

    def thresholds(self, slice_: str | None, task: str | None = None, metric: str | None = None) -> Thresholds:
        """What holds for a slice (None: all test records) of a task, with the floor of a metric."""
        top = self.everything or Thresholds(self.floor, self.min_support)
        for place in ((task or "", slice_), (task or "", ANY)):
            if place in self._by_cell:
                return self._by_cell[place].of(metric)
        if slice_ is None:
            return top.of(metric)
        return (self._by_slice.get(slice_) or _inherited(top)).of(metric)

    @cached_property
    def _by_cell(self) -> dict[tuple[str, str | None], Thresholds]:
        return dict(self.cells)

    @cached_property
    def _by_slice(self) -> dict[str, Thresholds]:
        return dict(self.slices)


def _everything(check: Check) -> Thresholds:
    floor, floors = _split(check.floor)
    return Thresholds(0.005 if floor is None else floor, check.min_support, floors=floors,
                      negative_flips=check.negative_flips)


def _of_slice(asked: SlicePolicy, wider: Thresholds) -> Thresholds:
    return replace(_asked(asked, _inherited(wider)), critical=asked.critical, required=asked.required)


def _cells(check: Check) -> Iterator[tuple[tuple[str, str | None], Thresholds]]:
    """An entry for each task of the policy on all records, on every slice of the policy, and on the other slices."""
    top = _everything(check)
    named = {task for asked in check.slices.values() for task in asked.tasks}
    for task in sorted({*check.tasks, *named}):
        whole = _asked(check.tasks[task], top) if task in check.tasks else top
        yield (task, None), whole
        yield (task, ANY), _inherited(whole)
        for name, asked in check.slices.items():
            on_slice = _of_slice(asked, whole)
            yield (task, name), _asked(asked.tasks[task], on_slice) if task in asked.tasks else on_slice


def _asked(demands: Demands, wider: Thresholds) -> Thresholds:
    """What is asked for here, and the wider value of all that is not."""
    floor, floors = _split(demands.floor)
    minimum, minima = _split(demands.minimum)
    return replace(
        wider,
        floor=wider.floor if floor is None else floor,
        floors=() if floor is not None else _merged(wider.floors, floors),
        min_support=wider.min_support if demands.min_support is None else demands.min_support,
        minimum=wider.minimum if minimum is None else minimum, minima=_merged(wider.minima, minima),
        maxima=_merged(wider.maxima, _values(demands.maximum or {})),
        margin=wider.margin if demands.margin is None else demands.margin,
        negative_flips=wider.negative_flips if demands.negative_flips is None else demands.negative_flips,
    )


def _inherited(wider: Thresholds) -> Thresholds:
    """What goes down from all records to slices."""
    return Thresholds(wider.floor, wider.min_support, floors=wider.floors)


def _split(value: PerMetric | None) -> tuple[float | None, Values]:
    if isinstance(value, dict):
        return None, _values(value)
    return value, ()


def _values(by_name: Mapping[str, float]) -> Values:
    return tuple(sorted(by_name.items()))


def _merged(wider: Values, own: Values) -> Values:
    return _values({**dict(wider), **dict(own)})


def _order(cell: tuple[tuple[str, str | None], Thresholds]) -> tuple[str, str]:
    (task, slice_), _ = cell
    return task, slice_ or ""
