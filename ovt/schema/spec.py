"""The schema as frozen values: payloads, tasks, and which items a task labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PayloadType = Literal["singleton", "sequence", "set"]
TaskType = Literal["multiclass", "bitvector", "select"]
Dtype = Literal["text", "category", "number", "vector"]
Granularity = Literal["record", "token", "member"]

SPLITS = ("train", "dev", "test")
"""The default tags, in the order of their codes in the store; a record has exactly one."""


@dataclass(frozen=True)
class Payload:
    """An input of the model."""

    name: str
    type: PayloadType
    base: tuple[str, ...] = ()
    """Payloads whose representations this one aggregates."""
    range: str | None = None
    """Of a set: the sequence that its members are half-open token spans of."""
    max_length: int | None = None
    """Of a sequence or set: elements beyond it are cut off."""
    dtype: Dtype = "text"
    """Of a singleton: what kind of value it holds."""
    length: int | None = None
    """Of a singleton vector: its number of components."""

    @property
    def reads_own_text(self) -> bool:
        """Whether this is a text singleton that no sequence spells out: its tokens are made from it."""
        return self.type == "singleton" and self.dtype == "text" and not self.base


@dataclass(frozen=True)
class Task:
    """An output of the model, on one payload."""

    name: str
    payload: str
    type: TaskType
    classes: tuple[str, ...] | None = None
    """Declared classes; None means that they are collected from the data."""
    spans: Literal["BIO"] | None = None
    """Of a multiclass task on a sequence: labels spell entity spans."""
    guideline: str | None = None
    """Path of the written rule that annotators follow."""


@dataclass(frozen=True)
class Schema:
    """Payloads and tasks by name, in the order of the file."""

    payloads: dict[str, Payload]
    tasks: dict[str, Task]

    def granularity(self, task: str) -> Granularity:
        """What one label of the task is about: a record, a token of a sequence, a member of a set.

        A `select` task labels the record: it picks one of the set's members.
        """
        found = self.tasks[task]
        if found.type == "select":
            return "record"
        kind = self.payloads[found.payload].type
        return {"singleton": "record", "sequence": "token", "set": "member"}[kind]  # type: ignore[return-value]

    def text_source(self, sequence: str) -> str | None:
        """The text singleton that a missing sequence is made from: the first with no other sequence in its base."""
        for payload in self.payloads.values():
            if payload.type == "singleton" and payload.dtype == "text" and sequence in payload.base:
                sequences = [parent for parent in payload.base if self.payloads[parent].type == "sequence"]
                if sequences == [sequence]:
                    return payload.name
        return None

    def order(self) -> list[str]:
        """Payload names so that each comes after its `base` and its `range` (the graph has no cycle)."""
        done: list[str] = []

        def visit(name: str) -> None:
            if name in done:
                return
            payload = self.payloads[name]
            for parent in (*payload.base, *([payload.range] if payload.range else [])):
                visit(parent)
            done.append(name)

        for name in self.payloads:
            visit(name)
        return done
