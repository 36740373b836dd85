"""The network that a schema compiles to: words, payloads in the order of their graph, slices, one head per task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ovt.storage.files import safe_name
from ovt.training.network.heads import HEADS
from ovt.training.network.payloads import (
    Aggregate,
    Category,
    Numbers,
    OwnText,
    Representation,
    Representations,
    Sequence,
    Tensors,
)
from ovt.training.network.sets import MemberSet
from ovt.training.network.slices import SliceExperts
from ovt.training.network.words import WordTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ovt.schema.spec import Payload, Schema
    from ovt.training.tuning.values import Values


@dataclass(frozen=True)
class Blueprint:
    """All that decides the network's shape."""

    schema: Schema
    classes: dict[str, tuple[str, ...]]
    """Of each multiclass and bitvector task, in the order of their indices."""
    slices: tuple[str, ...]
    values: Values
    words: int
    """Words with a vector of their own."""
    names: dict[str, int]
    """Known names, by category payload or `PAYLOAD.id`."""


@dataclass(frozen=True)
class Outputs:
    """What the network says about a batch."""

    logits: dict[str, Tensor]
    """By task: (B, k) of records, (B, T, k) of tokens and members, (B, M) of a select task's candidates."""
    memberships: dict[str, Tensor]
    """By payload with slice experts: (B, slices) membership logits."""


class Network(nn.Module):
    """The compiled model."""

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        self.blueprint = blueprint
        values = blueprint.values
        self.order = blueprint.schema.order()
        self.words = WordTable(blueprint.words, values.words.buckets, values.words.size, values.training.word_dropout)
        self.payloads = nn.ModuleDict({key(name): _payload_module(blueprint, name) for name in self.order})
        tasks = blueprint.schema.tasks.values()
        targets = [name for name in self.order if any(task.payload == name for task in tasks)]
        with_slices = bool(blueprint.slices) and values.slices.form != "none"
        self.slices = nn.ModuleDict({
            key(name): SliceExperts(values.payloads[name].size, len(blueprint.slices), values.slices.rank)
            for name in (targets if with_slices else [])
        })
        self.heads = nn.ModuleDict({
            key(task.name): HEADS[task.type](
                values.payloads[task.payload].size, len(blueprint.classes.get(task.name, ())), values.training.dropout,
            )
            for task in tasks
        })

    def represent(self, inputs: Tensors) -> Representations:
        """Every payload's representation, by name."""
        words = self.words(inputs["words/id"], inputs["words/subwords"])
        done: Representations = {}
        for name in self.order:
            done[name] = self.payloads[key(name)](inputs, words, done)
        return done

    def forward(self, inputs: Tensors) -> Outputs:
        """Logits of all tasks and slices."""
        done = self.represent(inputs)
        memberships: Tensors = {}
        expert: Representations = {}
        for name, found in done.items():
            if key(name) in self.slices:
                changed, memberships[name] = self.slices[key(name)](found.elements, found.summary())
                expert[name] = Representation(changed, found.mask)
        logits: Tensors = {}
        for task in self.blueprint.schema.tasks.values():
            found = expert.get(task.payload, done[task.payload])
            out = self.heads[key(task.name)](found.elements)
            if task.type == "select":
                out = out.squeeze(2)
            elif self.blueprint.schema.granularity(task.name) == "record":
                out = out.squeeze(1)
            logits[task.name] = out
        return Outputs(logits, memberships)


def key(name: str) -> str:
    """A name as part of a parameter's name: no dots, and nothing that a module already has as attribute."""
    return f"@{safe_name(name)}"


def _payload_module(blueprint: Blueprint, name: str) -> nn.Module:
    payload = blueprint.schema.payloads[name]
    values, dropout = blueprint.values.payloads[name], blueprint.values.training.dropout
    sizes = {other: found.size for other, found in blueprint.values.payloads.items()}
    base, words = [sizes[other] for other in payload.base], blueprint.values.words.size
    if payload.type == "sequence":
        return Sequence(payload, values, words, base, dropout)
    if payload.type == "set":
        return MemberSet(payload, values, words, blueprint.names[f"{name}.id"], sizes, dropout=dropout)
    if payload.base:
        return Aggregate(payload, values, base, dropout)
    return _leaf(blueprint, payload)


def _leaf(blueprint: Blueprint, payload: Payload) -> nn.Module:
    values, dropout = blueprint.values.payloads[payload.name], blueprint.values.training.dropout
    if payload.dtype == "category":
        return Category(payload, values, blueprint.names[payload.name])
    if payload.dtype in {"number", "vector"}:
        return Numbers(payload, values, dropout)
    return OwnText(payload, values, blueprint.values.words.size, dropout)


def to_tensors(arrays: Mapping[str, NDArray[Any]]) -> Tensors:
    """Arrays of the reader as tensors, without copying."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
