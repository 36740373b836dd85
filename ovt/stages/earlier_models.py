"""Runs earlier models of this repository for the functions that use their predictions.

The model is taken from DVC's cache by the hash that the revision is pinned to;
it predicts on the present records, train among them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import MissingError, ProjectError
from ovt.functions.predictions import TaskAnswers, predicting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.training.predictions import TaskPredictions


@contextmanager
def with_earlier_models(project: Project, progress: Progress) -> Iterator[None]:
    """Inside the block, functions that use predictions have the models run that they are pinned to."""
    with predicting(EarlierModels(project, progress)):
        yield


class EarlierModels:
    """A predictor (see `ovt.functions.predictions.Predictor`)."""

    def __init__(self, project: Project, progress: Progress) -> None:
        self._project = project
        self._progress = _InLabel(progress)
        self._told: set[str] = set()

    def __call__(self, model: str, store: Store, rows: NDArray[np.int64], task: str) -> dict[str, TaskAnswers]:
        """Run a model.

        Raises:
            MissingError: the model is not on this machine, or reads other payloads.
            ProjectError: the model has no such task.
        """
        from ovt.storage.files import scratch_folder
        from ovt.training.predict import predict

        if model not in self._told:
            self._told.add(model)
            self._progress.note(f"model {model[:8]} predicts on records that it has not seen here")
        with scratch_folder(self._project.private / "scratch", "model") as folder:
            self._lay_out(model, folder)
            found = predict(folder, store, rows, self._progress)
        if task not in found:
            raise ProjectError(f"the model {model[:8]} does not predict `{task}`",
                               why=f"it predicts {', '.join(sorted(found)) or 'nothing that the schema has'}",
                               fix="use a version that has this task", command="ovt log")
        return {name: packed(answers, store.classes.get(name, [])) for name, answers in found.items()}

    def _lay_out(self, model: str, folder: Path) -> None:
        """Links to the model's files in DVC's cache, under their names."""
        from ovt.stages.cached_models import lay_out

        if not lay_out(self._project, model, folder):
            raise MissingError(f"the model {model[:8]}, which a function uses, is not on this machine",
                               why="DVC's cache does not have it", fix="fetch the version that it is pinned to",
                               command=f"ovt pull {_commit_of(self._project, model)}")


class _InLabel:
    """Tells what a model does as part of the label stage."""

    def __init__(self, progress: Progress) -> None:
        self.note = progress.note
        self._update = progress.update

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """See `Progress.update`."""
        del stage
        self._update("label", f"earlier model: {message}", done, total)


def packed(found: TaskPredictions, classes: list[str]) -> TaskAnswers:
    """Predictions as functions get them; for a bitvector the confidence is that of its least sure class."""
    if found.decoded.ndim == 2:
        sure = np.where(found.decoded, found.probabilities, 1 - found.probabilities)
        confidence = sure.min(axis=1) if sure.shape[1] else np.ones(len(sure), np.float32)
        return TaskAnswers(list(classes), found.decoded.astype(bool).tobytes(), _bytes(confidence), several=True)
    return TaskAnswers(
        list(classes), found.decoded.astype(np.int32).tobytes(), _bytes(found.confidence()), several=False,
    )


def _bytes(confidence: NDArray[np.floating]) -> bytes:
    return np.ascontiguousarray(confidence, np.float32).tobytes()


def _commit_of(project: Project, model: str) -> str:
    from ovt.functions.pins import read_pins

    return next((pin.commit for pin in read_pins(project).values() if pin.model == model), "REV")
