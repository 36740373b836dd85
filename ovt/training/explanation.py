"""A trained model as one would draw it (Figure 2b of Overton): payloads in the order of their graph, and their tasks.

Read from the model's files alone: `config.json`, and the shapes that the head
of a safetensors file lists. Neither torch nor the weights are loaded.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import msgspec

from ovt.documents import Document
from ovt.schema.parse import parse_schema
from ovt.storage.files import safe_name
from ovt.training.tuning.values import Values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ovt.schema.spec import Payload, Schema, Task

Origin = Literal["searched", "pinned", "default"]
KeyPath = tuple[str, ...]
LOSSES = {"multiclass": "cross-entropy", "bitvector": "binary cross-entropy per class",
          "select": "cross-entropy over the members", "crf": "likelihood of the whole sequence"}


@dataclass(frozen=True)
class Choice:
    """One value of the network, and who decided it."""

    name: str
    value: Any
    origin: Origin


@dataclass(frozen=True)
class TaskDrawing:
    """A task's head."""

    name: str
    type: str
    per: str
    """record, token, member."""
    classes: int | None
    """None: the members of the set."""
    head: Choice
    loss: str
    decoder: str
    """How its logits become an answer."""
    parameters: int


@dataclass(frozen=True)
class PayloadDrawing:
    """A payload's part of the network."""

    name: str
    kind: str
    """sequence, set, or a singleton's dtype."""
    reads: tuple[str, ...]
    """Payloads before it."""
    steps: tuple[str, ...]
    """What is done, in order."""
    shape: str
    choices: tuple[Choice, ...]
    parameters: int
    tasks: tuple[TaskDrawing, ...]


@dataclass(frozen=True)
class Drawing:
    """The whole network."""

    payloads: tuple[PayloadDrawing, ...]
    words: dict[str, int]
    """Parameters of the word vectors that all text shares, by part."""
    slices: tuple[str, ...]
    slice_choices: tuple[Choice, ...]
    slice_parameters: int
    training: tuple[Choice, ...]
    parameters: int


@dataclass(frozen=True)
class Origins:
    """Who decided what: paths of values that were searched, and that `tuning.yaml` pins."""

    searched: Collection[KeyPath] = ()
    pinned: Collection[KeyPath] = ()

    def choice(self, path: KeyPath, value: Any) -> Choice:
        """A value with its origin."""
        origin: Origin = "searched" if path in self.searched else "pinned" if path in self.pinned else "default"
        return Choice(path[-1], value, origin)


def shapes_of(weights: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a safetensors file, from its head."""
    with weights.open("rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: tuple(found["shape"]) for name, found in head.items() if name != "__metadata__"}


def draw(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], origins: Origins) -> Drawing:
    """The network of a model.

    Args:
        config: the content of its `config.json`.
        shapes: of its tensors, by name.
        origins: who decided its values.
    """
    schema = parse_schema(Document("config.json", config["schema"]))
    artist = _Artist(schema, msgspec.convert(config["values"], Values), config["classes"], shapes, origins)
    slices = tuple(config["slices"]) if artist.count("slices.") else ()
    return Drawing(
        payloads=tuple(artist.payload(schema.payloads[name]) for name in schema.order()), words=artist.words(),
        slices=slices, slice_choices=artist.section("slices") if slices else (),
        slice_parameters=artist.count("slices."), training=artist.section("training"), parameters=artist.count(""),
    )


class _Artist:
    """Draws the parts of one model."""

    def __init__(
        self, schema: Schema, values: Values, classes: Mapping[str, list[str]], shapes: Mapping[str, tuple[int, ...]],
        origins: Origins,
    ) -> None:
        self.schema, self.values, self.classes = schema, values, classes
        self.shapes, self.origins = shapes, origins

    def count(self, prefix: str) -> int:
        """Parameters below a name."""
        return sum(math.prod(shape) for name, shape in self.shapes.items() if name.startswith(prefix))

    def words(self) -> dict[str, int]:
        """Parameters of word vectors by part."""
        prefix = "others.parts."
        parts = sorted({name.removeprefix(prefix).split(".")[0] for name in self.shapes if name.startswith(prefix)})
        found = {unquote(part.removeprefix("@")): self.count(f"{prefix}{part}.") for part in parts}
        return ({"learned": self.count("words.")} if self.count("words.") else {}) | found

    def section(self, name: str) -> tuple[Choice, ...]:
        """The values of a section, those of others than the defaults first."""
        plain = msgspec.to_builtins(getattr(self.values, name))
        found = [self.origins.choice((name, key), value) for key, value in plain.items()]
        return tuple(sorted(found, key=lambda choice: choice.origin == "default"))

    def payload(self, payload: Payload) -> PayloadDrawing:
        """One payload with its tasks."""
        names, steps = _steps(payload)
        values = msgspec.to_builtins(self.values.payloads[payload.name])
        path = ("payloads", payload.name)
        choices = tuple(self.origins.choice((*path, name), values[name]) for name in names)
        size = self.values.payloads[payload.name].size
        reads = (*payload.base, *([payload.range] if payload.range and payload.range not in payload.base else []))
        tasks = [task for task in self.schema.tasks.values() if task.payload == payload.name]
        return PayloadDrawing(
            payload.name, payload.type if payload.type != "singleton" else f"singleton {payload.dtype}", reads,
            tuple(step.format(**values) for step in steps), _shape(payload, size), choices,
            self.count(f"payloads.@{safe_name(payload.name)}."), tuple(self.task(task) for task in tasks),
        )

    def task(self, task: Task) -> TaskDrawing:
        """One task."""
        chosen = self.values.tasks.get(task.name)
        head = (chosen.head if chosen else None) or ("attention" if task.type == "select" else "linear")
        return TaskDrawing(
            task.name, task.type, self.schema.granularity(task.name),
            None if task.type == "select" else len(self.classes.get(task.name, ())),
            self.origins.choice(("tasks", task.name, "head"), head), LOSSES["crf" if head == "crf" else task.type],
            _decoder(task, head), self.count(f"heads.@{safe_name(task.name)}."),
        )


def _steps(payload: Payload) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that a payload's kind looks at, and what its module does with them."""
    text = ("{embedding} vectors of the words", "{encoder} encoder")
    if payload.type == "sequence":
        return ("embedding", "encoder", "size"), (*text, *(("+ context of its base",) if payload.base else ()))
    if payload.type == "set":
        span = ("span of its range", "attention to its range") if payload.range else ()
        return ("embedding", "ids", "attention", "size"), (
            "{ids} vector of the id", "{embedding} vectors of its words", *span, "{attention} attention among members")
    if payload.base:
        mixed = ("attention over the elements of all of them",) if len(payload.base) > 1 else ()
        return ("aggregation", "size"), ("{aggregation} of each of its base", *mixed)
    if payload.dtype == "text":
        return ("embedding", "encoder", "aggregation", "size"), (*text, "{aggregation} of the words")
    return ("size",), ("a learned vector per name" if payload.dtype == "category" else "one hidden layer",)


def _shape(payload: Payload, size: int) -> str:
    longest = f"≤{payload.max_length}" if payload.max_length else {"sequence": "T", "set": "M"}.get(payload.type, "")
    return f"{longest} × {size}" if payload.type != "singleton" else str(size)


def _decoder(task: Task, head: str) -> str:
    if task.type == "select":
        return "most probable member"
    if task.type == "bitvector":
        return "each class above one half"
    if task.spans is not None:
        return "best valid BIO path"
    return "best path" if head == "crf" else "most probable class"
