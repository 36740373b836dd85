"""The user's own keys: which names there are, and what is wrong with a file of them."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from itertools import combinations
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.dom import DOMNode

from ovt.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

PACKAGES = ("ovt_tui.screens", "ovt_tui.widgets")
SHARED = ("LineTable", "View", "SliceApp")
"""Whose keys work on every screen beside the screen's own."""


def names() -> dict[str, dict[str, str]]:
    """Class → name of an action → its keys; all that `keys.json` may change."""
    from ovt_tui.app import SliceApp

    found = {SliceApp.__name__: _own(SliceApp)}
    for kind in _classes():
        keys = _own(kind)
        if keys:
            found[kind.__name__] = keys
    return found


def _classes() -> Iterator[type[DOMNode]]:
    for package in PACKAGES:
        for module in pkgutil.iter_modules(import_module(package).__path__):
            place = f"{package}.{module.name}"
            for value in vars(import_module(place)).values():
                if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == place:
                    yield value


def _own(kind: type[DOMNode]) -> dict[str, str]:
    listed: Iterable[Any] = kind.__dict__.get("BINDINGS", ())
    return {one.id: one.key for one in listed if isinstance(one, Binding) and one.id}


def problems(path: Path) -> list[str]:
    """What is wrong with the user's file, in sentences; none where there is no file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        return [f"{path} is not used: {error}"]
    if not isinstance(value, dict):
        return [f'{path} is not used: it must be like {{"filter": "f"}}']
    known = names()
    return [*_unknown(value, {name for keys in known.values() for name in keys}), *_clashes(value, known)]


def _unknown(value: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    for name, keys in value.items():
        if name not in known:
            close = nearest(name, known)
            yield f"keys.json: no action `{name}`{f', {close}' if close.startswith('did') else ': ? lists them'}"
        elif not isinstance(keys, str) or not keys.strip():
            yield f'keys.json: the key of `{name}` must be a text such as "f5" or "g,home"'


def _clashes(value: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Two actions of one screen on one key that the user's file brought together."""
    shared = [known[name] for name in SHARED if name in known]
    found: dict[str, None] = {}
    for own in known.values():
        before = {name: _split(keys) for part in (*shared, own) for name, keys in part.items()}
        after = {name: _split(str(value.get(name, ",".join(keys)))) for name, keys in before.items()}
        for one, other in combinations(sorted(after), 2):
            if not before[one] & before[other]:  # a screen may well have another meaning for a key of all screens
                both = after[one] & after[other]
                found |= dict.fromkeys(f"keys.json: `{key}` is both {one} and {other}" for key in sorted(both))
    return list(found)


def _split(keys: str) -> set[str]:
    return {key.strip() for key in keys.split(",")}
