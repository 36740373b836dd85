"""One training run from what the stages wrote: shared by the train stage and by every trial of a search."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ovt.errors import ProjectError
from ovt.schema.spec import SPLITS
from ovt.training.lexicon import Lexicon, build_lexicon
from ovt.training.network.network import Blueprint, Network
from ovt.training.optimisation.class_bias import correct_class_biases
from ovt.training.optimisation.hooks import PLAIN, Hooks
from ovt.training.optimisation.lesson import Lesson
from ovt.training.optimisation.loop import Hear, train
from ovt.training.optimisation.scores import DevGold, read_gold
from ovt.training.optimisation.targets import TargetIndex, Targets, read_targets
from ovt.training.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.training.optimisation.outcome import Outcome
    from ovt.training.tuning.values import Values


@dataclass(frozen=True)
class Material:
    """What a model can learn from."""

    store: Store
    targets: dict[str, Targets]
    """Labels of train items, by task."""
    slices: tuple[str, ...]
    members: NDArray[np.bool_]
    """(n, slices)."""
    gold: DevGold | None
    root: Path | None = None
    """Where the project's files of pretrained vectors lie."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Train rows with a label of some task."""
        rows = [self.store.rows_of_items(task, found.items) for task, found in self.targets.items()]
        return np.unique(np.concatenate(rows))

    def without(self, tasks: frozenset[str]) -> Material:
        """The same with nothing to learn about some tasks."""
        if not tasks:
            return self
        return replace(self, targets={task: found for task, found in self.targets.items() if task not in tasks})


@dataclass(frozen=True)
class Fitted:
    """A trained model."""

    network: Network
    lexicon: Lexicon
    outcome: Outcome


def load_material(build: Path, store: Store) -> Material:
    """Read labels, slices and dev gold of a project's `build/`.

    Raises:
        ProjectError: no train record has a label.
    """
    from ovt.slicing.membership import Membership

    targets = {task: kept for task in store.schema.tasks if (kept := train_targets(build / "labels", store, task))}
    if not targets:
        raise ProjectError("there is nothing to learn from", at="build/labels", why="no source labels a train record",
                           fix="add a labeling function, or labels to supervision/", command="ovt source list")
    membership = Membership.load(build / "slices", store.n)
    return Material(store, targets, membership.names, membership.matrix, read_gold(build / "gold" / "dev", store),
                    build.parent)


def train_targets(labels: Path, store: Store, task: str) -> Targets | None:
    """Labels of the task's train items; None if no source covers one."""
    found = read_targets(labels, store, task)
    if found is None:
        return None
    kept = found.keep(store.splits[store.rows_of_items(task, found.items)] == SPLITS.index("train"))
    return kept if len(kept.items) else None


def fit(
    material: Material, values: Values, seed: int, progress: Progress, hear: Hear | None = None, hooks: Hooks = PLAIN,
) -> Fitted:
    """Build the network that the schema and the values describe, and train it."""
    store = material.store
    with repeatable_torch(seed):
        network, lexicon = build(material, values, hooks)
        reader = Reader(store, lexicon)
        frozen = hooks.start.begin(network, reader) if hooks.start is not None else frozenset()
        taught = material.without(frozen)
        targets = {task: TargetIndex(store, task, found) for task, found in taught.targets.items()}
        rows = taught.rows if hooks.teacher is None else np.union1d(taught.rows, hooks.teacher.rows)
        lesson = Lesson(reader, rows, targets, material.members, material.gold, hooks)
        outcome = train(network, lesson, seed, progress, hear)
        if material.gold is not None:
            correct_class_biases(network, reader, material.gold, frozen)
        if hooks.start is not None:
            hooks.start.end(network, reader)
        return Fitted(network, lexicon, outcome)


def build(material: Material, values: Values, hooks: Hooks = PLAIN) -> tuple[Network, Lexicon]:
    """The network as it is before training, and its words and names."""
    fresh = build_lexicon(material.store, values.words, values, material.root)
    lexicon = fresh if hooks.start is None else hooks.start.lexicon(fresh)
    network = Network(blueprint(material, values, lexicon))
    if lexicon.embeddings is fresh.embeddings:  # else they are a parent's, and so are the vectors
        network.fill(fresh.embeddings, material.root)
    return network, lexicon


def blueprint(material: Material, values: Values, lexicon: Lexicon) -> Blueprint:
    """The network's shape."""
    store = material.store
    return Blueprint(
        schema=store.schema, classes={task: tuple(names) for task, names in store.classes.items()},
        slices=material.slices, values=values, words=len(lexicon.words.words),
        names={key: len(names) for key, names in lexicon.names.items()}, embeddings=lexicon.embeddings,
    )


@contextmanager
def repeatable_torch(seed: int) -> Iterator[None]:
    """The same bytes every run; numbers too small to matter are zero, which they cost less as.

    The switch behind `torch.use_deterministic_algorithms`, which itself
    imports the whole compiler (1.1 s) to set the same for compiled code. Both
    switches belong to the whole process, so they are put back.
    """
    before = torch.are_deterministic_algorithms_enabled()
    torch._C._set_deterministic_algorithms(True, warn_only=False)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch._C._set_deterministic_algorithms(before, warn_only=False)
