"""Parts of a model by name: built in, or brought by an installed package under an entry-point group."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def extension_names(group: str, built_in: Iterable[str]) -> list[str]:
    """Every name that the group knows here, sorted."""
    return sorted({*built_in, *(found.name for found in entry_points(group=group))})


def find_extension(group: str, built_in: Mapping[str, Any], name: str) -> Any:
    """The part of that name; built-in names cannot be taken over.

    Raises:
        ProjectError: nobody has it.
    """
    if name in built_in:
        return built_in[name]
    for found in entry_points(group=group):
        if found.name == name:
            return found.load()
    raise ProjectError(
        f"`{name}` is not installed", at=f"entry-point group {group}",
        why="neither ovt nor an installed package has it", fix=nearest(name, extension_names(group, built_in)),
    )
