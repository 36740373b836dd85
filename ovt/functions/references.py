"""What live code refers to: names, cells, the functions of a class, and the sources of what it imports."""

from __future__ import annotations

import dis
import functools
import importlib.util
from types import CellType, CodeType, FunctionType
from typing import Any


def find_source(name: str, package: str | None) -> tuple[str, str | None] | None:
    """The source file and package of a module that an import statement names; None if there is none."""
    try:
        absolute = importlib.util.resolve_name(name, package)
        spec = importlib.util.find_spec(absolute)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return spec.origin, absolute if spec.submodule_search_locations else absolute.rpartition(".")[0]


def content_of(cell: CellType) -> Any:
    """What a function closes over."""
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet: a function that refers to itself before it is bound
        return None


def state_of(value: object) -> dict[str, Any]:
    """The attributes of an object, those in slots too."""
    slots = [name for kind in type(value).__mro__ for name in _names_in(vars(kind).get("__slots__", ()))]
    held = {name: getattr(value, name) for name in slots if hasattr(value, name) and not name.startswith("__")}
    return {**held, **getattr(value, "__dict__", {})}


def _names_in(slots: object) -> list[str]:
    return [slots] if isinstance(slots, str) else [str(name) for name in slots]  # type: ignore[attr-defined]


def functions_of(member: Any) -> list[Any]:
    """The functions behind a member of a class."""
    if isinstance(member, staticmethod | classmethod):
        return [member.__func__]
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset) if part is not None]
    if isinstance(member, functools.cached_property):
        return [member.func]
    return [member] if isinstance(member, FunctionType) else []


def global_names(code: CodeType) -> set[str]:
    """The module-level names that a function reads, those of functions and comprehensions inside it too."""
    names = {
        str(step.argval) for step in dis.get_instructions(code)
        if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}
    }
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= global_names(inner)
    return names
