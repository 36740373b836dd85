"""The schema that ovt records without one seem to follow: payloads by the shape of their values, tasks by their labels.

All records are looked at: one that contradicts the others would be a bad record
of the schema proposed, so shapes are counted and the usual one wins.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.data.roles import looks_bio, proposed_length
from ovt.data.tables import kind_of_value

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES_KEPT = 2000
USUAL = 0.8
"""A text is spelled by a sequence if it is so in this part of the records that have both."""


@dataclass
class PayloadShape:
    """What the values of one payload look like."""

    kinds: Counter[str] = field(default_factory=Counter)
    longest: int = 0
    lengths: set[int] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    """Distinct texts, up to CLASSES_KEPT."""
    ranged: int = 0
    """Sets in which some member has a range."""
    fits: Counter[str] = field(default_factory=Counter)
    """Of a ranged set: sequences that all ranges of a record lie in."""
    spelled: Counter[str] = field(default_factory=Counter)
    """Of a text: sequences whose tokens spell it."""
    compared: Counter[str] = field(default_factory=Counter)
    """Of a text: sequences that stand beside it."""

    @property
    def kind(self) -> str:
        """The usual kind of value."""
        return self.kinds.most_common(1)[0][0] if self.kinds else "null"


@dataclass
class TaskShape:
    """What the labels of one task look like."""

    labels: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """`class`, `number`, `classes` (list of names), `lists` (list of lists), `by key`."""
    parallel: Counter[str] = field(default_factory=Counter)
    """Payloads whose number of tokens or members is that of the list."""
    selects: Counter[str] = field(default_factory=Counter)
    """Sets that have a member of this position or id."""
    classes: set[str] = field(default_factory=set)
    """Distinct class names, up to CLASSES_KEPT."""
    sources: Counter[str] = field(default_factory=Counter)


class Observer:
    """Looks at raw records and proposes a schema."""

    def __init__(self) -> None:
        self.payloads: dict[str, PayloadShape] = {}
        self.tasks: dict[str, TaskShape] = {}

    def add(self, raw: dict[str, Any]) -> None:
        """Look at one record."""
        payloads = {name: value for name, value in (raw.get("payloads") or {}).items() if value is not None}
        for name, value in payloads.items():
            _observe_payload(self.payloads.setdefault(name, PayloadShape()), value)
        sequences = {name: value for name, value in payloads.items() if isinstance(value, list)
                     and kind_of_value(value) == "texts"}
        for name, value in payloads.items():
            shape = self.payloads[name]
            if isinstance(value, str):
                _observe_spelling(shape, value, sequences)
            elif shape.kind == "set":
                _observe_ranges(shape, value, sequences)
        for task, given in (raw.get("tasks") or {}).items():
            if isinstance(given, dict):
                _observe_labels(self.tasks.setdefault(task, TaskShape()), given, payloads)

    def propose(self) -> dict[str, Any]:
        """The schema, as the plain values of its file."""
        payloads = {name: self._payload(name) for name in self.payloads}
        return {"payloads": payloads, "tasks": {name: self._task(name, payloads) for name in self.tasks}}

    def _payload(self, name: str) -> dict[str, Any]:
        shape = self.payloads[name]
        if shape.kind == "texts":
            return {"type": "sequence", "max_length": proposed_length(shape.longest)}
        if shape.kind == "set":
            found: dict[str, Any] = {"type": "set"}
            if shape.ranged and shape.fits:
                found["range"] = shape.fits.most_common(1)[0][0]
            return found
        if shape.kind == "number":
            return {"type": "singleton", "dtype": "number"}
        if shape.kind == "numbers":
            return {"type": "singleton", "dtype": "vector", "length": shape.longest}
        base = [name for name, count in shape.spelled.items() if count >= USUAL * shape.compared[name]]
        return {"type": "singleton", "base": base[:1]} if base else {"type": "singleton"}

    def _task(self, name: str, payloads: dict[str, Any]) -> dict[str, Any]:
        shape = self.tasks[name]
        always = [payload for payload, count in shape.parallel.items() if count == sum(shape.kinds.values())]
        kind = shape.kinds.most_common(1)[0][0] if shape.kinds else "class"
        selected = next((found for found, count in shape.selects.items() if count == shape.labels), None)
        if selected is not None and kind in {"number", "class"}:
            return {"payload": selected, "type": "select"}
        if kind == "by key":
            return {"payload": _first(payloads, "set"), "type": "multiclass"}
        if kind in {"classes", "lists"} and always:
            found = {"payload": always[0], "type": "multiclass" if kind == "classes" else "bitvector"}
            if kind == "classes" and payloads[always[0]]["type"] == "sequence" and looks_bio(shape.classes):
                found["spans"] = "BIO"
            return found
        return {"payload": _main(payloads), "type": "bitvector" if kind == "classes" else "multiclass"}


def _first(payloads: dict[str, Any], kind: str) -> str:
    return next((name for name, payload in payloads.items() if payload["type"] == kind), next(iter(payloads)))


def _main(payloads: dict[str, Any]) -> str:
    """The payload that record-level tasks are on: a text that aggregates, a text, any singleton."""
    singles = [name for name, payload in payloads.items() if payload["type"] == "singleton"]
    ranked = sorted(singles, key=lambda name: ("base" not in payloads[name], "dtype" in payloads[name]))
    return next(iter(ranked), next(iter(payloads)))


def _observe_payload(shape: PayloadShape, value: Any) -> None:
    kind: str = kind_of_value(value)
    if kind == "object":
        members = list(value.values()) if isinstance(value, dict) else value
        if all(isinstance(member, dict) for member in members):
            kind = "set"
            shape.ranged += any(_is_range(member.get("range")) for member in members)
    if isinstance(value, (list, dict)):
        shape.longest = max(shape.longest, len(value))
        shape.lengths.add(len(value))
    elif isinstance(value, str) and len(shape.values) < CLASSES_KEPT:
        shape.values.add(value)
    if value not in ([], {}):
        shape.kinds[kind] += 1


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value)


def _observe_spelling(shape: PayloadShape, text: str, sequences: dict[str, list[str]]) -> None:
    for name, tokens in sequences.items():
        shape.compared[name] += 1
        shape.spelled[name] += _letters(text) == _letters("".join(token or "" for token in tokens))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _observe_ranges(shape: PayloadShape, value: Any, sequences: dict[str, list[str]]) -> None:
    members = value.values() if isinstance(value, dict) else value
    ranges = [member["range"] for member in members if isinstance(member, dict) and _is_range(member.get("range"))]
    for name, tokens in sequences.items():
        shape.fits[name] += bool(ranges) and all(0 <= start < stop <= len(tokens) for start, stop in ranges)


def _observe_labels(shape: TaskShape, given: dict[str, Any], payloads: dict[str, Any]) -> None:
    for source, label in given.items():
        shape.sources[source] += 1
        if label is None:
            continue
        shape.labels += 1
        shape.kinds[_label_kind(label)] += 1
        if isinstance(label, list):
            for name, value in payloads.items():
                shape.parallel[name] += isinstance(value, (list, dict)) and len(value) == len(label)
        elif isinstance(label, (int, str)) and not isinstance(label, bool):
            for name, value in payloads.items():
                shape.selects[name] += _is_candidate(label, value)
        if len(shape.classes) < CLASSES_KEPT:
            shape.classes.update(_names(label))


def _label_kind(label: Any) -> str:
    if isinstance(label, list):
        return "lists" if any(isinstance(item, list) for item in label) else "classes"
    if isinstance(label, dict):
        return "by key"
    return "class" if isinstance(label, str) else "number"


def _is_candidate(label: int | str, value: Any) -> bool:
    members = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        return False
    if isinstance(label, int):
        return 0 <= label < len(members)
    return any(member.get("id") == label for member in members)


def _names(label: Any) -> Iterator[str]:
    if isinstance(label, str):
        yield label
    elif isinstance(label, (list, dict)):
        for item in label.values() if isinstance(label, dict) else label:
            yield from _names(item)
