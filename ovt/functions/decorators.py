"""The decorators that users write: labeling, slicing and transformation functions, and how to abstain.

A decorated function stays what it was: calling it with a record calls the
user's code. Nothing is registered globally: `discover` collects the functions
that one file defines while it imports that file.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from ovt.functions.augmentation.augment_options import read_options
from ovt.functions.earlier import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ovt.functions.augmentation.augment_options import AugmentOptions, LabelMode

Kind = Literal["labeling", "slicing", "transformation", "generator"]


Resources = Sequence[str] | Mapping[str, str | Predictions]
"""Files that a function reads; or what it is handed as arguments, by name: the content of a file, or predictions."""


class Abstain(Enum):
    """The type of `ABSTAIN`, so that type checkers know the one value."""

    ABSTAIN = "ABSTAIN"

    def __repr__(self) -> str:
        return "ABSTAIN"


ABSTAIN: Final = Abstain.ABSTAIN
"""What a labeling function returns when it has no opinion; `None` says the same."""


class UserFunction:
    """A user's function with what its decorator said about it; calling it runs the user's code."""

    def __init__(
        self, call: Callable[..., Any], kind: Kind, name: str | None, task: str | None, resources: Resources,
    ) -> None:
        if not callable(call):
            raise TypeError(f"`{kind}_function` decorates a function, found {call!r}")
        if isinstance(resources, str):
            raise TypeError(f'`resources` is a list of files, e.g. ["{resources}"]')
        _check_resources(resources)
        self.call = call
        self.kind = kind
        self.name = name or str(getattr(call, "__name__", "function"))
        self.task = task
        self.resources = tuple(value for value in _values(resources) if isinstance(value, str))
        """Files that it reads."""
        self.arguments: dict[str, str | Predictions] = dict(resources) if isinstance(resources, Mapping) else {}
        """Files and predictions that it is handed, by the name of the argument."""
        self.batch = False
        """Whether it takes a batch of records."""
        self.place = _place_of_definition()
        functools.update_wrapper(self, call)
        found = _collected.get()
        if found is not None:
            found.append(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the user's code."""
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{self.kind} function {self.name}>"


_collected: ContextVar[list[UserFunction] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting() -> Iterator[list[UserFunction]]:
    """Collect every function that is decorated inside the block, in order."""
    found: list[UserFunction] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def _place_of_definition() -> tuple[str, int]:
    """File and line of the innermost module whose import leads here.

    A factory that lives elsewhere defines functions for the module that calls
    it: the place is the line of that call.
    """
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def labeling_function(
    task: str, *, name: str | None = None, resources: Resources = (), batch: bool = False,
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function a labeling function of a task.

    Args:
        task: the task that it votes on.
        name: the source's name in reports; the function's own name if not given.
        resources: files it reads when called, relative to the project; a change of one makes the votes stale. A
            mapping hands them over as arguments: `{"titles": "labelers/titles.tsv", "old": predictions("v1.2")}` calls
            `f(r, titles=…, old=…)` with the content of the dictionary, and with what that version's model says
            (`old.label`, `old.confidence`).
        batch: it takes a batch of records (see `ovt.data.batch.Batch`) and returns one answer per record.
    """
    if not isinstance(task, str):
        raise TypeError('a labeling function names its task: `@labeling_function(task="…")`')
    return lambda call: _batched(UserFunction(call, "labeling", name, task, resources), batch=batch)


def slicing_function(
    name: str | None = None, *, resources: Resources = (), batch: bool = False,
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function say whether a record is in a slice.

    Args:
        name: the slice; the function's own name if not given.
        resources: files it reads when called, relative to the project, or a mapping from arguments to files.
        batch: it takes a batch of records and returns one answer per record.
    """
    _refuse_bare(name, "slicing")
    return lambda call: _batched(UserFunction(call, "slicing", name, None, resources), batch=batch)


def _batched(function: UserFunction, *, batch: bool) -> UserFunction:
    function.batch = bool(batch)
    return function


def _values(resources: Resources) -> Iterable[object]:
    return resources.values() if isinstance(resources, Mapping) else resources


def _check_resources(resources: Resources) -> None:
    for value in _values(resources):
        if isinstance(value, Predictions) and not isinstance(resources, Mapping):
            raise TypeError('predictions are handed over as an argument: `resources={"old": predictions(…)}`')
        if not isinstance(value, str | Predictions):
            raise TypeError(f"a resource is a file or `predictions(…)`, found {value!r}")


class AugmentingFunction(UserFunction):
    """A transformation function or generator, with its options."""

    def __init__(
        self, call: Callable[..., Any], kind: Kind, name: str | None, resources: Resources, options: AugmentOptions,
    ) -> None:
        self.options = options
        super().__init__(call, kind, name, None, resources)


def transformation_function(
    name: str | None = None, *, labels: LabelMode | Mapping[str, Any] = "carry", per: int | None = None,
    where: str | float | Mapping[str, Any] | None = None, max_records: int | None = None,
    resources: Resources = (),
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function a maker of new train records from a train record.

    It is called with a copy of a record, and with a `random.Random` of that
    record if it takes a second argument. It returns the copy, changed; or a dict
    of the payloads that change; or several of these in a list; None makes nothing.

    Args:
        name: the source in the lineage of what it makes; the function's own name if not given.
        labels: `carry` keeps the parent's votes, `relabel` leaves the new record to the labeling functions; by task:
            one of these words, or a label that the function votes for.
        per: new records per parent: it is called until there are so many, at most so often. None: all of one call.
        where: which train records are parents: a slice or tag, a probability, or a mapping of `slice`, `tag` and
            `probability`.
        max_records: at most so many records, a random choice of all.
        resources: files it reads when called, relative to the project.

    Raises:
        TypeError: an option has no meaning.
    """
    _refuse_bare(name, "transformation")
    options = read_options(labels=labels, per=per, where=where, max_records=max_records)
    return lambda call: AugmentingFunction(call, "transformation", name, resources, options)


def generator(
    name: str | None = None, *, labels: LabelMode | Mapping[str, Any] = "relabel", max_records: int | None = None,
    resources: Resources = (),
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function a maker of train records from nothing.

    It is called once, with a `random.Random` if it takes an argument, and
    yields (or returns a list of) dicts of payloads, or of `payloads`, `labels` and `tags`.

    Args:
        name: the source in the lineage of what it makes; the function's own name if not given.
        labels: `relabel` leaves the new records to the labeling functions; by task: a label that the generator votes
            for on every record. Labels that it yields with a record are its votes too.
        max_records: it is stopped after so many records.
        resources: files it reads when called, relative to the project.

    Raises:
        TypeError: an option has no meaning.
    """
    _refuse_bare(name, "generator")
    options = read_options(labels=labels, max_records=max_records)
    if "carry" in (labels if isinstance(labels, str) else tuple(labels.values())):
        raise TypeError('a generator has no parent to carry labels from: `labels="relabel"`, or a label per task')
    return lambda call: AugmentingFunction(call, "generator", name, resources, options)


def _refuse_bare(name: object, kind: Kind) -> None:
    if callable(name):  # without the parentheses nothing would be decorated, and nothing would say so
        word = kind if kind == "generator" else f"{kind}_function"
        raise TypeError(f"write `@{word}()`, with parentheses")
