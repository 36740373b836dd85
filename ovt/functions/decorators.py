"""The decorators that users write: labeling, slicing and transformation functions, and how to abstain.

A decorated function stays what it was: calling it with a record calls the
user's code. Nothing is registered globally: `discover` collects the functions
that one file defines while it imports that file.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Kind = Literal["labeling", "slicing", "transformation"]


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
        self, call: Callable[..., Any], kind: Kind, name: str | None, task: str | None, resources: Sequence[str],
    ) -> None:
        if not callable(call):
            raise TypeError(f"`{kind}_function` decorates a function, found {call!r}")
        if isinstance(resources, str):
            raise TypeError(f'`resources` is a list of files, e.g. ["{resources}"]')
        self.call = call
        self.kind = kind
        self.name = name or str(getattr(call, "__name__", "function"))
        self.task = task
        self.resources = tuple(resources)
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
    task: str, *, name: str | None = None, resources: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function a labeling function of a task.

    Args:
        task: the task that it votes on.
        name: the source's name in reports; the function's own name if not given.
        resources: files it reads when called, relative to the project; a change of one makes the votes stale.
    """
    if not isinstance(task, str):
        raise TypeError('a labeling function names its task: `@labeling_function(task="…")`')
    return lambda call: UserFunction(call, "labeling", name, task, resources)


def slicing_function(
    name: str | None = None, *, resources: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function say whether a record is in a slice.

    Args:
        name: the slice; the function's own name if not given.
        resources: files it reads when called, relative to the project.
    """
    _refuse_bare(name, "slicing")
    return lambda call: UserFunction(call, "slicing", name, None, resources)


def transformation_function(
    name: str | None = None, *, resources: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], UserFunction]:
    """Make a function a maker of new records from a record (None or an empty list: no new one).

    Args:
        name: the source in the lineage of what it makes; the function's own name if not given.
        resources: files it reads when called, relative to the project.
    """
    _refuse_bare(name, "transformation")
    return lambda call: UserFunction(call, "transformation", name, None, resources)


def _refuse_bare(name: object, kind: Kind) -> None:
    if callable(name):  # without the parentheses nothing would be decorated, and nothing would say so
        raise TypeError(f"write `@{kind}_function()`, with parentheses")
