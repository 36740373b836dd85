"""What functions are handed as arguments: the content of files, and predictions of other versions."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, nearest
from ovt.functions.dictionary import DICTIONARIES, read_dictionary
from ovt.functions.earlier import Pinned, Predictions
from ovt.functions.pins import read_pins

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.functions.decorators import UserFunction
    from ovt.project import Project


@dataclass(frozen=True)
class Handed:
    """A function with its arguments bound."""

    call: Callable[..., Any]
    """Takes a record (or batch), and the predictions by name."""
    predictions: dict[str, Pinned] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    """What of it counts in the function's key: which argument holds what."""


def hand_over(project: Project, user: UserFunction, at: str) -> Handed:
    """Bind what a function's decorator names; files have been looked for already.

    Raises:
        ProjectError: a dictionary cannot be read, or predictions are of an unknown task.
    """
    if not user.arguments:
        return Handed(user.call)
    contents: dict[str, Any] = {}
    predictions: dict[str, Pinned] = {}
    parts: list[str] = []
    for name, resource in sorted(user.arguments.items()):
        if isinstance(resource, Predictions):
            predictions[name] = pinned(project, resource, user.task, at)
            parts.append(f"{name} = {told(predictions[name])}")
        else:
            path = project.root / resource
            contents[name] = read_dictionary(path, resource) if path.suffix in DICTIONARIES else Path(path)
            parts.append(f"{name} = file {hashlib.sha256(path.read_bytes()).hexdigest()}")
    call = functools.partial(user.call, **contents) if contents else user.call
    return Handed(call, predictions, tuple(parts))


def pinned(project: Project, resource: Predictions, task: str | None, at: str) -> Pinned:
    """A declared prediction with the model that it is pinned to.

    Raises:
        ProjectError: the schema has no such task, or there is none.
    """
    wanted = resource.task or task
    if wanted is None or wanted not in project.schema.tasks:
        raise ProjectError(f"predictions of `{resource.revision}` are of no task", at=at, why=f"found {wanted!r}",
                           fix=nearest(str(wanted), project.schema.tasks))
    pin = read_pins(project).get(resource.revision)
    return Pinned(resource.revision, wanted, pin.model if pin else None, at)


def told(found: Pinned) -> str:
    """What of a prediction counts in a function's key: the model, whatever the revision is called."""
    return f"predictions {found.model} {found.task}"
