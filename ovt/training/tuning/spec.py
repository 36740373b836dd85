"""`tuning.yaml`: lists are choices, single values are pins, and a budget for the search.

Reading it needs no torch: `ovt run` asks on every start whether the lock still answers it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.schema.write import plain_schema
from ovt.training.embeddings.names import check_embedding
from ovt.training.extensions import extension_names
from ovt.training.tuning.cost import Limits
from ovt.training.tuning.lock import read_lock
from ovt.training.tuning.values import (
    AGGREGATION_NAMES,
    BY_NAME,
    ENCODER_NAMES,
    HEAD_NAMES,
    HEADS,
    SECTIONS,
)
from ovt.training.tuning.variants import VARIANT_KEYS, Variant, make_variant, split_variant, take_freeze

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.schema.spec import Schema

SPEC_FILE = "tuning.yaml"
NAMED = {"encoder": ENCODER_NAMES, "aggregation": AGGREGATION_NAMES, "head": HEAD_NAMES}
KeyPath = tuple[str, ...]


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to search; it ends with whichever is reached first."""

    trials: int = 8
    minutes: float = 20.0
    latency_ms: float | None = None
    """Of the exported model, one record on one thread: a model that is slower is not chosen."""
    size_mb: float | None = None
    """Of the exported model: a larger one is not chosen."""
    prefer: Literal["quality", "cost"] = "quality"
    """The best on dev, or the smallest of those that are not surely worse (one standard error)."""

    @property
    def limits(self) -> Limits:
        """What a model may cost."""
        return Limits(self.latency_ms, self.size_mb)


@dataclass(frozen=True)
class Spec:
    """A checked tuning spec."""

    pins: dict[KeyPath, Any]
    """Fixed values by their path, e.g. ``("training", "batch")``."""
    choices: dict[KeyPath, tuple[Any, ...]]
    """Two or more values by their path, in the order of the file."""
    search: Search
    freeze: tuple[str, ...] = ()
    """Tasks whose answers must stay those of the parent model."""
    variants: tuple[Variant, ...] = ()
    """The models to make, the served one first; empty: one."""

    def digest(self, schema: Schema) -> str:
        """What a lock answers: the schema, pins and choices. The budget is not in it: more time asks nothing new."""
        return self._digest(schema, self.variants)

    def searched(self, schema: Schema) -> str:
        """What trials answer: they train the served variant, so the others are not in it."""
        return self._digest(schema, self.variants[:1])

    def _digest(self, schema: Schema, variants: tuple[Variant, ...]) -> str:
        asked = {
            "schema": plain_schema(schema),
            "pins": sorted([list(path), value] for path, value in self.pins.items()),
            "choices": sorted([list(path), list(values)] for path, values in self.choices.items()),
        }
        limits = {name: most for name, most in asdict(self.search.limits).items() if most is not None}
        more = {"freeze": list(self.freeze), "variants": msgspec.to_builtins(variants), "limits": limits,
                "prefer": "" if self.search.prefer == "quality" else self.search.prefer}
        asked |= {name: value for name, value in more.items() if value}
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
    known = (*BY_NAME, "search", "variants", *SECTIONS)
    for section in top:
        if section not in known:
            raise _unknown(document, (section,), known)
    values = {section: raw for section, raw in top.items() if section not in {"search", "variants"}}
    freeze = take_freeze(document, values, schema)
    pins, choices = _values(document, (), values, schema)
    search = _search(document, top.get("search") or {})
    variants = _variants(document, _mapping(document, ("variants",), top.get("variants") or {}), schema)
    return Spec(pins, choices, search, freeze, variants)


def _values(
    document: Document, where: KeyPath, top: dict[str, Any], schema: Schema,
) -> tuple[dict[KeyPath, Any], dict[KeyPath, tuple[Any, ...]]]:
    """Pins and choices of the sections below `where`."""
    pins: dict[KeyPath, Any] = {}
    choices: dict[KeyPath, tuple[Any, ...]] = {}
    for section, raw in top.items():
        path = (*where, section)
        inner = _mapping(document, path, {} if raw is None else raw)
        if section in BY_NAME:
            for name, found in inner.items():
                names: dict[str, Any] = schema.payloads if section == "payloads" else schema.tasks
                if name not in names:
                    raise _unknown(document, (*path, name), names)
                leaves = _mapping(document, (*path, name), found)
                _leaves(document, (*path, name), leaves, BY_NAME[section], pins, choices)
        elif section in SECTIONS:
            _leaves(document, path, inner, SECTIONS[section], pins, choices)
    return pins, choices


def _variants(document: Document, raw: dict[str, Any], schema: Schema) -> tuple[Variant, ...]:
    """The variants in the order of the file."""
    found: list[Variant] = []
    for name, content in raw.items():
        where = ("variants", name)
        inner = _mapping(document, where, {} if content is None else content)
        own, values = split_variant(inner)
        for section in values:
            if section not in {*BY_NAME, *SECTIONS}:
                raise _unknown(document, (*where, section), (*own, *BY_NAME, *SECTIONS, *VARIANT_KEYS))
        pins, choices = _values(document, where, values, schema)
        if choices:
            raise ProjectError(f"`{'.'.join(min(choices))}` offers a choice", at=document.at(*min(choices)),
                               why="a variant is one model; choices are searched for all of them together",
                               fix="one value here, the choices outside `variants`")
        overrides = nested({path[2:]: value for path, value in pins.items()})
        found.append(make_variant(document, where, own, overrides, [other.name for other in found]))
    return tuple(found)


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
    if key in {"embedding", "ids"} and isinstance(value, str):
        _check_embedding(document, path, value)
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


def _check_embedding(document: Document, path: tuple[str | int, ...], value: str) -> None:
    try:
        check_embedding(value)
    except ProjectError as error:
        raise ProjectError(error.what, at=document.at(*path), why=error.why, fix=error.fix,
                           command=error.command) from None


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
    for name, most in asdict(search.limits).items():
        if most is not None and most <= 0:
            raise ProjectError(f"`search.{name}` is out of range", at=document.at("search", name), why=f"found {most}",
                               fix="a number above 0, or null")
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
