"""What a pinned model says about the records, cached by model and shard.

It is kept in `.ovt/cache/predictions/MODEL/`. Who can run a model puts a
predictor in place with `predicting`, since functions know nothing of models.
"""

from __future__ import annotations

import copy
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from ovt.errors import MissingError
from ovt.functions.earlier import BatchPrediction, Pinned, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Shard, Store

FORMAT = 1


class Predictor(Protocol):
    """Runs a model on rows of the present store."""

    def __call__(self, model: str, store: Store, rows: NDArray[np.int64], task: str) -> dict[str, TaskAnswers]:
        """What the model says, by task: of all that it predicts, since they cost one run.

        Args:
            model: DVC's hash of its folder.
            store: the records.
            rows: which of them.
            task: one that is wanted.
        """


class TaskAnswers(msgspec.Struct, array_like=True):
    """A model's answers about some records, as kept in the cache: everything per item, in the order of the rows."""

    classes: list[str]
    """Class names; empty for `select`."""
    labels: bytes
    """int32 per item: class, or candidate; -1: none. With `several` one bool per item and class."""
    confidence: bytes
    """float32 per item."""
    several: bool
    """An item has any number of classes (bitvector)."""
    format: int = FORMAT


class Predicted:
    """A model's answers about the rows of one shard."""

    def __init__(self, answers: TaskAnswers, offsets: NDArray[np.int64] | None) -> None:
        """Unpack them.

        Args:
            answers: of the rows.
            offsets: where each row's items begin, counted from the first; None: items are rows.
        """
        self._bounds = None if offsets is None else offsets.tolist()
        confidence = np.frombuffer(answers.confidence, np.float32)
        self._confidence: list[float] = confidence.astype(np.float64).round(6).tolist()
        self._labels = _labels(answers, len(confidence))

        self._first = 0

    def from_row(self, row: int) -> Predicted:
        """The same, with rows counted from another one."""
        found = copy.copy(self)
        found._first = self._first + row
        return found

    def at(self, row: int) -> Prediction:
        """About one row, counted from the first."""
        row += self._first
        if self._bounds is None:
            return Prediction(self._labels[row], self._confidence[row])
        items = slice(self._bounds[row], self._bounds[row + 1])
        return Prediction(self._labels[items], self._confidence[items])

    def between(self, start: int, stop: int) -> BatchPrediction:
        """About some rows."""
        found = [self.at(row) for row in range(start, stop)]
        return BatchPrediction([one.label for one in found], [one.confidence for one in found])


def _labels(answers: TaskAnswers, n: int) -> list[Any]:
    if answers.several:
        return _lists(answers, n)
    names = answers.classes
    codes = np.frombuffer(answers.labels, np.int32).tolist()
    if not names:
        return [code if code >= 0 else None for code in codes]
    return [names[code] if code >= 0 else None for code in codes]


def _lists(answers: TaskAnswers, n: int) -> list[list[str]]:
    flags = np.frombuffer(answers.labels, np.bool_).reshape(n, len(answers.classes))
    return [[answers.classes[code] for code in np.flatnonzero(row)] for row in flags]


_in_use: ContextVar[Predictor | None] = ContextVar("predictor", default=None)


@contextmanager
def predicting(predictor: Predictor) -> Iterator[None]:
    """Functions that are applied inside the block may have models run by this predictor."""
    token = _in_use.set(predictor)
    try:
        yield
    finally:
        _in_use.reset(token)


class PredictionCache:
    """Answers of models by model, task and shard; anything in it may be deleted at any time."""

    def __init__(self, cache: Path, store: Store) -> None:
        self._folder = cache / "predictions"
        self._store = store
        self._decoder = msgspec.msgpack.Decoder(TaskAnswers)

    def ensure(self, wanted: Pinned, shard: Shard) -> None:
        """Have a model's answers about a shard in the cache.

        Raises:
            MissingError: they are not, and no predictor is in place.
        """
        if self._read(self._place(str(wanted.model), wanted.task, shard)) is not None:
            return
        predictor = _in_use.get()
        if predictor is None:
            raise MissingError(f"the predictions of `{wanted.revision}` are not at hand", at=wanted.at,
                               why="its model has not seen these records yet", fix="run the stage that uses them",
                               command="ovt run label")
        rows = np.arange(shard.start, shard.stop, dtype=np.int64)
        for task, answers in predictor(str(wanted.model), self._store, rows, wanted.task).items():
            place = self._place(str(wanted.model), task, shard)
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh = place.with_name(f".{place.name}.{threading.get_ident()}")
            fresh.write_bytes(msgspec.msgpack.encode(answers))
            fresh.replace(place)

    def read(self, wanted: Pinned, shard: Shard) -> Predicted:
        """What `ensure` has put there."""
        answers = self._read(self._place(str(wanted.model), wanted.task, shard))
        if answers is None:
            self.ensure(wanted, shard)
            return self.read(wanted, shard)
        offsets = self._store.item_offsets(wanted.task)
        if offsets is not None:
            offsets = offsets[shard.start:shard.stop + 1] - offsets[shard.start]
        return Predicted(answers, offsets)

    def _place(self, model: str, task: str, shard: Shard) -> Path:
        from ovt.functions.closure import digest_of

        # The answers are in the classes of the present store.
        classes = self._store.classes.get(task, ())
        return self._folder / model / digest_of([task, *classes])[:32] / shard.digest

    def _read(self, place: Path) -> TaskAnswers | None:
        try:
            found = self._decoder.decode(place.read_bytes())
        except (OSError, ValueError):
            return None
        return found if found.format == FORMAT else None
