"""Variants: several models of one version, such as a large one and a small one that learns from it.

    variants:
      large: {payloads: {tokens: {size: 256}}}
      small: {payloads: {tokens: {size: 32, encoder: cnn}}, distill: large}

Each is the searched values with some of its own instead. The first is the
model that is served and reported on; the others lie in `model/variants/NAME/`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from ovt.errors import ProjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.documents import Document
    from ovt.schema.spec import Schema

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""Of a variant: it becomes a folder."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the models to make."""

    name: str
    values: dict[str, Any] = {}
    """Its own values, in the shape of `tuning.yaml`."""
    distill: str | None = None
    """The variant above it that teaches it; None: it learns from labels alone."""
    temperature: Annotated[float, msgspec.Meta(ge=1)] = 2.0
    """At which the teacher's answers are softened."""
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.7
    """Of its loss that is the teacher's."""


VARIANT_KEYS = ("distill", "temperature", "share")


def split_variant(raw: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said about a variant itself, and the values that it has of its own."""
    own = {key: value for key, value in raw.items() if key in VARIANT_KEYS}
    return own, {key: value for key, value in raw.items() if key not in VARIANT_KEYS}


def make_variant(
    document: Document, where: tuple[str, str], own: dict[str, Any], values: dict[str, Any], above: Sequence[str],
) -> Variant:
    """A checked variant.

    Raises:
        ProjectError: its name is no folder's, a value is wrong, or its teacher does not stand above it.
    """
    name = where[1]
    if not NAME.fullmatch(name):
        raise ProjectError(f"`{name}` is no name of a variant", at=document.at(*where), why="it becomes a folder",
                           fix="letters, digits, `_` and `-`")
    try:
        variant = msgspec.convert({"name": name, "values": values, **own}, Variant)
    except msgspec.ValidationError as error:
        raise ProjectError(f"variant `{name}` has a wrong value", at=document.at(*where), why=str(error),
                           fix="e.g. `distill: large`, `temperature: 2`, `share: 0.7`") from None
    if variant.distill is not None and variant.distill not in above:
        raise ProjectError(f"variant `{name}` cannot learn from `{variant.distill}`", at=document.at(*where, "distill"),
                           why="a teacher is a variant that stands above it in the file",
                           fix=nearest(variant.distill, above) if above else "write the teacher first")
    return variant


def take_freeze(document: Document, top: dict[str, Any], schema: Schema) -> tuple[str, ...]:
    """Remove `training.freeze` from the sections: it is a list of tasks, and no list of choices.

    Raises:
        ProjectError: it is no list, or names no task.
    """
    training = top.get("training")
    if not isinstance(training, dict) or "freeze" not in training:
        return ()
    names = training["freeze"]
    top["training"] = {key: value for key, value in training.items() if key != "freeze"}
    if not isinstance(names, list):
        raise ProjectError("`training.freeze` is no list", at=document.at("training", "freeze"),
                           why=f"found {names!r}", fix="e.g. `freeze: [Intent]`")
    for place, name in enumerate(names):
        if name not in schema.tasks:
            raise ProjectError(f"no task `{name}` to freeze", at=document.at("training", "freeze", place),
                               why="the schema has none of that name",
                               fix=nearest(str(name), schema.tasks) or "name a task of the schema")
    return tuple(sorted(names))
