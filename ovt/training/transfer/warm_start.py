"""Starting from a parent model.

Its shape where nothing else is asked for, its weights, and tasks whose answers stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from ovt.errors import ProjectError
from ovt.training.inference import infer
from ovt.training.model_files import load_model, variants_of
from ovt.training.network.network import Network, to_tensors
from ovt.training.reader import Reader
from ovt.training.transfer.alignment import Taken, take_buffers, take_weights
from ovt.training.tuning.values import Values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.training.lexicon import Lexicon
    from ovt.training.predictions import TaskPredictions

TOLERANCE = 1e-5
"""Probabilities further apart than this have moved; sums over more slices may round differently below it."""
PROBED = 256
"""Records on which it is looked whether answers moved."""
INHERITED = ("payloads", "slices", "tasks", "words")
"""Sections of the values that decide the network's shape."""


@dataclass(frozen=True)
class Parent:
    """A model to start from."""

    network: Network
    lexicon: Lexicon

    @classmethod
    def load(cls, folder: Path) -> Parent:
        """Read a model folder.

        Raises:
            MissingError: there is no model in it, or one of another format.
        """
        return cls(*load_model(folder))

    @classmethod
    def family(cls, folder: Path) -> dict[str, Parent]:
        """The model of a folder under the name "", and its further variants."""
        return {name: cls.load(path) for name, path in {"": folder, **variants_of(folder)}.items()}

    def shape(self, defaults: Values) -> Values:
        """The defaults with the parent's shape for everything that it has: otherwise its weights would not fit."""
        own = msgspec.to_builtins(self.network.blueprint.values)
        plain: dict[str, Any] = msgspec.to_builtins(defaults)
        for section in INHERITED:
            known = own.get(section, {})
            if section in {"payloads", "tasks"}:
                kept = {name: found for name, found in known.items() if self._still(section, name, plain)}
                plain[section] = {**plain.get(section, {}), **kept}
            else:
                plain[section] = known
        return msgspec.convert(plain, Values)

    def _still(self, section: str, name: str, plain: dict[str, Any]) -> bool:
        return section == "tasks" or name in plain["payloads"]


class WarmStart:
    """A `Start` (see `ovt.training.optimisation.hooks`)."""

    def __init__(self, parent: Parent, freeze: Sequence[str] = (), progress: Progress | None = None) -> None:
        """Start from `parent` and hold the tasks `freeze` still; what was taken is told to `progress`."""
        self.parent, self.freeze, self._progress = parent, frozenset(freeze), progress
        self.taken = Taken()
        self._answers: dict[str, TaskPredictions] = {}
        self._rows: np.ndarray = np.zeros(0, np.int64)

    def lexicon(self, fresh: Lexicon) -> Lexicon:
        """The parent's words where a task is held still: a word with a new vector would move its answers."""
        if not self.freeze:
            return fresh
        old = self.parent.lexicon
        return replace(old, names={**fresh.names, **old.names}, scales={**fresh.scales, **old.scales})

    def begin(self, network: Network, reader: Reader) -> frozenset[str]:
        """Take the parent's weights, and hold still what the frozen tasks depend on.

        Raises:
            ProjectError: a frozen task is not the parent's, its answers are not what they were, or nothing can learn.
        """
        self.taken = take_weights(network, reader.lexicon, self.parent.network, self.parent.lexicon)
        self._tell(f"started from the parent model: {self.taken.told()}")
        if not self.freeze:
            return frozenset()
        self._check_tasks(network)
        take_buffers(network, reader.lexicon, self.parent.network, self.parent.lexicon)
        self._rows = np.arange(min(PROBED, reader.store.n), dtype=np.int64)
        held = _upstream(network, reader, self._rows[:32], self.freeze)
        for name, found in network.named_parameters():
            found.requires_grad_(name not in held)
        old = Reader(reader.store, self.parent.lexicon, self.parent.network.blueprint.schema)
        self._answers = infer(self.parent.network, old, self._rows, tasks=sorted(self.freeze))
        self._check_answers(network, reader, "does not fit the parent's weights")
        self._tell(_what_learns(network, self.freeze))
        return self.freeze

    def end(self, network: Network, reader: Reader) -> None:
        """Look that frozen tasks still answer as the parent did.

        Raises:
            ProjectError: one does not.
        """
        if self.freeze:
            self._check_answers(network, reader, "moved while other tasks were trained")
            for found in network.parameters():
                found.requires_grad_()

    def _check_tasks(self, network: Network) -> None:
        old, new = self.parent.network.blueprint, network.blueprint
        for task in sorted(self.freeze):
            if task not in old.schema.tasks:
                raise ProjectError(f"`{task}` cannot be frozen", at="training.freeze",
                                   why="the parent model has no such task", fix="train it first, then freeze it")
            if old.classes.get(task) != new.classes.get(task):
                changed = set(old.classes.get(task, ())) ^ set(new.classes.get(task, ()))
                raise ProjectError(f"`{task}` cannot be frozen", at="training.freeze",
                                   why=f"its classes changed since the parent: {', '.join(sorted(changed)) or 'order'}",
                                   fix="do not freeze it: old classes keep their weights all the same")

    def _check_answers(self, network: Network, reader: Reader, what: str) -> None:
        found = infer(network, reader, self._rows, tasks=sorted(self.freeze))
        for task, before in self._answers.items():
            apart = _apart(found[task].probabilities, before.probabilities)
            if apart > TOLERANCE:
                cause = "; ".join(f"{name}: {why}" for name, why in sorted(self.taken.fresh.items()))
                raise ProjectError(f"`{task}` cannot be held still: it {what}", at="training.freeze",
                                   why=f"probabilities differ by {apart:.2g}" + (f"; new are {cause}" if cause else ""),
                                   fix="keep the values and payloads that it depends on, or do not freeze it")

    def _tell(self, text: str) -> None:
        if self._progress is not None:
            self._progress.note(text)


def _apart(now: np.ndarray, before: np.ndarray) -> float:
    return float(np.abs(now - before).max(initial=0.0)) if now.shape == before.shape else 1.0


def _upstream(network: Network, reader: Reader, rows: np.ndarray, tasks: frozenset[str]) -> set[str]:
    """The parameters that the answers of some tasks depend on, found by asking which would get a gradient."""
    network.eval()
    logits = network(to_tensors(reader.read(rows))).logits
    names, parameters = zip(*network.named_parameters(), strict=True)
    total = torch.stack([logits[task].sum() for task in sorted(tasks)]).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    prefixes = tuple(f"heads.{name}." for name, _ in network.heads.named_children() if _is_of(network, name, tasks))
    reached = {name for name, found in zip(names, gradients, strict=True) if found is not None}
    return reached | {name for name in names if name.startswith(prefixes)}  # transitions are not in the graph


def _is_of(network: Network, name: str, tasks: frozenset[str]) -> bool:
    from ovt.training.network.network import key

    return name in {key(task) for task in tasks if task in network.blueprint.schema.tasks}


def _what_learns(network: Network, freeze: frozenset[str]) -> str:
    """Which parts still learn, in words.

    Raises:
        ProjectError: none does.
    """
    parts = sorted({".".join(name.split(".")[:2]) for name, found in network.named_parameters() if found.requires_grad})
    if not any(part.startswith(("heads.", "payloads.")) for part in parts):
        raise ProjectError("nothing is left to learn", at="training.freeze",
                           why="all tasks are frozen", fix="freeze fewer, or do not train")
    held = ", ".join(f"`{task}`" for task in sorted(freeze))
    reads = "they read" if len(freeze) > 1 else "it reads"
    return f"{held} held still with all that {reads}; learning: {', '.join(parts)}"
