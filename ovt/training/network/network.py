"""The network that a schema compiles to: words, payloads in the order of their graph, slices, one head per task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ovt.storage.files import safe_name
from ovt.training.network.assembly import payload_module
from ovt.training.network.blueprint import LEARNED, Blueprint
from ovt.training.network.embeddings import OtherEmbeddings, joined
from ovt.training.network.heads import build_head, chain_of
from ovt.training.network.pretrained import PretrainedEncoder
from ovt.training.network.sets import MemberSet
from ovt.training.network.slice_forms import build_slices
from ovt.training.network.slices import Sliced, SliceLayer
from ovt.training.network.words import WordTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.schema.spec import TaskType
    from ovt.training.decoding import Chain
    from ovt.training.embeddings.sources import Embeddings
    from ovt.training.network.payloads import Representations, Tensors

__all__ = ["Blueprint", "Network", "Outputs", "key", "to_tensors"]


@dataclass(frozen=True)
class Outputs:
    """What the network says about a batch."""

    logits: dict[str, Tensor]
    """By task: (B, k) of records, (B, T, k) of tokens and members, (B, M) of a select task's candidates."""
    memberships: dict[str, Tensor]
    """By payload with slice experts: (B, slices) membership logits."""
    experts: dict[str, Tensor] = field(default_factory=dict)
    """By task, where slices have predictors of their own (sram): (B, T, 1 + slices, k) the logits of each."""


class Network(nn.Module):
    """The compiled model."""

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        self.blueprint = blueprint
        values = blueprint.values
        self.order = blueprint.schema.order()
        self.words = WordTable(
            blueprint.words, values.words.buckets, values.words.size, values.training.word_dropout,
        ) if blueprint.has_table() else None
        self.others = OtherEmbeddings(blueprint)
        self.payloads = nn.ModuleDict({
            key(name): payload_module(blueprint, name, self.word_size(name)) for name in self.order
        })
        tasks = blueprint.schema.tasks.values()
        targets = [name for name in self.order if any(task.payload == name for task in tasks)]
        with_slices = bool(blueprint.slices) and values.slices.form != "none"
        self.slices = nn.ModuleDict({
            key(name): build_slices(
                values.slices, values.payloads[name].size, len(blueprint.slices), _widths(blueprint, name),
            )
            for name in (targets if with_slices else [])
        })
        self.heads = nn.ModuleDict({
            key(task.name): build_head(
                blueprint.head(task.name), values.payloads[task.payload].size,
                max(1, len(blueprint.classes.get(task.name, ()))), values.training.dropout,
            )
            for task in tasks
        })

    def chain(self, task: str) -> Chain | None:
        """Transitions of a task's head, as they are now; None where its items are independent."""
        return chain_of(self.head(task))

    def head(self, task: str) -> nn.Module:
        """The head of a task."""
        return self.heads[key(task)]

    def slice_layer(self, payload: str) -> SliceLayer | None:
        """The slices of a payload; None where there are none, or no task reads it."""
        found = self.slices._modules.get(key(payload))
        return found if isinstance(found, SliceLayer) else None

    def represent(self, inputs: Tensors) -> Representations:
        """Every payload's representation, by name."""
        parts = self.embed(inputs)
        done: Representations = {}
        for name in self.order:
            words = joined(parts, self.blueprint.embedding(name))
            done[name] = self.payloads[key(name)](inputs, words, done)
        return done

    def embed(self, inputs: Tensors) -> Tensors:
        """Vectors of the distinct words of a batch, (U, size) by part of an embedding."""
        found: Tensors = self.others(inputs)
        if self.words is not None:
            found[LEARNED] = self.words(inputs["words/id"], inputs["words/subwords"])
        return found

    def word_size(self, payload: str) -> int:
        """Components of the word vectors that a payload reads."""
        sizes = {LEARNED: self.blueprint.values.words.size} | self.others.sizes()
        return sum(sizes[part] for part in self.blueprint.embedding(payload))

    def fill(self, embeddings: Embeddings, root: Path | None) -> None:
        """Take over the vectors and weights of pretrained files, before training.

        Args:
            embeddings: with the matrices that were read.
            root: where the folders of pretrained encoders lie.
        """
        self.others.fill(embeddings.matrices)
        for name, values in self.blueprint.values.payloads.items():
            for module in self.payloads[key(name)].modules():
                if isinstance(module, MemberSet) and module.vectors is not None:
                    module.vectors.fill(embeddings.matrices[f"{name}.id"])
                if isinstance(module, PretrainedEncoder) and root is not None:
                    module.load(root / values.embedding)

    def forward(self, inputs: Tensors) -> Outputs:
        """Logits of all tasks and slices."""
        done = self.represent(inputs)
        sliced: dict[str, Sliced] = {
            name: self.slices[key(name)](found) for name, found in done.items() if key(name) in self.slices
        }
        logits: Tensors = {}
        experts: Tensors = {}
        for task in self.blueprint.schema.tasks.values():
            change = sliced.get(task.payload)
            elements = done[task.payload].elements if change is None else change.elements[task.name]
            out = self.heads[key(task.name)](elements)
            if change is not None:
                out = out + change.added[task.name] if task.name in change.added else out
                experts.update({task.name: change.experts[task.name]} if task.name in change.experts else {})
            if task.type == "select":
                out = out[:, :, 0]  # `squeeze` is exported as a branch
            elif self.blueprint.schema.granularity(task.name) == "record":
                out = out[:, 0]
            logits[task.name] = out
        return Outputs(logits, {name: found.membership for name, found in sliced.items()}, experts)


def _widths(blueprint: Blueprint, payload: str) -> dict[str, tuple[TaskType, int]]:
    """Of a payload's tasks: type, and logits per element."""
    return {
        task.name: (task.type, 1 if task.type == "select" else len(blueprint.classes.get(task.name, ())))
        for task in blueprint.schema.tasks.values() if task.payload == payload
    }


def key(name: str) -> str:
    """A name as part of a parameter's name: no dots, and nothing that a module already has as attribute."""
    return f"@{safe_name(name)}"


def to_tensors(arrays: Mapping[str, NDArray[Any]]) -> Tensors:
    """Arrays of the reader as tensors, without copying."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
