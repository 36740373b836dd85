"""A version trained again with other votes or another seed, away from the working tree.

A trial is a project in a scratch folder: the head's store, gold and slices
linked, its settings and tuned values, and targets made from the votes that are
to be tried. The stages themselves train and evaluate it. What comes out is kept
in the cache under what went in, and where that is what the base or the head was
made of, theirs is taken and nothing is trained.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ovt.workflows.attribution.sides import CORRECTIONS, PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ovt.data.votes import Votes
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.predictions import GradedPredictions
    from ovt.slicing.membership import Membership
    from ovt.training.optimisation.targets import Targets
    from ovt.workflows.attribution.sides import Side

FORMAT = "trials/1"
LINKED = ("build/store", "build/slices", "build/gold/dev", "build/gold/test")
TAGS = "build/tags.parquet"
LABELS = "build/labels"
KEPT = "blame"
"""Folder of the cache."""


@dataclass
class Spent:
    """What trials have cost so far."""

    trained: int = 0
    seconds: float = 0.0

    def each(self, guess: float | None) -> float | None:
        """Seconds of one training: as measured here, else as remembered, else unknown."""
        return self.seconds / self.trained if self.trained else guess


@dataclass
class Laboratory:
    """Where trials of one pair of versions are made."""

    base: Side
    head: Side
    scratch: Path
    progress: Progress
    spent: Spent = field(default_factory=Spent)
    _made: dict[str, Path] = field(default_factory=dict)
    """Digest of votes → file of targets."""

    def targets(self, task: str, votes: Votes) -> Path:
        """The head's label stage on other votes: the file of training targets."""
        from ovt.stages.label import label_task
        from ovt.storage.files import safe_name

        name = f"{safe_name(task)}.arrow"
        digest = _votes_digest(task, votes)
        if digest not in self._made:
            there = self._project(self.scratch / "relabel", self._seed)
            folder = self.scratch / "labels" / digest
            label_task(there, self.head.store, task, votes, folder)
            self._made[digest] = folder / name
        return self._made[digest]

    @cached_property
    def head_targets(self) -> dict[str, Path]:
        """The head's own targets by task."""
        return self._targets_of(self.head, "head")

    @cached_property
    def base_targets(self) -> dict[str, Path]:
        """The base's, on its own records."""
        return self._targets_of(self.base, "base")

    def _targets_of(self, side: Side, folder: str) -> dict[str, Path]:
        """Files under their names: in DVC's cache they have none."""
        from ovt.storage.files import safe_name

        files, found = side.files(LABELS), {}
        for task in side.store.schema.tasks:
            name = f"{safe_name(task)}.arrow"
            if name in files:
                found[task] = self.scratch / "labels" / folder / name
                _link(found[task], files[name])
        return found

    def predictions(self, targets: Mapping[str, Path], seed_offset: int = 0) -> dict[str, GradedPredictions]:
        """Predictions on test after a training on these targets; from the cache, or a version's own, where possible.

        Args:
            targets: file by task.
            seed_offset: added to the head's `train.seed`.
        """
        owner = self._owner(targets)
        if owner is not None and seed_offset < _seeds(owner):
            return {task: part.by_seed()[seed_offset] for task, part in owner.predictions.items()}
        path = self._cached(targets, seed_offset)
        if not path.is_file():
            self._train(targets, seed_offset)
        return self.head.predictions_in(path)

    def is_free(self, targets: Mapping[str, Path], seed_offset: int = 0) -> bool:
        """Whether `predictions` would train nothing."""
        owner = self._owner(targets)
        if owner is not None and seed_offset < _seeds(owner):
            return True
        return self._cached(targets, seed_offset).is_file()

    def read(self, path: Path, task: str) -> Targets | None:
        """Targets in a file of this laboratory, or of the head."""
        from ovt.training.optimisation.targets import read_targets

        return read_targets(path.parent, self.head.store, task)

    def membership(self) -> Membership:
        """Who of the head's records is in which slice."""
        from ovt.slicing.membership import Membership

        there = self._project(self.scratch / "relabel", self._seed)
        return Membership.load(there.build / "slices", self.head.store.n)

    @property
    def _seed(self) -> int:
        return int(_settings(self.head)["train"]["seed"])

    def _owner(self, targets: Mapping[str, Path]) -> Side | None:
        """The version that was trained on just these targets, all else being the head's."""
        key = _digest(self.head, targets, self._seed)
        return self.head if key == self._head_key else self.base if key == self._base_key else None

    @cached_property
    def _head_key(self) -> str:
        return _digest(self.head, self.head_targets, self._seed)

    @cached_property
    def _base_key(self) -> str:
        return _digest(self.base, self.base_targets, int(_settings(self.base)["train"]["seed"]))

    def _cached(self, targets: Mapping[str, Path], seed_offset: int) -> Path:
        key = _digest(self.head, targets, self._seed + seed_offset)
        return self.head.project.cache / KEPT / f"{key}.parquet"

    def _train(self, targets: Mapping[str, Path], seed_offset: int) -> None:
        from ovt.stages import evaluate, train
        from ovt.storage.files import scratch_folder, write_bytes

        begun = time.perf_counter()
        with scratch_folder(self.scratch, "trial") as folder:
            there = self._project(folder, self._seed + seed_offset)
            for path in targets.values():
                _link(there.root / LABELS / path.name, path)
            train.run(there, there.root, self.progress)
            evaluate.run(there, there.root / "out", self.progress)
            made = there.root / "out" / PREDICTIONS
            write_bytes(self._cached(targets, seed_offset), made.read_bytes())
        self.spent.trained += 1
        self.spent.seconds += time.perf_counter() - begun

    def _project(self, folder: Path, seed: int) -> Project:
        """The head with its records, without targets and model."""
        from ovt.project import Project
        from ovt.schema.parse import SCHEMA_FILES
        from ovt.settings import SETTINGS_FILE
        from ovt.stages.pipeline import TUNING_LOCK

        if (folder / SETTINGS_FILE).is_file():
            return Project(folder, self.head.project.cache)
        folder.mkdir(parents=True, exist_ok=True)
        settings = _settings(self.head)
        settings["train"] = {**settings["train"], "seed": seed, "replicates": 1}
        (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        for name in SCHEMA_FILES:
            content = self.head.source.read(name)
            if content is not None:
                (folder / name).write_bytes(content)
        if self.head.corrections is not None:
            (folder / CORRECTIONS).parent.mkdir(exist_ok=True)
            (folder / CORRECTIONS).write_bytes(self.head.corrections)
        if self.head.tuning_lock is not None:
            (folder / TUNING_LOCK).write_bytes(self.head.tuning_lock)
        for output in LINKED:
            for name, path in self.head.files(output).items():
                _link(folder / output / name, path)
        _link(folder / TAGS, self.head.path(TAGS))
        return Project(folder, self.head.project.cache)


@contextmanager
def laboratory(base: Side, head: Side, progress: Progress) -> Iterator[Laboratory]:
    """A laboratory in a scratch folder of the project, gone at the end; the user's working tree is not touched."""
    from ovt.storage.files import scratch_folder

    with scratch_folder(head.project.private / "scratch", KEPT) as folder:
        yield Laboratory(base, head, folder, progress)


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.resolve())


def _seeds(side: Side) -> int:
    """Networks that the version consists of."""
    return min((part.seeds for part in side.predictions.values()), default=0)


def _settings(side: Side) -> dict[str, Any]:
    from ovt.versions.key import inputs_of

    inputs = inputs_of(side.source)
    assert inputs is not None  # it has a report
    return dict(inputs.settings)


def _digest(side: Side, targets: Mapping[str, Path], seed: int) -> str:
    """Of everything that a training and its evaluation are a function of."""
    from ovt.stages.pipeline import FORMATS

    train = {**_settings(side)["train"], "seed": seed, "replicates": 1}
    about = {
        "format": FORMAT, "stages": FORMATS, "train": train,
        "inputs": {name: side.hashes.get(name) for name in (*LINKED, TAGS)},
        "tuning": hashlib.sha256(side.tuning_lock or b"").hexdigest(),
        "targets": {task: _file_digest(path) for task, path in sorted(targets.items())},
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _votes_digest(task: str, votes: Votes) -> str:
    digest = hashlib.sha256(json.dumps([task, list(votes.names), votes.n_items]).encode())
    for column in (votes.items, votes.sources, votes.labels):
        digest.update(column.tobytes())
    return digest.hexdigest()[:32]
