"""`tuning.yaml`: lists are choices, single values are pins, and a budget for the search.

Reading it needs no torch: `ovt run` asks on every start whether the lock still answers it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.schema.write import plain_schema
from ovt.training.extensions import extension_names
from ovt.training.tuning.lock import read_lock
from ovt.training.tuning.values import AGGREGATION_NAMES, EMBEDDING_NAMES, ENCODER_NAMES, HEADS, SECTIONS, PayloadValues

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.schema.spec import Schema

SPEC_FILE = "tuning.yaml"
NAMED = {"encoder": ENCODER_NAMES, "aggregation": AGGREGATION_NAMES, "embedding": EMBEDDING_NAMES}
KeyPath = tuple[str, ...]


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to search; it ends with whichever is reached first."""

    trials: int = 8
    minutes: float = 20.0
    latency_ms: float | None = None


@dataclass(frozen=True)
class Spec:
    """A checked tuning spec."""

    pins: dict[KeyPath, Any]
    """Fixed values by their path, e.g. ``("training", "batch")``."""
    choices: dict[KeyPath, tuple[Any, ...]]
    """Two or more values by their path, in the order of the file."""
    search: Search

    def digest(self, schema: Schema) -> str:
        """What a lock answers: the schema, pins and choices. The budget is not in it: more time asks nothing new."""
        asked = {
            "schema": plain_schema(schema),
            "pins": sorted([list(path), value] for path, value in self.pins.items()),
            "choices": sorted([list(path), list(values)] for path, values in self.choices.items()),
        }
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def answers(project: Project) -> bool:
    """Whether `tuning.lock.yaml` answers the schema and `tuning.yaml` as they are.

    Without a spec there is no question.
    """
    spec = load_spec(project.root, project.schema)
    if spec is None:
        return True
    lock = read_lock(project.root)
    return lock is not None and lock.answers == spec.digest(project.schema)


def load_spec(root: Path, schema: Schema) -> Spec | None:
    """Read the project's tuning spec; None if it has none."""
    if not (root / SPEC_FILE).is_file():
        return None
    return parse_spec(read_document(root / SPEC_FILE), schema)


def parse_spec(document: Document, schema: Schema) -> Spec:
    """Check a parsed tuning spec.

    Raises:
        ProjectError: an unknown key (with the nearest known one) or a wrong value, with file and line.
    """
    top = {} if document.value is None else _mapping(document, (), document.value)
    pins: dict[KeyPath, Any] = {}
    choices: dict[KeyPath, tuple[Any, ...]] = {}
    known = ("payloads", "search", *SECTIONS)
    for section, raw in top.items():
        if section not in known:
            raise _unknown(document, (section,), known)
        inner = _mapping(document, (section,), {} if raw is None else raw)
        if section == "payloads":
            for name, found in inner.items():
                if name not in schema.payloads:
                    raise _unknown(document, (section, name), schema.payloads)
                leaves = _mapping(document, (section, name), found)
                _leaves(document, (section, name), leaves, PayloadValues, pins, choices)
        elif section in SECTIONS:
            _leaves(document, (section,), inner, SECTIONS[section], pins, choices)
    return Spec(pins, choices, _search(document, top.get("search") or {}))


def _leaves(
    document: Document, where: KeyPath, raw: dict[str, Any], kind: type[msgspec.Struct], pins: dict[KeyPath, Any],
    choices: dict[KeyPath, tuple[Any, ...]],
) -> None:
    for key, value in raw.items():
        path = (*where, key)
        if key not in kind.__struct_fields__:
            raise _unknown(document, path, kind.__struct_fields__)
        if not isinstance(value, list):
            pins[path] = _leaf(document, path, kind, value)
            continue
        found = tuple(_leaf(document, (*path, place), kind, item) for place, item in enumerate(value))
        if not found or len(set(found)) < len(found):
            what = "repeats a choice" if found else "offers no choice"
            raise ProjectError(f"`{'.'.join(path)}` {what}", at=document.at(*path), why=f"found {value!r}",
                               fix="list different values, or one without a list")
        if len(found) == 1:
            pins[path] = found[0]
        else:
            choices[path] = found


def _leaf(document: Document, path: tuple[str | int, ...], kind: type[msgspec.Struct], value: Any) -> Any:
    key = next(str(part) for part in reversed(path) if isinstance(part, str))
    if key in NAMED and isinstance(value, str):
        names = extension_names(f"ovt.{key}s", NAMED[key])
        if value not in names:
            raise ProjectError(f"`{value}` is no {key}", at=document.at(*path), fix=nearest(value, names),
                               why="neither ovt nor an installed package has it")
    if key == "attention" and (not isinstance(value, str) or not HEADS.fullmatch(value)):
        raise ProjectError(f"`attention: {value}` is not understood", at=document.at(*path), fix="e.g. `4x32`",
                           why="it is heads × components")
    try:
        converted = msgspec.to_builtins(msgspec.convert({key: value}, kind))[key]
    except msgspec.ValidationError as error:
        raise ProjectError(f"`{key}` has a wrong value", at=document.at(*path), why=f"{value!r}: {error}",
                           fix="see the tuning reference") from None
    _positive(document, path, key, converted)
    return converted


BELOW_ONE = frozenset({"dropout", "label_smoothing", "word_dropout"})
MAY_BE_ZERO = BELOW_ONE | {"loss", "rebalance", "slice_weight", "weight_decay"}


def _positive(document: Document, path: tuple[str | int, ...], key: str, value: Any) -> None:
    if isinstance(value, str):
        return
    low = value < 0 if key in MAY_BE_ZERO else value <= 0
    if low or (key in BELOW_ONE and value >= 1):
        raise ProjectError(f"`{key}` is out of range", at=document.at(*path), why=f"found {value!r}",
                           fix="from 0 to below 1" if key in BELOW_ONE else "a larger number")


def _search(document: Document, raw: dict[str, Any]) -> Search:
    for key in raw:
        if key not in Search.__struct_fields__:
            raise _unknown(document, ("search", key), Search.__struct_fields__)
    try:
        search = msgspec.convert(raw, Search)
    except msgspec.ValidationError as error:
        raise ProjectError("`search` has a wrong value", at=document.at("search"), why=str(error),
                           fix="e.g. `search: {trials: 8, minutes: 20}`") from None
    if search.latency_ms is not None:
        raise ProjectError("`search.latency_ms` cannot be kept", at=document.at("search", "latency_ms"),
                           why="latency is the exported model's, and this version does not export while it searches",
                           fix="set it to null, and leave slow choices out")
    if search.trials < 1 or search.minutes <= 0:
        raise ProjectError("`search` has no budget", at=document.at("search"),
                           why=f"{search.trials} trials, {search.minutes} minutes",
                           fix="e.g. `search: {trials: 8, minutes: 20}`")
    return search


def nested(flat: dict[KeyPath, Any]) -> dict[str, Any]:
    """Values by path as a dict of dicts."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        here = tree
        for part in path[:-1]:
            here = here.setdefault(part, {})
        here[path[-1]] = value
    return tree


def _mapping(document: Document, path: KeyPath, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProjectError(f"`{'.'.join(path) or document.name}` is no mapping", at=document.at(*path),
                           why=f"found {type(value).__name__}", fix="write `key: value` lines below it")
    return {str(key): inner for key, inner in value.items()}


def _unknown(document: Document, path: KeyPath, known: Any) -> ProjectError:
    return ProjectError(f"unknown key `{'.'.join(path)}` in `{document.name}`", at=document.at(*path),
                        why="nothing reads it", fix=nearest(path[-1], known))
